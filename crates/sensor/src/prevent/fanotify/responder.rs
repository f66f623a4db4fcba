//! Answers the kernel: the one thread that processes wait for. It reads tables of the kernel and what
//! others found out before; it opens no file of a container, and waits for nobody but the surveyor,
//! for a moment, when a container is new.

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bstr::{BStr, ByteSlice};
use model::Denial;
use nix::errno::Errno;
use nix::sys::fanotify::{FanotifyEvent, FanotifyResponse, MaskFlags, Response};
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::time::Timespec;

use super::Refusal;
use super::caller::{Caller, is_own, space_of};
use super::facts::{Facts, path_of};
use super::inquiry::Inquiry;
use super::layers::is_of_image;
use super::rules::{Act, File};
use super::state::Hold;
use super::surveyor::{PATIENCE, Surveyor};
use crate::Clock;

/// How often it looks whether it is to end.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
/// How long the mounts of a container are believed to be what they were, when it starts a program.
const MOUNTS_AGE_MAX: Duration = Duration::from_millis(100);
/// Who waits is never asked about by this name.
const NOT_SHOWN: u32 = 0;

pub(super) struct Responder {
    inquiry: Arc<Inquiry>,
    surveyor: Surveyor,
    denials: SyncSender<Denial>,
    /// What is left of the time that the questions of one turn may wait for the surveyor.
    patience: Duration,
}

/// What a question came to, and about whom and what.
struct Verdict {
    caller: Caller,
    file: File,
    hits: u64,
    hold: Hold,
}

impl Responder {
    pub(super) fn start(
        inquiry: &Arc<Inquiry>,
        surveyor: Surveyor,
        denials: SyncSender<Denial>,
    ) -> Result<JoinHandle<()>, Refusal> {
        let inquiry = Arc::clone(inquiry);
        let mut this = Self { inquiry, surveyor, denials, patience: PATIENCE };
        let thread = thread::Builder::new().name("answer the kernel".to_owned());
        thread.spawn(move || this.run()).map_err(Refusal::Thread)
    }

    fn run(&mut self) {
        let Ok(bell) = epoll::create(CreateFlags::CLOEXEC) else { return };
        {
            let Some(queue) = self.inquiry.queue() else { return };
            let added = epoll::add(&bell, &*queue, EventData::new_u64(0), EventFlags::IN);
            if added.is_err() {
                return;
            }
        }
        let mut rung = [epoll::Event { flags: EventFlags::empty(), data: EventData::new_u64(0) }];
        while !self.inquiry.is_stopped() {
            let waited = epoll::wait(&bell, &mut rung[..], Some(&LOOK));
            if matches!(waited, Ok(0)) {
                continue;
            }
            if !self.turn() {
                return;
            }
        }
    }

    /// Answers all that is asked now. False if there is nobody to answer any more.
    fn turn(&mut self) -> bool {
        self.inquiry.begin_to_answer();
        let Some(read) = self.inquiry.queue().map(|queue| queue.read_events()) else {
            return false;
        };
        let events = match read {
            Ok(events) => events,
            Err(Errno::EAGAIN | Errno::EINTR) => Vec::new(),
            Err(_) => {
                self.inquiry.count(|counts| counts.unreadable += 1);
                Vec::new()
            }
        };
        self.patience = PATIENCE;
        for event in &events {
            if !self.answer(event) {
                return false;
            }
        }
        self.inquiry.all_is_answered();
        true
    }

    fn answer(&mut self, event: &FanotifyEvent) -> bool {
        let since = Instant::now();
        // An overflow, which an unlimited queue has not, is about no file.
        let Some(file) = event.fd() else { return true };
        if !event.check_version() {
            self.inquiry.end("the kernel's events have another form");
            return false;
        }
        let verdict = self.judge(event, file);
        if !self.inquiry.settings.delay.is_zero() {
            thread::sleep(self.inquiry.settings.delay);
        }
        let is_refused = verdict.as_ref().is_some_and(|it| it.hits & it.hold.refused != 0);
        let answer = if is_refused { Response::FAN_DENY } else { Response::FAN_ALLOW };
        // What is told is found out before, for then the process may be gone.
        let denials = verdict.filter(|it| it.hits != 0).map(|it| self.denials(&it));
        let Some(queue) = self.inquiry.queue() else { return false };
        let is_told = queue.write_response(FanotifyResponse::new(file, answer)).is_ok();
        drop(queue);
        self.inquiry.count(|counts| {
            counts.answered += 1;
            counts.refused += u64::from(is_refused && is_told);
            counts.slowest = counts.slowest.max(since.elapsed());
        });
        // One that could not be answered was let through, or was killed while it waited.
        for denial in denials.into_iter().flatten().filter(|_| is_told) {
            if self.denials.try_send(denial).is_err() {
                self.inquiry.count(|counts| counts.denials_lost += 1);
            }
        }
        true
    }

    /// None if there is nothing that could be refused.
    fn judge(&mut self, event: &FanotifyEvent, opened: BorrowedFd<'_>) -> Option<Verdict> {
        let act = match event.mask() {
            mask if mask.contains(MaskFlags::FAN_OPEN_EXEC_PERM) => Act::Execute,
            _ => Act::Open,
        };
        let pid = u32::try_from(event.pid()).ok().filter(|pid| *pid != NOT_SHOWN)?;
        if is_own(pid) {
            return None;
        }
        let caller = self.known(Caller::find(&self.inquiry.settings.hierarchy, pid))?;
        let hold = self.inquiry.state().hold(&caller);
        let relevant = match act {
            // The first program has the mounts looked at, whatever it is that is to be refused.
            Act::Execute => hold.bits(),
            Act::Open => hold.bits() & self.inquiry.rules.read,
        };
        if relevant == 0 {
            return None;
        }
        let facts = self.known(Facts::of(opened))?;
        self.know_mounts(&caller, hold, act, facts.mount);
        // One that is too long for the kernel to tell is none of those that are named, and may be foreign.
        let (path, has_name) = path_of(opened, &facts).unwrap_or_default();
        let (device, inode) = (facts.print.device, facts.print.inode);
        let mut file = File { path, device, inode, born: facts.born, inner: None };
        let mut hits = {
            let state = self.inquiry.state();
            let space = state.spaces.get(&caller.space).filter(|_| has_name);
            file.inner = space.and_then(|space| space.inner(&facts, file.path.as_bstr()));
            let container = state.containers.get(&caller.container);
            let fixed = container.into_iter().flat_map(|it| &it.fixed);
            self.inquiry.rules.hits(hold.bits(), act, &file, fixed)
        };
        let foreign = hold.bits() & self.inquiry.rules.foreign;
        if act == Act::Execute && foreign != 0 && self.is_foreign(&caller, &facts, &file) {
            hits |= foreign;
        }
        let unlisted = hits & self.inquiry.rules.except;
        if unlisted != 0 && self.is_beside_a_program(&caller, &facts, &file, opened) {
            hits &= !unlisted;
        }
        Some(Verdict { caller, file, hits, hold })
    }

    fn known<T>(&self, found: Option<T>) -> Option<T> {
        if found.is_none() {
            self.inquiry.count(|counts| counts.unjudged += 1);
        }
        found
    }

    /// The first program of a container, or of a namespace that it made: its mounts are marked
    /// before it is answered. Those that it makes later are noticed as it starts the next program, or
    /// by what it opens there.
    fn know_mounts(&mut self, caller: &Caller, hold: Hold, act: Act, mount: u64) {
        let known = {
            let state = self.inquiry.state();
            let space = state.spaces.get(&caller.space);
            let space = space.filter(|space| space.container == caller.container);
            let space = space.filter(|space| space.mount(mount).is_some());
            space.map(|space| (space.pid, space.looked))
        };
        let is_known = known.is_some_and(|(pid, looked)| {
            let is_fresh = act == Act::Open || looked.elapsed() < MOUNTS_AGE_MAX;
            // A namespace that is gone may have left its number to this one.
            is_fresh && (pid == caller.pid || space_of(pid) == Some(caller.space))
        });
        if is_known {
            return;
        }
        let since = Instant::now();
        if !self.surveyor.survey(caller, hold, self.patience) {
            let why = "its mounts could not be looked at in time: only paths are compared";
            self.inquiry.state().tell(caller.container, why.to_owned());
        }
        self.patience = self.patience.saturating_sub(since.elapsed());
    }

    /// Whether it is nothing that the image brought. Where that is not known, nothing is foreign, and
    /// a gap was told; within a container of which it is, everything else is.
    fn is_foreign(&self, caller: &Caller, facts: &Facts, file: &File) -> bool {
        let (layers, inner) = {
            let state = self.inquiry.state();
            let Some(container) = state.containers.get(&caller.container) else { return false };
            if !container.has_image || state.images.was_found(&facts.print) {
                return false;
            }
            let mount = (facts.mount, facts.print.device);
            if container.read_only.as_ref().is_some_and(|mounts| mounts.contains(&mount)) {
                return false;
            }
            let Some(inner) = &file.inner else { return true };
            let Some(layers) = state.images.layers(facts.print.device) else { return true };
            (layers, inner)
        };
        let is_of_image = is_of_image(&layers, inner.as_bstr(), &facts.print);
        if is_of_image {
            self.inquiry.state().images.remember(facts.print);
        }
        !is_of_image
    }

    /// Whether the kernel asks about another file for the same program, before or after: a script's
    /// interpreter, or the program that a loader is for. Of those an event does not tell.
    fn is_beside_a_program(
        &self,
        caller: &Caller,
        facts: &Facts,
        file: &File,
        opened: BorrowedFd<'_>,
    ) -> bool {
        if is_loader(file.path.as_bstr()) {
            return true;
        }
        // What a program serves is not read: it may never answer.
        let is_served = self.inquiry.state().spaces.get(&caller.space).is_none_or(|space| {
            let mount = space.mount(facts.mount);
            mount.is_none_or(|mount| mount.kind.starts_with(b"fuse"))
        });
        let mut head = [0; 2];
        !is_served && rustix::io::pread(opened, &mut head, 0) == Ok(2) && head == *b"#!"
    }

    /// Where one refuses, others that only observe did not let it through, and are not told.
    fn denials(&self, verdict: &Verdict) -> Vec<Denial> {
        let refused = verdict.hits & verdict.hold.refused;
        let told = if refused == 0 { verdict.hits } else { refused };
        let (pid, started, name) = verdict.caller.identity();
        let time = Clock::now().now_epoch();
        let bits = (0..u64::BITS).filter(|bit| told & 1 << bit != 0);
        let denial = |bit| Denial {
            prevention: self.inquiry.rules.id(bit).to_owned(),
            time,
            pid,
            started,
            name: name.clone(),
            control_group: verdict.caller.control_group,
            object: verdict.file.path.clone(),
            refused: refused != 0,
        };
        bits.map(denial).collect()
    }
}

/// Whether it has the name of a dynamic loader: `ld-linux-x86-64.so.2`, `ld-musl-x86_64.so.1`, which may be a
/// link to `libc.so`, `ld64.so.2`, `ld.so.1`, `ld-2.31.so`. One that the image did not bring is one too: a
/// library that was updated is no reason to refuse every program.
fn is_loader(path: &BStr) -> bool {
    let name = path.rsplit_once_str("/").map_or(&**path, |(_, name)| name);
    let Some((stem, version)) = name.split_once_str(".so") else { return false };
    let is_version = version.is_empty() || version.starts_with(b".");
    is_version && (stem.starts_with(b"ld-") || matches!(stem, b"ld" | b"ld64" | b"libc"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loaders_are_known_by_their_names() {
        let cases = [
            ("/lib64/ld-linux-x86-64.so.2", true),
            ("/lib/ld-musl-x86_64.so.1", true),
            ("/lib64/ld64.so.2", true),
            ("/libexec/ld-elf.so.1", true),
            ("/lib/ld-2.31.so", true),
            ("/usr/lib/x86_64-linux-musl/libc.so", true),
            ("/usr/bin/ld", false),
            ("/usr/lib/libldap.so.2", false),
            ("/tmp/ld-linux.sox", false),
            ("/ld.so/nc", false),
        ];
        for (path, expected) in cases {
            assert_eq!(is_loader(path.into()), expected, "{path}");
        }
    }
}
