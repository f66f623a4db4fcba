//! The thread: waits for the kernel, for changed mounts and for asks, and hands over what is told.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::fanotify::{Fanotify, FanotifyEvent, MaskFlags};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::Timespec;

use super::marks::Marks;
use super::{Deed, News, Take, Touched};
use crate::clock::Clock;

/// How often the machine's clock is looked at.
const CLOCK_PAUSE: Duration = Duration::from_secs(1);
/// Turns of reading (some 170 events each) before mounts are looked at again: a flood must not
/// keep a new container from being marked.
const TURNS_MAX: usize = 16;

pub(super) struct Reading {
    queue: Arc<Fanotify>,
    marks: Arc<Marks>,
    bell: Arc<OwnedFd>,
    asked: Receiver<u32>,
    take: Take,
    clock: Clock,
    clock_read: Instant,
}

impl Reading {
    pub(super) fn new(
        queue: Arc<Fanotify>,
        marks: Arc<Marks>,
        bell: Arc<OwnedFd>,
        asked: Receiver<u32>,
        take: Take,
    ) -> Self {
        let (clock, clock_read) = (Clock::now(), Instant::now());
        Self { queue, marks, bell, asked, take, clock, clock_read }
    }

    /// Until nobody asks any more.
    pub(super) fn run(&mut self) {
        self.marks.containers().into_iter().for_each(|pid| self.look_at(pid));
        loop {
            let have_mounts_changed = self.wait();
            if have_mounts_changed {
                self.look_at_hosts();
            }
            if !self.look_at_processes() {
                return;
            }
            for _ in 0..TURNS_MAX {
                if self.read() == 0 {
                    break;
                }
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
        let patience = Timespec::try_from(CLOCK_PAUSE).ok();
        // Whatever this ends with, what there is to do is looked for.
        let _woken = poll(&mut woken, patience.as_ref());
        woken.iter().skip(2).any(|host| !host.revents().is_empty())
    }

    /// False if whoever asked is gone.
    fn look_at_processes(&mut self) -> bool {
        loop {
            match self.asked.try_recv() {
                Ok(pid) => self.look_at(pid),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn look_at(&mut self, pid: u32) {
        for gap in self.marks.look_at(pid) {
            (self.take)(News::Gap(gap));
        }
    }

    /// How many events there were.
    fn read(&mut self) -> usize {
        if self.clock_read.elapsed() > CLOCK_PAUSE {
            (self.clock, self.clock_read) = (Clock::now(), Instant::now());
        }
        match self.queue.read_events() {
            Ok(events) => {
                events.iter().for_each(|event| self.tell(event));
                events.len()
            }
            Err(Errno::EAGAIN | Errno::EINTR) => 0,
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
        let all = [
            (MaskFlags::FAN_CLOSE_WRITE, Deed::Written),
            (MaskFlags::FAN_OPEN_EXEC, Deed::Executed),
        ];
        for (_, deed) in all.into_iter().filter(|(it, _)| mask.contains(*it)) {
            match file.try_clone_to_owned() {
                Ok(file) => (self.take)(News::Touched(Touched { file, deed, pid, time })),
                Err(error) => (self.take)(News::Unopened(error.to_string())),
            }
        }
    }
}
