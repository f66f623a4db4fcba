//! Finds the file systems of containers and marks them: before a container's first program runs, and
//! again when mounts change.
//!
//! Overlays are marked as runtimes mount them on the host ([`super::hosts`]); all other mounts are looked
//! at in the namespace of whoever asks.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bstr::ByteSlice;
use model::Place;
use nix::sys::fanotify::MaskFlags;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::time::Timespec;

use super::Refusal;
use super::caller::{Caller, folder, space_of};
use super::facts::Print;
use super::hosts::Hosts;
use super::inquiry::Inquiry;
use super::layers::is_of_image;
use super::lookup::{Answer, Question, look_up};
use super::marks::{Kind, kind_of, mark};
use super::mount::{self, Device, MOUNTS_BYTES_MAX, Mount};
use super::rules::Fixed;
use super::state::{Hold, Space};
use crate::containers::{all_groups, group_of_container};
use crate::reader::Reader;

/// How long a process waits for its container's mounts to be looked at, and a file system of it to
/// answer; a tenth of the usual deadline.
pub(super) const PATIENCE: Duration = Duration::from_millis(200);
/// After which namespaces are looked at again, some at a time.
const ROUND: Duration = Duration::from_secs(1);
const ROUND_SPACES: usize = 32;
/// Processes of a group that are looked at to find its namespaces.
const PROCESSES_MAX: usize = 64;
const PROCESSES_BYTES_MAX: usize = 64 << 10;

/// Asks the thread.
#[derive(Clone)]
pub(super) struct Surveyor {
    jobs: Sender<Job>,
    bell: Arc<OwnedFd>,
}

enum Job {
    Space {
        caller: Caller,
        hold: Hold,
        done: SyncSender<()>,
    },
    Group(u64),
    EveryContainer,
    /// Somebody wants to know when nothing is left to do.
    Settling(SyncSender<()>),
}

impl Surveyor {
    /// The overlays that are there are marked before this returns.
    pub(super) fn start(inquiry: &Arc<Inquiry>) -> Result<(Self, JoinHandle<()>), Refusal> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let bell = Arc::new(bell.map_err(|error| Refusal::Kernel(error.into()))?);
        let hosts = Hosts::find().map_err(Refusal::Kernel)?;
        let (jobs, asked) = mpsc::channel();
        let mut survey = Survey {
            inquiry: Arc::clone(inquiry),
            jobs: asked,
            bell: Arc::clone(&bell),
            hosts,
            lookup: Reader::new("look up mounts", 1, look_up),
            pending: VecDeque::new(),
            settling: Vec::new(),
            looked: Instant::now(),
            round: 0,
        };
        survey.hosts.look(inquiry);
        let thread = thread::Builder::new().name("survey mounts".to_owned());
        let thread = thread.spawn(move || survey.run()).map_err(Refusal::Thread)?;
        Ok((Self { jobs, bell }, thread))
    }

    /// False if it takes longer than `patience`.
    pub(super) fn survey(&self, caller: &Caller, hold: Hold, patience: Duration) -> bool {
        let (done, answer) = sync_channel(1);
        self.ask(Job::Space { caller: caller.clone(), hold, done });
        answer.recv_timeout(patience).is_ok()
    }

    pub(super) fn ask_of_group(&self, group: u64) {
        self.ask(Job::Group(group));
    }

    pub(super) fn ask_of_every_container(&self) {
        self.ask(Job::EveryContainer);
    }

    pub(super) fn settling(&self) -> Receiver<()> {
        let (settled, receiver) = sync_channel(1);
        self.ask(Job::Settling(settled));
        receiver
    }

    fn ask(&self, job: Job) {
        if self.jobs.send(job).is_ok() {
            self.wake();
        }
    }

    pub(super) fn wake(&self) {
        // One that was woken already needs no more.
        let _rung = rustix::io::write(&*self.bell, &1_u64.to_ne_bytes());
    }
}

struct Survey {
    inquiry: Arc<Inquiry>,
    jobs: Receiver<Job>,
    bell: Arc<OwnedFd>,
    hosts: Hosts,
    lookup: Reader<Question, Answer>,
    /// Folders of groups that are still to be looked at.
    pending: VecDeque<PathBuf>,
    /// Told when none is.
    settling: Vec<SyncSender<()>>,
    /// When namespaces were looked at again, and where that goes on.
    looked: Instant,
    round: u32,
}

impl Survey {
    fn run(&mut self) {
        while !self.inquiry.is_stopped() && self.inquiry.ended().is_none() {
            self.wait();
            while let Ok(job) = self.jobs.try_recv() {
                self.work(job);
            }
            // One at a time: a process may wait for another job.
            if let Some(folder) = self.pending.pop_front() {
                self.look_at_group(&folder);
            } else if self.looked.elapsed() > ROUND {
                self.looked = Instant::now();
                self.go_round();
            }
            if self.pending.is_empty() {
                for settled in self.settling.drain(..) {
                    // Whoever asked may have lost interest.
                    let _told = settled.try_send(());
                }
            }
        }
    }

    /// Until there is something to do. Mounts of the host are looked at as they change.
    fn wait(&mut self) {
        let bell = PollFd::new(&*self.bell, PollFlags::IN);
        let mut woken: Vec<PollFd<'_>> = [bell].into_iter().chain(self.hosts.watched()).collect();
        let patience = if self.pending.is_empty() { ROUND } else { Duration::ZERO };
        // Whatever this ends with, what there is to do is looked for.
        let _woken = poll(&mut woken, Timespec::try_from(patience).ok().as_ref());
        let has_changed = woken.iter().skip(1).any(|host| !host.revents().is_empty());
        let _heard = rustix::io::read(&*self.bell, &mut [0_u8; 8]);
        if has_changed {
            self.hosts.look(&self.inquiry);
        }
    }

    fn work(&mut self, job: Job) {
        match job {
            Job::Space { caller, hold, done } => {
                self.look_at_space(&caller, hold);
                // Nobody waits if it took long.
                let _told = done.try_send(());
            }
            Job::Group(group) => {
                let mut groups = HashSet::from([group]);
                // Many are named at once, as a guard begins; the tree is gone through once.
                while let Ok(job) = self.jobs.try_recv() {
                    match job {
                        Job::Group(group) => drop(groups.insert(group)),
                        job => self.work(job),
                    }
                }
                self.find_groups(|number, _| groups.contains(&number));
            }
            Job::EveryContainer => {
                self.find_groups(|_, path| group_of_container(path) == Some(path));
            }
            Job::Settling(settled) => self.settling.push(settled),
        }
    }

    fn find_groups(&mut self, wanted: impl Fn(u64, &str) -> bool) {
        let Some(root) = &self.inquiry.settings.hierarchy.mounted else { return };
        let found = all_groups(root).into_iter().filter(|(number, path)| wanted(*number, path));
        let folders = found.map(|(_, path)| root.join(path.trim_start_matches('/')));
        self.pending.extend(folders);
    }

    /// The namespaces that processes of a group are in. Other preventions may hold now than before,
    /// which want other marks.
    fn look_at_group(&mut self, folder: &Path) {
        let list = crate::file::read(&folder.join("cgroup.procs"), PROCESSES_BYTES_MAX);
        let list = list.unwrap_or_default();
        let list = String::from_utf8_lossy(&list);
        let mut seen = HashSet::new();
        for pid in list.lines().filter_map(|line| line.parse().ok()).take(PROCESSES_MAX) {
            let caller = Caller::find(&self.inquiry.settings.hierarchy, pid);
            let Some(caller) = caller.filter(|it| seen.insert(it.space)) else { continue };
            let hold = self.inquiry.state().hold(&caller);
            self.inquiry.state().spaces.remove(&caller.space);
            self.look_at_space(&caller, hold);
        }
    }

    fn go_round(&mut self) {
        let spaces: BTreeMap<u32, u32> = {
            let state = self.inquiry.state();
            state.spaces.iter().map(|(space, it)| (*space, it.pid)).collect()
        };
        let spaces: Vec<(u32, u32)> = spaces.into_iter().collect();
        let start = spaces.partition_point(|(space, _)| *space <= self.round);
        let (done, due) = spaces.split_at(start);
        for (space, pid) in due.iter().chain(done).copied().take(ROUND_SPACES) {
            self.round = space;
            let caller = Caller::find(&self.inquiry.settings.hierarchy, pid);
            match caller.filter(|caller| caller.space == space) {
                Some(caller) => {
                    let hold = self.inquiry.state().hold(&caller);
                    self.look_at_space(&caller, hold);
                }
                None => drop(self.inquiry.state().spaces.remove(&space)),
            }
        }
    }

    /// Looks at the mounts of a process' namespace; where they are new or others than before, marks
    /// them and looks places up.
    fn look_at_space(&mut self, caller: &Caller, hold: Hold) {
        let text = crate::file::read(&folder(caller.pid).join("mountinfo"), MOUNTS_BYTES_MAX);
        let mounts: Arc<[Mount]> = mount::read(&text.unwrap_or_default()).into();
        if mounts.is_empty() || space_of(caller.pid) != Some(caller.space) {
            return;
        }
        if self.is_as_before(caller, &mounts) {
            return;
        }
        self.learn_container(caller, &mounts);
        let answer = self.look_up(caller, &mounts);
        let is_whole = answer.is_some();
        let answer = answer.unwrap_or_else(|| {
            let why = "a file system of it does not answer: its mounts are not marked yet, and only \
                       paths are compared";
            self.inquiry.state().tell(caller.container, why.to_owned());
            Answer::default()
        });
        let fixed: Vec<Fixed> = answer.fixed.into_iter().map(|it| self.settle(it)).collect();
        let read = hold.bits() & self.inquiry.rules.read;
        let is_read = |bit: u32| read & 1 << bit != 0;
        let reads: HashSet<Device> =
            fixed.iter().filter(|it| is_read(it.bit)).map(|it| it.device).collect();
        let opened = &answer.points;
        for (index, mount) in mounts.iter().enumerate() {
            let point = opened.iter().find(|(at, _)| *at == index).map(|(_, point)| point);
            self.mark_mount(caller, mount, point, reads.contains(&mount.device));
        }
        let mut state = self.inquiry.state();
        for place in answer.several {
            let why = format!("`{place}` has other names, by which it is not refused");
            state.tell(caller.container, why);
        }
        state.fix(caller.container, fixed);
        state.make_room();
        let (container, pid) = (caller.container, caller.pid);
        let mounts = mounts.to_vec();
        let space = Space { container, pid, mounts, looked: Instant::now(), is_whole };
        state.spaces.insert(caller.space, space);
    }

    /// A file of an image is made anew, under the same number, as soon as it is written to or gets
    /// another name.
    fn settle(&self, (mut fixed, print): (Fixed, Print)) -> Fixed {
        let layers = self.inquiry.state().images.layers(fixed.device);
        let is_image = |layers: Arc<[PathBuf]>| is_of_image(&layers, fixed.inner.as_bstr(), &print);
        if layers.is_some_and(is_image)
            && let Some(identity) = &mut fixed.identity
        {
            identity.born = None;
        }
        fixed
    }

    fn is_as_before(&self, caller: &Caller, mounts: &[Mount]) -> bool {
        let mut state = self.inquiry.state();
        let space = state.spaces.get_mut(&caller.space);
        let is_ours = |space: &Space| space.container == caller.container && space.is_whole;
        let space = space.filter(|it| is_ours(it) && *it.mounts == *mounts);
        let Some(space) = space else { return false };
        (space.pid, space.looked) = (caller.pid, Instant::now());
        true
    }

    /// What a container is made of is what the runtime mounted before its first program: later
    /// namespaces add nothing that would be believed.
    fn learn_container(&mut self, caller: &Caller, mounts: &[Mount]) {
        let root = mounts.iter().find(|mount| mount.point == "/");
        if root.is_some_and(|root| !self.inquiry.state().images.is_known(root)) {
            self.hosts.look(&self.inquiry);
        }
        let mut state = self.inquiry.state();
        let has_image = root.is_some_and(|root| state.images.is_known(root));
        let container = state.containers.entry(caller.container).or_default();
        container.has_image |= has_image;
        container.read_only.get_or_insert_with(|| {
            let read_only = mounts.iter().filter(|mount| mount.read_only);
            read_only.map(|mount| (mount.id, mount.device)).collect()
        });
        if !container.has_image && self.inquiry.rules.foreign != 0 {
            let why = "its root is no overlay of the host: what its image brought is not known, and \
                       no program is refused as foreign";
            state.tell(caller.container, why.to_owned());
        }
    }

    fn look_up(&mut self, caller: &Caller, mounts: &Arc<[Mount]>) -> Option<Answer> {
        let path = OFlags::PATH | OFlags::CLOEXEC;
        let root = open(folder(caller.pid).join("root"), path, Mode::empty()).ok()?;
        let points = mounts.iter().enumerate();
        let points = points.filter(|(_, mount)| kind_of(mount) == Kind::Local);
        let points = points.map(|(index, _)| index).collect();
        let places = self.inquiry.rules.places(u64::MAX);
        let places: Vec<(u32, Place)> = places.map(|(bit, place)| (bit, place.clone())).collect();
        drop(self.lookup.late());
        let question = Question { root, mounts: Arc::clone(mounts), points, places };
        if !self.lookup.ask(question) {
            return None;
        }
        let answer = self.lookup.wait(PATIENCE / 2);
        if answer.is_none() {
            self.lookup.leave();
        }
        answer
    }

    fn mark_mount(&self, caller: &Caller, mount: &Mount, point: Option<&OwnedFd>, reads: bool) {
        let tell = |why: &str| {
            let why = format!("mount `{}` ({}): {why}", mount.point, mount.kind);
            self.inquiry.state().tell(caller.container, why);
        };
        match kind_of(mount) {
            Kind::Local => {}
            Kind::WithoutPrograms => return,
            Kind::MayNotAnswer => return tell("it may not answer, so nothing is refused there"),
        }
        // Another one lies over it.
        let Some(point) = point else { return };
        let mut mask = MaskFlags::FAN_OPEN_EXEC_PERM;
        // The kernel would open devices for us, which is no harmless thing to do.
        match (reads, mount.point == "/dev") {
            (true, true) => tell("it has devices, so reading is not refused there"),
            (true, false) => mask |= MaskFlags::FAN_OPEN_PERM | MaskFlags::FAN_ONDIR,
            (false, _) => {}
        }
        if let Err(error) = mark(&self.inquiry, point, self.hosts.extent(mount.device), mask) {
            tell(&format!("marking it: {error}"));
        }
    }
}
