//! Which file systems the kernel tells of: overlays as runtimes mount them, and whatever else
//! containers have mounted.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::OsStr;
use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bstr::{BString, ByteSlice};
use model::event::Text;
use nix::sys::fanotify::{Fanotify, MarkFlags, MaskFlags};
use rustix::fs::{Mode, OFlags, open};

use super::former::{self, Former};
use super::points::{Points, Root, root_of_process};
use super::programs::{Answers, Program};
use super::{Scope, Touched, name_of};
use crate::clock::Clock;
use crate::containers::{group_of_container, group_path};
use crate::kernel::Hierarchy;
use crate::prevent::fanotify::caller::{folder, space_of};
use crate::prevent::fanotify::facts::Facts;
use crate::prevent::fanotify::host::Host;
use crate::prevent::fanotify::layers::{self, Layers, below};
use crate::prevent::fanotify::lookup::find;
use crate::prevent::fanotify::marks::{Kind, kind_of};
use crate::prevent::fanotify::mount::{self, Device, MOUNTS_BYTES_MAX, Mount, Placed};
use crate::processes;
use crate::reader::Reader;

/// How long mount points of a container are waited for; one may lie behind a process that hangs.
const PATIENCE: Duration = Duration::from_millis(200);
/// Mount namespaces that are remembered, some for each container. Beyond, all are looked at anew.
const SPACES_MAX: usize = 4_096;
/// Overlays whose layers are known, those that are gone included.
const LAYERS_MAX: usize = 4_096;
/// Of the processes of a group: a runtime has three.
const PROCESSES_BYTES_MAX: usize = 4 << 10;
/// What was found in memory as it was met is held for so long: its programs may have ended, and its
/// container with it, before it is told that they began.
const MEMORY_HELD: Duration = Duration::from_secs(5);
const MEMORY_HELD_MAX: usize = 256;
/// Before a container's first program its runtime is in its mounts: it takes no second.
const RUNTIME: i64 = 1;

/// The kernel's marks.
pub(super) struct Marks {
    queue: Arc<Fanotify>,
    scope: Scope,
    hosts: Vec<Host>,
    /// The host's mount namespaces.
    own: Vec<u32>,
    hierarchy: Hierarchy,
    known: Mutex<Known>,
}

struct Known {
    /// Of overlays, gone ones included.
    layers: Layers,
    /// File systems that are marked as a whole.
    whole: HashSet<Placed>,
    /// Those of the host, of which a container's mount alone is marked.
    shared: HashSet<Device>,
    /// What the host's paths begin at: file systems, and the folder of each.
    roots: HashSet<(Device, BString)>,
    spaces: HashMap<u32, Space>,
    places: Points,
    /// Memory that is marked: what was there before was looked for. Its device's number is given to
    /// another one as soon as it is gone; when its folder was made tells them apart.
    memory: HashSet<(Device, (i64, u32))>,
    /// Files that were found there, since when.
    found: VecDeque<(Instant, OwnedFd)>,
    /// Gaps that were told, and the file systems that they are about.
    told: HashSet<String>,
    unseen: HashSet<Device>,
    points: Reader<Question, Vec<(Mount, OwnedFd)>>,
    files: Reader<(OwnedFd, Text), Option<OwnedFd>>,
}

/// A mount namespace. Its number is given to another one as soon as it is gone.
struct Space {
    /// What tells it from another one that had its number: where its root is, and when that was made.
    root: Root,
    /// What its mounts looked like.
    hash: u64,
    /// Who was there.
    pid: u32,
}

/// What came of a look at the mounts of a process.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) gaps: Vec<String>,
    /// What was written before they were marked, and where they are.
    pub(super) former: Vec<(Text, Former)>,
}

/// Which mount points are to be found below a process' root.
struct Question {
    root: OwnedFd,
    mounts: Vec<Mount>,
}

impl Marks {
    pub(super) fn new(queue: Arc<Fanotify>, scope: Scope) -> std::io::Result<Self> {
        let known = Known {
            layers: Layers::new(),
            whole: HashSet::new(),
            shared: HashSet::new(),
            roots: HashSet::new(),
            spaces: HashMap::new(),
            places: Points::default(),
            memory: HashSet::new(),
            found: VecDeque::new(),
            told: HashSet::new(),
            unseen: HashSet::new(),
            points: Reader::new("open mounts", 1, open_points),
            files: Reader::new("open programs", 1, |(root, path)| find(&root, path.as_bstr())),
        };
        let hierarchy = Hierarchy::find();
        let own = [std::process::id(), 1].into_iter().filter_map(space_of).collect();
        Ok(Self { queue, scope, hosts: Host::all()?, own, hierarchy, known: Mutex::new(known) })
    }

    /// What is woken as mounts of the host change.
    pub(super) fn watched(&self) -> impl Iterator<Item = &File> {
        self.hosts.iter().map(|host| &host.watched)
    }

    /// The lower folders of an overlay, if it is a container's.
    pub(super) fn layers(&self, device: Device) -> Option<Arc<[PathBuf]>> {
        self.known().layers.get(&device).map(|layer| Arc::clone(&layer.folders))
    }

    /// Marks what is mounted on the host and is a container's, or all of it. The result is where
    /// nothing is seen.
    pub(super) fn look_at_hosts(&self) -> Vec<String> {
        let own: HashSet<Device> = self.hosts.iter().flat_map(Host::devices).collect();
        let read: Vec<Vec<Mount>> = self.hosts.iter().map(Host::read).collect();
        let mounts = || {
            let pairs = self.hosts.iter().zip(&read);
            pairs.flat_map(|(host, mounts)| mounts.iter().map(move |it| (&*host.root, it)))
        };
        let is_container = |mount: &Mount| mount.kind == "overlay" && !own.contains(&mount.device);
        let layers = layers::all(mounts().filter(|(_, mount)| is_container(mount)));
        let shared = mounts().filter(|(_, mount)| !is_container(mount));
        let shared: HashSet<Device> = shared.map(|(_, mount)| mount.device).collect();
        let roots =
            mounts().filter(|(_, mount)| mount.point == "/").map(|(_, mount)| root_of(mount));
        self.known().roots = roots.collect();
        let former = std::mem::take(&mut self.known().whole);
        let mut gaps = Vec::new();
        let (mut whole, mut devices) = (HashSet::new(), HashSet::new());
        for (root, mount) in mounts() {
            if !is_container(mount) && self.scope == Scope::Containers {
                continue;
            }
            if former.contains(&mount.placed()) {
                whole.insert(mount.placed());
                devices.insert(mount.device);
            }
            if devices.contains(&mount.device) || !self.may_be_marked(mount, false, &mut gaps) {
                continue;
            }
            let point = below(root, Path::new(OsStr::from_bytes(&mount.point)));
            let opened = open(point, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
            // Another one may lie over it.
            let is_it = |file: &OwnedFd| {
                Facts::of(file).is_some_and(|facts| facts.print.device == mount.device)
            };
            let Some(point) = opened.ok().filter(is_it) else { continue };
            match self.mark(&point, MarkFlags::FAN_MARK_FILESYSTEM) {
                Ok(()) => {
                    whole.insert(mount.placed());
                    devices.insert(mount.device);
                }
                Err(error) => gaps.push(gap(mount, &error.to_string())),
            }
        }
        let mut known = self.known();
        // A file may be looked at when its container is gone; another overlay may have its number.
        if known.layers.len() >= LAYERS_MAX {
            known.layers.clear();
        }
        known.layers.extend(layers);
        (known.whole, known.shared) = (whole, shared);
        known.news(gaps)
    }

    /// The path of a file, whose container may have ended.
    pub(super) fn name(&self, file: &OwnedFd, pid: u32) -> Text {
        let name = name_of(file);
        match Facts::of(file) {
            Some(facts) if space_of(pid).is_none() => self.known().places.whole(&facts, name),
            _ => name,
        }
    }

    /// Lets go what is held for programs that are told late; to be called every now and then.
    pub(super) fn let_go(&self) {
        self.known().let_go();
    }

    /// A process for each mount namespace in which containers are, now.
    pub(super) fn containers(&self) -> Vec<u32> {
        let pids = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let mut seen = HashSet::new();
        let mut is_first = |pid: &u32| {
            let group = group_path(&self.hierarchy, *pid);
            let is_container = group.is_some_and(|path| group_of_container(&path).is_some());
            is_container && space_of(*pid).is_some_and(|space| seen.insert(space))
        };
        pids.filter(&mut is_first).collect()
    }

    /// A process of the control group that is in mounts of its own.
    pub(super) fn first_of(&self, group: &str) -> Option<u32> {
        let folder = self.hierarchy.mounted.as_ref()?.join(group.trim_start_matches('/'));
        let pids = crate::file::read(&folder.join("cgroup.procs"), PROCESSES_BYTES_MAX)?;
        let pids = pids.lines().filter_map(|line| line.to_str().ok()?.parse().ok());
        let root = |pid| root_of_process(pid).map(|(_, device, inode, _)| (device, inode));
        let own: Vec<_> = [std::process::id(), 1].into_iter().filter_map(root).collect();
        let mut inside = pids.filter(|pid| root(*pid).is_some_and(|root| !own.contains(&root)));
        inside.next()
    }

    /// Whether it is in a container whose mounts nobody looked at.
    pub(super) fn is_new(&self, pid: u32) -> bool {
        let Some((space, root)) = space_of(pid).zip(root_of_process(pid)) else { return false };
        let is_new = self.known().spaces.get(&space).is_none_or(|known| known.root != root);
        let in_container = || {
            let group = group_path(&self.hierarchy, pid);
            group.is_some_and(|path| group_of_container(&path).is_some())
        };
        is_new && in_container()
    }

    /// Marks what a process has mounted, if its namespace is new or has changed. Where the container is
    /// one that began since, what was written before is looked for.
    pub(super) fn look_at(&self, pid: u32, has_begun: bool) -> Look {
        let Some((space, root)) = space_of(pid).zip(root_of_process(pid)) else {
            return Look::default();
        };
        let text = crate::file::read(&folder(pid).join("mountinfo"), MOUNTS_BYTES_MAX);
        let text = text.unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        hasher.write(&text);
        let hash = hasher.finish();
        match self.known().spaces.get_mut(&space) {
            Some(known) if known.hash == hash => {
                (known.pid, known.root) = (pid, root);
                return Look::default();
            }
            _ if text.is_empty() => return Look::default(),
            _ => {}
        }
        let mounts = mount::read(&text);
        // A runtime is in the container's group before it is in its mounts.
        let first = mounts.iter().rfind(|mount| mount.point == "/").map(root_of);
        if first.is_none_or(|root| self.known().roots.contains(&root)) {
            return Look::default();
        }
        mounts.iter().for_each(|mount| self.known().places.note(mount));
        let (mut gaps, mut former) = (Vec::new(), Vec::new());
        let wanted = self.wanted(&mounts, &mut gaps);
        let points = self.open(pid, wanted);
        let is_whole = points.is_some();
        if !is_whole {
            gaps.push(format!(
                "mounts of process {pid} do not answer: what is written there is not seen"
            ));
        }
        for (mount, point) in points.iter().flatten() {
            if let Err(error) = self.mark(point, self.extent(mount.device)) {
                gaps.push(gap(mount, &error.to_string()));
            }
            // Marked first: what is written meanwhile is told.
            if former::is_memory(mount) && self.is_first_look(point) && has_begun {
                let found = former::look(point, self.since(mount, pid));
                self.known().hold(&found);
                former.push((mount.point.clone(), found));
            }
        }
        let mut known = self.known();
        if known.spaces.len() >= SPACES_MAX {
            known.spaces.clear();
        }
        if is_whole {
            known.spaces.insert(space, Space { root, hash, pid });
        }
        Look { gaps: known.news(gaps), former }
    }

    /// Whether this memory was not met yet. Where the kernel does not say when it was made, it is gone
    /// through again.
    fn is_first_look(&self, point: &OwnedFd) -> bool {
        let Some(Facts { print, born: Some(born), .. }) = Facts::of(point) else { return true };
        let mut known = self.known();
        if known.memory.len() >= SPACES_MAX {
            known.memory.clear();
        }
        known.memory.insert((print.device, born))
    }

    /// From when on files are a container's, in seconds since the epoch: what the host has mounted too
    /// may be older than the container that the process began.
    fn since(&self, mount: &Mount, pid: u32) -> i64 {
        if !self.known().shared.contains(&mount.device) {
            return 0;
        }
        let born = processes::birth(pid).map(|born| Clock::now().epoch(born) / 1_000_000_000);
        born.and_then(|born| i64::try_from(born).ok()).map_or(0, |born| born - RUNTIME)
    }

    /// A program that began and whose file was not told of, on a file system that is not marked, or was
    /// not yet: the file, as its process has it or still lies there. Else why it is not looked at; None
    /// if that was said when its mount was met.
    pub(super) fn untold(
        &self,
        program: &Program,
        file: Option<OwnedFd>,
    ) -> Result<Touched, Option<&'static str>> {
        let is_known = match program.answers() {
            Answers::Always => true,
            Answers::AsItsLayers => self.known().layers.contains_key(&program.device),
            Answers::Perhaps => false,
        };
        if !is_known {
            let is_said = self.known().unseen.contains(&program.device);
            return Err((!is_said).then_some("a program on a file system that may not answer"));
        }
        // A runtime is in the container's group for a moment before it is in its mounts.
        if file.is_none() && self.own.contains(&program.space) {
            return Err(None);
        }
        let file = file.or_else(|| self.find(program)).or_else(|| self.known().found(program));
        file.map(|file| program.touched(file)).ok_or(Some(match program.from_memory {
            true => "a program without a file ended before",
            false => "a program ended before, and its file is gone or has changed",
        }))
    }

    /// The file at the program's path, by who sees the same mounts, if it is still the very one.
    fn find(&self, program: &Program) -> Option<OwnedFd> {
        if program.from_memory || program.path.is_empty() {
            return None;
        }
        let other = self.known().spaces.get(&program.space).map(|space| space.pid);
        let mut sees = [Some(program.parent), other].into_iter().flatten();
        let pid = sees.find(|pid| space_of(*pid) == Some(program.space))?;
        let path = OFlags::PATH | OFlags::CLOEXEC;
        let root = open(folder(pid).join("root"), path, Mode::empty()).ok()?;
        let mut known = self.known();
        drop(known.files.late());
        if !known.files.ask((root, program.path.clone())) {
            return None;
        }
        let found = known.files.wait(PATIENCE);
        if found.is_none() {
            known.files.leave();
        }
        found.flatten().filter(|file| program.is(file))
    }

    /// Those that are to be marked, without those whose way leads through what may not answer.
    fn wanted(&self, mounts: &[Mount], gaps: &mut Vec<String>) -> Vec<Mount> {
        let silent: Vec<&Mount> =
            mounts.iter().filter(|mount| kind_of(mount) == Kind::MayNotAnswer).collect();
        let is_behind = |mount: &Mount| {
            let rest = |it: &&Mount| mount.point.strip_prefix(it.point.as_bytes());
            silent.iter().filter_map(rest).any(|rest| rest.is_empty() || rest.starts_with(b"/"))
        };
        let whole: HashSet<Device> = self.known().whole.iter().map(|(device, _)| *device).collect();
        let mut wanted = Vec::new();
        for mount in mounts.iter().filter(|mount| !whole.contains(&mount.device)) {
            if self.may_be_marked(mount, true, gaps) && !is_behind(mount) {
                wanted.push(mount.clone());
            }
        }
        wanted
    }

    /// Whether it answers by itself and has files of interest.
    fn may_be_marked(&self, mount: &Mount, is_of_container: bool, gaps: &mut Vec<String>) -> bool {
        match kind_of(mount) {
            // What it is laid over may be of a process, which need not answer. That of a container is
            // mounted by its runtime.
            Kind::Local if mount.kind == "overlay" && is_of_container && mount.point != "/" => {
                self.known().unseen.insert(mount.device);
                gaps.push(gap(
                    mount,
                    "a container laid it over others: its files are not looked at",
                ));
                false
            }
            // The kernel would open devices for us, which is no harmless thing to do.
            Kind::Local => mount.point != "/dev",
            Kind::WithoutPrograms => false,
            Kind::MayNotAnswer => {
                self.known().unseen.insert(mount.device);
                gaps.push(gap(mount, "it may not answer, so its files are not looked at"));
                false
            }
        }
    }

    fn open(&self, pid: u32, mounts: Vec<Mount>) -> Option<Vec<(Mount, OwnedFd)>> {
        if mounts.is_empty() {
            return Some(Vec::new());
        }
        let path = OFlags::PATH | OFlags::CLOEXEC;
        let root = open(folder(pid).join("root"), path, Mode::empty()).ok()?;
        let mut known = self.known();
        drop(known.points.late());
        if !known.points.ask(Question { root, mounts }) {
            return None;
        }
        let opened = known.points.wait(PATIENCE);
        if opened.is_none() {
            known.points.leave();
        }
        opened
    }

    /// What the host has mounted too is marked as the container's mount alone, unless all is wanted.
    fn extent(&self, device: Device) -> MarkFlags {
        if self.known().shared.contains(&device) {
            MarkFlags::FAN_MARK_MOUNT
        } else {
            MarkFlags::FAN_MARK_FILESYSTEM
        }
    }

    fn mark(&self, point: &OwnedFd, extent: MarkFlags) -> nix::Result<()> {
        let link = format!("/proc/self/fd/{}", point.as_raw_fd());
        let mask = MaskFlags::FAN_CLOSE_WRITE | MaskFlags::FAN_OPEN_EXEC;
        self.queue.mark(MarkFlags::FAN_MARK_ADD | extent, mask, rustix::fs::CWD, Some(&*link))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing in it can be half done.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn hold(&mut self, former: &Former) {
        self.let_go();
        let room = MEMORY_HELD_MAX.saturating_sub(self.found.len());
        let files = former.files.iter().take(room).filter_map(|file| file.try_clone().ok());
        self.found.extend(files.map(|file| (Instant::now(), file)));
    }

    fn found(&self, program: &Program) -> Option<OwnedFd> {
        let (_, file) = self.found.iter().find(|(_, file)| program.is(file))?;
        file.try_clone().ok()
    }

    /// What was held long enough.
    fn let_go(&mut self) {
        self.found.retain(|(since, _)| since.elapsed() < MEMORY_HELD);
    }

    /// Each gap once.
    fn news(&mut self, gaps: Vec<String>) -> Vec<String> {
        if self.told.len() >= SPACES_MAX {
            self.told.clear();
        }
        if self.unseen.len() >= SPACES_MAX {
            self.unseen.clear();
        }
        gaps.into_iter().filter(|gap| self.told.insert(gap.clone())).collect()
    }
}

/// A file system, and which folder of it is shown.
fn root_of(mount: &Mount) -> (Device, BString) {
    (mount.device, mount.root.clone())
}

fn open_points(Question { root, mounts }: Question) -> Vec<(Mount, OwnedFd)> {
    let opened = |mount: Mount| {
        let point = find(&root, mount.point.as_bstr())?;
        // Another mount may lie over it.
        let is_it = Facts::of(&point).is_some_and(|facts| facts.mount == mount.id);
        is_it.then_some((mount, point))
    };
    mounts.into_iter().filter_map(opened).collect()
}

fn gap(mount: &Mount, why: &str) -> String {
    format!("mount `{}` ({}): {why}", mount.point, mount.kind)
}
