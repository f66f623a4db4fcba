//! Which file systems the kernel tells of: overlays as runtimes mount them, and whatever else
//! containers have mounted.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bstr::ByteSlice;
use nix::sys::fanotify::{Fanotify, MarkFlags, MaskFlags};
use rustix::fs::{Mode, OFlags, open};

use super::Scope;
use crate::containers::{group_of_container, group_path};
use crate::kernel::Hierarchy;
use crate::prevent::fanotify::caller::{folder, space_of};
use crate::prevent::fanotify::facts::Facts;
use crate::prevent::fanotify::host::Host;
use crate::prevent::fanotify::layers::{self, Layers, below};
use crate::prevent::fanotify::lookup::find;
use crate::prevent::fanotify::marks::{Kind, kind_of};
use crate::prevent::fanotify::mount::{self, Device, MOUNTS_BYTES_MAX, Mount, Placed};
use crate::reader::Reader;

/// How long mount points of a container are waited for; one may lie behind a process that hangs.
const PATIENCE: Duration = Duration::from_millis(200);
/// Mount namespaces that are remembered, some for each container. Beyond, all are looked at anew.
const SPACES_MAX: usize = 4_096;
/// Overlays whose layers are known, those that are gone included.
const LAYERS_MAX: usize = 4_096;

/// The kernel's marks.
pub(super) struct Marks {
    queue: Arc<Fanotify>,
    scope: Scope,
    hosts: Vec<Host>,
    known: Mutex<Known>,
}

struct Known {
    /// Of overlays, gone ones included.
    layers: Layers,
    /// File systems that are marked as a whole.
    whole: HashSet<Placed>,
    /// Those of the host, of which a container's mount alone is marked.
    shared: HashSet<Device>,
    /// What the mounts of a namespace looked like.
    spaces: HashMap<u32, u64>,
    /// Gaps that were told.
    told: HashSet<String>,
    points: Reader<Question, Vec<(Mount, OwnedFd)>>,
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
            spaces: HashMap::new(),
            told: HashSet::new(),
            points: Reader::new("open mounts", 1, open_points),
        };
        Ok(Self { queue, scope, hosts: Host::all()?, known: Mutex::new(known) })
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

    /// A process for each mount namespace in which containers are, now.
    pub(super) fn containers(&self) -> Vec<u32> {
        let hierarchy = Hierarchy::find();
        let pids = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let mut seen = HashSet::new();
        let mut is_first = |pid: &u32| {
            let group = group_path(&hierarchy, *pid);
            let is_container = group.is_some_and(|path| group_of_container(&path).is_some());
            is_container && space_of(*pid).is_some_and(|space| seen.insert(space))
        };
        pids.filter(&mut is_first).collect()
    }

    /// Marks what a process has mounted, if its namespace is new or has changed.
    pub(super) fn look_at(&self, pid: u32) -> Vec<String> {
        let Some(space) = space_of(pid) else { return Vec::new() };
        let text = crate::file::read(&folder(pid).join("mountinfo"), MOUNTS_BYTES_MAX);
        let text = text.unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        hasher.write(&text);
        let hash = hasher.finish();
        if text.is_empty() || self.known().spaces.get(&space) == Some(&hash) {
            return Vec::new();
        }
        let mounts = mount::read(&text);
        let mut gaps = Vec::new();
        let wanted = self.wanted(&mounts, &mut gaps);
        let is_whole = match self.open(pid, wanted) {
            Some(points) => {
                for (mount, point) in &points {
                    if let Err(error) = self.mark(point, self.extent(mount.device)) {
                        gaps.push(gap(mount, &error.to_string()));
                    }
                }
                true
            }
            None => {
                gaps.push(format!(
                    "mounts of process {pid} do not answer: what is written there is not seen"
                ));
                false
            }
        };
        let mut known = self.known();
        if known.spaces.len() >= SPACES_MAX {
            known.spaces.clear();
        }
        if is_whole {
            known.spaces.insert(space, hash);
        }
        known.news(gaps)
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
    /// Each gap once.
    fn news(&mut self, gaps: Vec<String>) -> Vec<String> {
        if self.told.len() >= SPACES_MAX {
            self.told.clear();
        }
        gaps.into_iter().filter(|gap| self.told.insert(gap.clone())).collect()
    }
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
