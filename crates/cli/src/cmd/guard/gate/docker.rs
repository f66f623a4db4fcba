//! `lazaret gate docker`: the plugin's process, until somebody says stop.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use ::gate::docker::{Answer, Reader, Request, Server};
use ::gate::{Broken, Decided, Judge, Scanning, Scans};
use clap::Args;

use super::JudgeArguments;
use super::scanner::ScanArguments;
use super::told::tell;
use crate::cmd::global::{Calendar, Global};
use crate::cmd::guard::cage;
use crate::cmd::guard::sink::{self, Sinks};
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::{environment, interrupt, output};

/// Where the daemon looks for a plugin that is called `lazaret`.
const SOCKET: &str = "/run/docker/plugins/lazaret.sock";
const DAEMON: &str = "/var/run/docker.sock";
/// How often Ctrl-C, SIGHUP and the sinks are looked at.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Args, Debug)]
pub(super) struct DockerArguments {
    #[command(flatten)]
    judge: JudgeArguments,
    #[command(flatten)]
    scan: ScanArguments,
    /// Where to listen; the plugin is called as the file is
    #[arg(long, value_name = "PATH", default_value = SOCKET)]
    socket: PathBuf,
    /// The daemon's socket, which is asked what a name stands for [default: that of DOCKER_HOST, or
    /// /var/run/docker.sock]
    #[arg(long, value_name = "PATH")]
    daemon: Option<PathBuf>,
}

/// What the threads of requests share.
struct Desk {
    judge: RwLock<Arc<Judge>>,
    reader: Reader,
    scans: Option<Arc<Scans>>,
    sinks: Mutex<Sinks>,
    calendar: Calendar,
}

pub(super) fn run(arguments: &DockerArguments, global: &Global) -> Result<ExitCode, UserError> {
    let (stop, asked) = interrupt::stop_or_reread()?;
    let judge = arguments.judge()?;
    let notes = judge.policy.notes(global.today);
    let daemon = arguments.daemon.clone().or_else(|| environment::unix_socket("DOCKER_HOST"));
    let daemon = daemon.unwrap_or_else(|| DAEMON.into());
    let nursery = cage::nursery()?;
    let scans = arguments.scan.open(&judge, &daemon, &nursery, global)?;
    let sinks = sink::open(&arguments.judge.sinks, global.look(None).color, &stop, &nursery)?;
    let desk = Arc::new(Desk {
        judge: RwLock::new(Arc::new(judge)),
        reader: Reader::new(daemon),
        scans,
        sinks: Mutex::new(sinks),
        calendar: global.calendar,
    });
    let (deciding, waiting) = (Arc::clone(&desk), Arc::clone(&desk));
    let seconds = arguments.judge.deadline;
    let late = move || waiting.late(seconds);
    let decide = move |bytes: &[u8], longer: &dyn Fn(Duration)| deciding.decide(bytes, longer);
    let deadline = arguments.judge.deadline();
    let server = Server::start(&arguments.socket, deadline, decide, late).map_err(|error| {
        let message = format!("cannot listen at `{}`: {error}", arguments.socket.display());
        UserError::new(ExitCode::Failed, message)
    })?;
    if !global.is_quiet() {
        notes.iter().for_each(|note| output::note(note));
        let does = if arguments.judge.enforce { "refused" } else { "told, nothing is refused" };
        let place = arguments.socket.display();
        output::note(&format!("what the policy denies is {does}; the daemon asks at `{place}`"));
    }
    while !stop.is_stopped() {
        if asked.take() {
            desk.reread(arguments);
        }
        desk.sinks().news().iter().for_each(|news| output::note(news));
        thread::sleep(LOOK);
    }
    drop(server);
    desk.sinks().finish().iter().for_each(|untold| output::note(untold));
    Ok(ExitCode::Done)
}

impl DockerArguments {
    fn judge(&self) -> Result<Judge, UserError> {
        let judge = self.judge.judge()?;
        self.scan.check(&judge)?;
        Ok(judge)
    }
}

impl Desk {
    fn decide(&self, bytes: &[u8], longer: &dyn Fn(Duration)) -> Answer {
        let judge = self.judge();
        let request = match Request::parse(bytes) {
            Ok(request) => request,
            Err(why) => return self.answer(&judge.broken(why), "", ""),
        };
        let wanted = match self.reader.wanted(&request) {
            Ok(None) => return Answer::Allow,
            Ok(Some(wanted)) => Ok(wanted),
            Err(why) => Err(why),
        };
        let scanning = self.scans.as_deref().map(|scans| Scanning { scans, longer });
        let decided = judge.judge(wanted, self.calendar.today(), scanning);
        self.answer(&decided, &request.line(), request.user())
    }

    /// Nothing came in time.
    fn late(&self, seconds: u64) -> Answer {
        let why = Broken::new(format!("nothing answered within {seconds} s"));
        self.answer(&self.judge().broken(why), "", "")
    }

    fn answer(&self, decided: &Decided, request: &str, user: &str) -> Answer {
        if decided.told {
            tell(&self.sinks(), decided, request, user);
        }
        match decided.refused {
            true => Answer::Refuse(decided.lines.join("\n  ")),
            false => Answer::Allow,
        }
    }

    fn judge(&self) -> Arc<Judge> {
        Arc::clone(&self.judge.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn sinks(&self) -> std::sync::MutexGuard<'_, Sinks> {
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A policy with mistakes changes nothing.
    fn reread(&self, arguments: &DockerArguments) {
        match arguments.judge() {
            Ok(judge) => {
                output::note(&format!("`{}` was read anew", judge.policy.name()));
                *self.judge.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(judge);
            }
            Err(error) => {
                error.print();
                output::note("the policy stays as it was");
            }
        }
    }
}
