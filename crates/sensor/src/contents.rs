//! Files that were just written, and files that a program is started from, as they are: open.
//!
//! ```text
//! mounts → marks:    on the file systems of containers (of the host, if that is wanted)
//! kernel → reader:   closed after writing, opened to execute → Touched { file, pid, deed }
//! record → programs: one that began without its file being told → Touched, through its process
//! ```
//!
//! The kernel hands over the very file that was written or executed: no path is walked, so nothing that
//! happens to the path in between leads to another file, and a file that is removed at once is still
//! there to be read. What is only told after it happened is never told as refused.
//!
//! File systems of a process or a network are not marked: the kernel opens a file for us before it
//! tells of it, and one that does not answer would make us deaf. They are told as a [`News::Gap`].

mod former;
mod marks;
mod points;
mod programs;
mod reader;

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use model::event::{Layering, Text};
use nix::sys::fanotify::{EventFFlags, Fanotify, InitFlags};
use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{Mode, OFlags, open};

use self::marks::Marks;
pub use self::programs::Program;
use self::programs::Told;
use self::reader::Reading;
use crate::containers::group_of_container;
pub use crate::prevent::fanotify::facts::Print;
use crate::prevent::fanotify::facts::{Facts, path_of};
use crate::prevent::fanotify::layers::is_of_image;

/// Files of programs that are held open until it is known whether the kernel told of them.
const HELD_MAX: usize = 1_024;
/// Programs and groups that wait to be looked at, while mounts of another one do not answer: some seconds of
/// a storm of programs.
const ASKED_MAX: usize = 16_384;

/// Whose files are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Containers,
    /// Those of the host too.
    All,
}

/// What was done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    Written,
    Executed,
}

/// A file, and who did it.
#[derive(Debug)]
pub struct Touched {
    /// Opened to read.
    pub file: OwnedFd,
    pub deed: Deed,
    pub pid: u32,
    /// When it was told, in nanoseconds since the epoch.
    pub time: u64,
    /// Its path as it was then: once its mount is gone, it has none any more.
    pub named: Text,
}

/// What is told, on a thread of its own.
#[derive(Debug)]
pub enum News {
    Touched(Touched),
    /// The kernel had no room: nobody knows how many were not told.
    Overflow,
    /// The kernel could not open one for us.
    Unopened(String),
    /// Where nothing is seen, and why.
    Gap(String),
    /// A program, or other files, of which it is known that they cannot be handed over.
    Missed {
        why: &'static str,
        path: Text,
    },
}

/// Takes what is told. It must not wait: meanwhile the kernel's queue fills.
pub type Take = Box<dyn FnMut(News) + Send>;

/// Why nothing is told.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error(
        "asking the kernel for files that are written: {0}\nhint: root (CAP_SYS_ADMIN), and a kernel \
         with CONFIG_FANOTIFY"
    )]
    Kernel(#[source] std::io::Error),
    #[error("starting a thread: {0}")]
    Thread(#[source] std::io::Error),
}

/// What [`Contents`] is to be told at once.
#[derive(Clone, Debug)]
pub enum Begun {
    Program(Program),
    /// A control group was made, as its hierarchy names it.
    Group(String),
}

/// What the thread is asked.
enum Asked {
    Program(Ask),
    Group(String),
}

/// A program that began.
struct Ask {
    program: Program,
    /// The kernel told of its file.
    is_told: bool,
    /// It, if it is not known whether the kernel will; not opened to read.
    file: Option<OwnedFd>,
}

/// What the thread and who asks it share.
#[derive(Default)]
struct Shared {
    told: Mutex<Told>,
    /// Files that asks hold.
    held: AtomicUsize,
    /// Programs for which there was no room to ask.
    unasked: AtomicUsize,
}

/// Tells until it is dropped.
pub struct Contents {
    scope: Scope,
    asks: Option<SyncSender<Asked>>,
    shared: Arc<Shared>,
    bell: Arc<OwnedFd>,
    marks: Arc<Marks>,
    thread: Option<JoinHandle<()>>,
}

impl Contents {
    /// The overlays of containers that run are marked before this returns, their other mounts soon after.
    /// Of what begins [`Self::tell`] has to be told.
    ///
    /// # Errors
    /// If the kernel does not allow it.
    pub fn start(scope: Scope, take: Take) -> Result<Self, Refusal> {
        let queue = Fanotify::init(
            InitFlags::FAN_CLASS_NOTIF
                | InitFlags::FAN_CLOEXEC
                | InitFlags::FAN_NONBLOCK
                | InitFlags::FAN_UNLIMITED_MARKS,
            // A pipe without a writer must not hold us up, and to look is no use of a file.
            EventFFlags::O_RDONLY
                | EventFFlags::O_NONBLOCK
                | EventFFlags::O_CLOEXEC
                | EventFFlags::O_LARGEFILE
                | EventFFlags::O_NOATIME,
        );
        let queue = Arc::new(queue.map_err(|error| Refusal::Kernel(error.into()))?);
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let bell = Arc::new(bell.map_err(|error| Refusal::Kernel(error.into()))?);
        let marks = Arc::new(Marks::new(Arc::clone(&queue), scope).map_err(Refusal::Kernel)?);
        let (asks, asked) = mpsc::sync_channel(ASKED_MAX);
        let shared = Arc::new(Shared::default());
        let with = (Arc::clone(&marks), Arc::clone(&shared), Arc::clone(&bell));
        let mut reading = Reading::new(queue, with, asked, take);
        reading.look_at_hosts();
        let thread = thread::Builder::new().name("read contents".to_owned());
        let thread = thread.spawn(move || reading.run()).map_err(Refusal::Thread)?;
        Ok(Self { scope, asks: Some(asks), shared, bell, marks, thread: Some(thread) })
    }

    /// Of what has begun.
    pub fn tell(&self, begun: Begun) {
        match begun {
            Begun::Program(program) => self.began(program),
            Begun::Group(path) => self.made(path),
        }
    }

    /// A control group was made: if it is a container's, its mounts are marked as soon as somebody is in
    /// them, which is before its first program begins.
    fn made(&self, path: String) {
        let is_of_container = group_of_container(&path) == Some(&*path);
        let Some(asks) = self.asks.as_ref().filter(|_| is_of_container) else { return };
        // Its mounts are marked with its first program, if there is no room.
        if asks.try_send(Asked::Group(path)).is_ok() {
            self.ring();
        }
    }

    /// A program began: its mounts may be new, and its file may be one that nobody told of. To be called
    /// at once, for who is gone can show nothing.
    pub fn began(&self, program: Program) {
        let Some(asks) = &self.asks else { return };
        if !program.is_of_container && self.scope == Scope::Containers {
            return;
        }
        let mut is_told = self.shared.told().takes(&program);
        let is_room = self.shared.held.load(Ordering::Relaxed) < HELD_MAX;
        let mut file = (!is_told && is_room).then(|| program.open()).flatten();
        if !is_told && self.shared.told().takes_by(&program, file.as_ref()) {
            (is_told, file) = (true, None);
        }
        let held = usize::from(file.is_some());
        self.shared.held.fetch_add(held, Ordering::Relaxed);
        if asks.try_send(Asked::Program(Ask { program, is_told, file })).is_ok() {
            self.ring();
        } else {
            self.shared.held.fetch_sub(held, Ordering::Relaxed);
            self.shared.unasked.fetch_add(usize::from(!is_told), Ordering::Relaxed);
        }
    }

    /// Where a file of an overlay is from; a written one is never of the image.
    pub fn layering(&self, touched: &Touched) -> Layering {
        let Some(facts) = Facts::of(&touched.file) else { return Layering::None };
        let Some(layers) = self.marks.layers(facts.print.device) else { return Layering::None };
        if touched.deed == Deed::Written {
            return Layering::Upper;
        }
        let path = path_of(&touched.file, &facts).map(|(path, _)| path).unwrap_or_default();
        if is_of_image(&layers, path.as_ref(), &facts.print) {
            Layering::Lower
        } else {
            Layering::Upper
        }
    }

    fn ring(&self) {
        // One that was rung already needs no more.
        let _rung = rustix::io::write(&*self.bell, &1_u64.to_ne_bytes());
    }
}

impl Shared {
    fn told(&self) -> MutexGuard<'_, Told> {
        // Nothing in it can be half done.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The path of an open file, as the kernel has it now.
fn name_of(file: &OwnedFd) -> Text {
    let path = Facts::of(file).and_then(|facts| path_of(file, &facts));
    path.map(|(path, _)| path).unwrap_or_default()
}

impl Drop for Contents {
    fn drop(&mut self) {
        self.asks = None;
        self.ring();
        if let Some(thread) = self.thread.take() {
            // Its panic is its own; nothing is left to do for it.
            drop(thread.join());
        }
    }
}

impl Touched {
    /// What tells this content from any other; None for what is no regular file.
    pub fn print(&self) -> Option<Print> {
        Facts::of(&self.file).filter(|facts| facts.is_regular).map(|facts| facts.print)
    }

    /// Its path in the mount namespace in which it was opened, whatever it is called by now; `memfd:NAME`
    /// for memory.
    pub fn path(&self) -> Text {
        let path = name_of(&self.file);
        match path.strip_prefix(b"/memfd:") {
            Some(name) => [b"memfd:", name].concat().into(),
            // The beginning is missing once its mount is gone.
            None if self.named.ends_with(&path) => self.named.clone(),
            None => path,
        }
    }

    /// To read it, if it was not opened so. Whoever handed it over is on a file system that answers.
    ///
    /// # Errors
    /// If it cannot be opened any more.
    pub fn readable(&self) -> std::io::Result<OwnedFd> {
        use std::os::fd::AsRawFd;
        let flags = rustix::fs::fcntl_getfl(&self.file)?;
        if !flags.contains(OFlags::PATH) {
            return self.file.try_clone();
        }
        let link = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        let read = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        Ok(open(link, read, Mode::empty())?)
    }
}
