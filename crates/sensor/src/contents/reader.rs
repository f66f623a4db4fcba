//! The thread: waits for the kernel, for changed mounts and for asks, and hands over what is told.
//!
//! A file is told of before its program begins. So once everything is read that the kernel had, a program
//! that began before without its file being told of is one that the kernel will not tell of.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use model::event::Text;
use nix::errno::Errno;
use nix::sys::fanotify::{Fanotify, FanotifyEvent, MaskFlags};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::Timespec;

use super::former::Former;
use super::marks::{Look, Marks};
use super::{Ask, Asked, Deed, News, Shared, Take, Touched, name_of};
use crate::clock::Clock;
use crate::prevent::fanotify::facts::Facts;

/// How often the machine's clock is looked at.
const CLOCK_PAUSE: Duration = Duration::from_secs(1);
/// Turns of reading (some 170 events each) before mounts are looked at again: a flood must not
/// keep a new container from being marked.
const TURNS_MAX: usize = 16;
/// How often it is looked whether a container that is being made is in its mounts, and for how long.
const COMING_LOOK: Duration = Duration::from_millis(2);
const COMING_TIME: Duration = Duration::from_secs(10);
/// Containers that are being made at a time.
const COMING_MAX: usize = 64;
/// Programs that wait until everything is read; in a flood that never ends, a file may be looked at twice.
const WAITING_MAX: usize = 4_096;

pub(super) struct Reading {
    queue: Arc<Fanotify>,
    marks: Arc<Marks>,
    shared: Arc<Shared>,
    bell: Arc<OwnedFd>,
    asked: Receiver<Asked>,
    /// Of which the kernel did not tell yet.
    waiting: Vec<Ask>,
    /// Groups of containers that are being made, since when.
    coming: Vec<(String, Instant)>,
    take: Take,
    clock: Clock,
    clock_read: Instant,
}

impl Reading {
    pub(super) fn new(
        queue: Arc<Fanotify>,
        (marks, shared, bell): (Arc<Marks>, Arc<Shared>, Arc<OwnedFd>),
        asked: Receiver<Asked>,
        take: Take,
    ) -> Self {
        let (clock, clock_read) = (Clock::now(), Instant::now());
        let (waiting, coming) = (Vec::new(), Vec::new());
        Self { queue, marks, shared, bell, asked, waiting, coming, take, clock, clock_read }
    }

    /// Until nobody asks any more.
    pub(super) fn run(&mut self) {
        self.marks.containers().into_iter().for_each(|pid| self.look_at(pid, false));
        loop {
            let have_mounts_changed = self.wait();
            if have_mounts_changed {
                self.look_at_hosts();
            }
            if !self.look_at_programs() {
                return;
            }
            self.look_at_coming();
            let is_all = (0..TURNS_MAX).any(|_| self.read() == 0);
            if is_all || self.waiting.len() > WAITING_MAX {
                self.settle();
            }
        }
    }

    pub(super) fn look_at_hosts(&mut self) {
        for gap in self.marks.look_at_hosts() {
            (self.take)(News::Gap(gap));
        }
    }

    /// Whether mounts of the host changed meanwhile.
    fn wait(&mut self) -> bool {
        let _heard = rustix::io::read(&*self.bell, &mut [0_u8; 8]);
        let mut woken = vec![
            PollFd::from_borrowed_fd(self.queue.as_fd(), PollFlags::IN),
            PollFd::new(&*self.bell, PollFlags::IN),
        ];
        woken.extend(self.marks.watched().map(|host| PollFd::new(host, PollFlags::PRI)));
        let patience = if self.coming.is_empty() { CLOCK_PAUSE } else { COMING_LOOK };
        let patience = Timespec::try_from(patience).ok();
        // Whatever this ends with, what there is to do is looked for.
        let _woken = poll(&mut woken, patience.as_ref());
        woken.iter().skip(2).any(|host| !host.revents().is_empty())
    }

    /// False if whoever asked is gone.
    fn look_at_programs(&mut self) -> bool {
        for _ in 0..self.shared.unasked.swap(0, Ordering::Relaxed) {
            let why = "more programs began at once than could be looked at";
            (self.take)(News::Missed { why, path: Text::default() });
        }
        loop {
            match self.asked.try_recv() {
                Ok(Asked::Group(group)) if self.coming.len() < COMING_MAX => {
                    self.coming.push((group, Instant::now()));
                }
                // Its mounts are marked with its first program.
                Ok(Asked::Group(_)) => {}
                Ok(Asked::Program(ask)) => {
                    if ask.program.is_of_container {
                        self.look_at(ask.program.pid, true);
                    }
                    if !ask.is_told {
                        self.waiting.push(ask);
                    }
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    /// A runtime is in the container's mounts for some milliseconds before it executes the first program.
    fn look_at_coming(&mut self) {
        let mut coming = std::mem::take(&mut self.coming);
        coming.retain(|(group, since)| {
            let first = self.marks.first_of(group);
            first.into_iter().for_each(|pid| self.look_at(pid, true));
            first.is_none() && since.elapsed() < COMING_TIME
        });
        self.coming = coming;
    }

    fn look_at(&mut self, pid: u32, has_begun: bool) {
        let Look { gaps, former } = self.marks.look_at(pid, has_begun);
        gaps.into_iter().for_each(|gap| (self.take)(News::Gap(gap)));
        for (path, Former { files, is_cut, .. }) in former {
            let time = self.clock.now_epoch();
            for file in files {
                let (named, deed) = (name_of(&file), Deed::Written);
                (self.take)(News::Touched(Touched { file, deed, pid, time, named }));
            }
            if is_cut {
                let why = "too many files in memory that was just met";
                (self.take)(News::Missed { why, path });
            }
        }
    }

    /// All is read that the kernel told before these programs began.
    fn settle(&mut self) {
        for Ask { program, file, .. } in std::mem::take(&mut self.waiting) {
            self.shared.held.fetch_sub(usize::from(file.is_some()), Ordering::Relaxed);
            if self.shared.told().takes_by(&program, file.as_ref()) {
                continue;
            }
            match self.marks.untold(&program, file) {
                Ok(touched) => (self.take)(News::Touched(touched)),
                Err(Some(why)) => (self.take)(News::Missed { why, path: program.path }),
                Err(None) => {}
            }
        }
    }

    /// How many events there were.
    fn read(&mut self) -> usize {
        if self.clock_read.elapsed() > CLOCK_PAUSE {
            (self.clock, self.clock_read) = (Clock::now(), Instant::now());
            self.marks.let_go();
        }
        match self.queue.read_events() {
            Ok(events) => {
                events.iter().for_each(|event| self.tell(event));
                events.len()
            }
            Err(Errno::EAGAIN) => 0,
            Err(Errno::EINTR) => 1,
            // It takes the event that it could not open a file for away.
            Err(error) => {
                (self.take)(News::Unopened(error.desc().to_lowercase()));
                1
            }
        }
    }

    fn tell(&mut self, event: &FanotifyEvent) {
        let mask = event.mask();
        if mask.contains(MaskFlags::FAN_Q_OVERFLOW) {
            return (self.take)(News::Overflow);
        }
        let (Some(file), Ok(pid)) = (event.fd(), u32::try_from(event.pid())) else { return };
        if pid == std::process::id() {
            return;
        }
        let time = self.clock.now_epoch();
        if mask.contains(MaskFlags::FAN_OPEN_EXEC) {
            self.note_executed(pid, file, time);
        }
        let all = [
            (MaskFlags::FAN_CLOSE_WRITE, Deed::Written),
            (MaskFlags::FAN_OPEN_EXEC, Deed::Executed),
        ];
        for (_, deed) in all.into_iter().filter(|(it, _)| mask.contains(*it)) {
            match file.try_clone_to_owned() {
                Ok(file) => {
                    let named = self.marks.name(&file, pid);
                    (self.take)(News::Touched(Touched { file, deed, pid, time, named }));
                }
                Err(error) => (self.take)(News::Unopened(error.to_string())),
            }
        }
    }

    /// The first program of a container is told of by its root alone: its other mounts are marked before
    /// anything else is done.
    fn note_executed(&mut self, pid: u32, file: BorrowedFd<'_>, time: u64) {
        if let Some(facts) = Facts::of(file) {
            self.shared.told().note(pid, &facts.print, time);
        }
        if self.marks.is_new(pid) {
            self.look_at(pid, true);
        }
    }
}
