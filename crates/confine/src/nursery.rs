//! Starts this program again as a helper: without capabilities, with one socket, and nothing else of ours.
//!
//! A thread of its own does it, which is started first and gives up its capabilities at once: the others
//! may then be refused to execute anything at all. What is executed is the file that this program was
//! started from, whatever its path leads to by now.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;

use crate::{CapabilitySet, capability};

/// Helpers that wait to be started; whoever asks waits for the answer.
const WAITING: usize = 4;

/// What tables of processes call a helper.
const NAME: &str = "lazaret";

/// A helper to be started.
#[derive(Debug)]
pub struct Birth {
    /// What follows the program's name.
    pub arguments: Vec<OsString>,
    /// All of its environment.
    pub variables: Vec<(OsString, OsString)>,
    /// Its standard input: a socket, by which more descriptors may come.
    pub line: OwnedFd,
}

type Answer = SyncSender<io::Result<Child>>;

/// The thread that starts helpers.
#[derive(Clone, Debug)]
pub struct Nursery {
    births: SyncSender<(Birth, Answer)>,
}

impl Nursery {
    /// To be called before anything else has a thread, and before a cage is closed.
    pub fn start() -> io::Result<Self> {
        let (births, asked) = mpsc::sync_channel(WAITING);
        let (tell, ready) = mpsc::sync_channel(1);
        let work = move || {
            let prepared = prepare();
            let is_ready = prepared.is_ok();
            // Whoever starts us waits for it.
            let _unheard = tell.send(prepared);
            if is_ready {
                serve(&asked);
            }
        };
        thread::Builder::new().name("nursery".to_owned()).spawn(work)?;
        ready.recv().map_err(io::Error::other)??;
        Ok(Self { births })
    }

    /// Starts a helper. Its standard error is ours.
    pub fn bear(&self, birth: Birth) -> io::Result<Child> {
        let (answer, child) = mpsc::sync_channel(1);
        self.births.send((birth, answer)).map_err(|_gone| io::ErrorKind::BrokenPipe)?;
        child.recv().map_err(io::Error::other)?
    }
}

/// No capability of this thread is left, and nothing that it executes can have one.
fn prepare() -> io::Result<()> {
    capability::bound(CapabilitySet::empty())?;
    rustix::thread::set_no_new_privs(true)?;
    capability::keep(CapabilitySet::empty())?;
    Ok(())
}

fn serve(births: &Receiver<(Birth, Answer)>) {
    for (Birth { arguments, variables, line }, answer) in births {
        // The child's own, which is ours until it executes.
        let child = Command::new("/proc/self/exe")
            .arg0(NAME)
            .args(arguments)
            .env_clear()
            .envs(variables)
            .current_dir("/")
            // Ctrl-C is for who started us: helpers end when their line does.
            .process_group(0)
            .stdin(Stdio::from(line))
            .stdout(Stdio::null())
            .spawn();
        // Whoever asked may have ended.
        let _unheard = answer.send(child);
    }
}
