//! The overlays that runtimes mount on the host: marked as they appear, so that the first program of
//! a container is asked about already, and the source of what is known of their layers.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::sys::fanotify::MaskFlags;
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Mode, OFlags, open};

use super::facts::Facts;
use super::host::Host;
use super::inquiry::Inquiry;
use super::layers::{self, below};
use super::marks::{Extent, mark};
use super::mount::{Device, Mount, Placed};

/// The mount namespaces of the host, and what was found there.
pub(super) struct Hosts {
    list: Vec<Host>,
    /// Overlays that were marked.
    marked: HashSet<Placed>,
    /// All else that is mounted.
    others: HashSet<Device>,
}

impl Hosts {
    pub(super) fn find() -> std::io::Result<Self> {
        Ok(Self { list: Host::all()?, marked: HashSet::new(), others: HashSet::new() })
    }

    /// What wakes when mounts change.
    pub(super) fn watched(&self) -> impl Iterator<Item = PollFd<'_>> {
        self.list.iter().map(|host| PollFd::new(&host.watched, PollFlags::PRI))
    }

    /// How much of a file system may be marked for a container's sake: what the host has mounted too
    /// is never marked as a whole, because its own programs would be asked about.
    pub(super) fn extent(&self, device: Device) -> Extent {
        if self.others.contains(&device) { Extent::Mount } else { Extent::Whole }
    }

    /// Marks overlays that are new, and learns what is in their layers.
    pub(super) fn look(&mut self, inquiry: &Inquiry) {
        let own: HashSet<Device> = self.list.iter().flat_map(Host::devices).collect();
        let read: Vec<Vec<Mount>> = self.list.iter().map(Host::read).collect();
        let mounts = || {
            let pairs = self.list.iter().zip(&read);
            pairs.flat_map(|(host, mounts)| mounts.iter().map(move |it| (&*host.root, it)))
        };
        let is_overlay = |mount: &Mount| mount.kind == "overlay" && !own.contains(&mount.device);
        // Looked up before the lock is taken: a layer may be slow.
        let layers = layers::all(mounts().filter(|(_, mount)| is_overlay(mount)));
        inquiry.state().images.learn(layers);
        let others = mounts().filter(|(_, mount)| !is_overlay(mount));
        let others = others.map(|(_, mount)| mount.device).collect();
        let mut marked = HashSet::new();
        for (root, mount) in mounts().filter(|(_, mount)| is_overlay(mount)) {
            let placed = mount.placed();
            if self.marked.contains(&placed) || mark_overlay(inquiry, root, mount) {
                marked.insert(placed);
            }
        }
        (self.marked, self.others) = (marked, others);
    }
}

fn mark_overlay(inquiry: &Inquiry, root: &Path, mount: &Mount) -> bool {
    let point = below(root, Path::new(OsStr::from_bytes(&mount.point)));
    let opened = open(point, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    // Another one may lie over it.
    let is_it =
        |file: &OwnedFd| Facts::of(file).is_some_and(|facts| facts.print.device == mount.device);
    let opened = opened.ok().filter(is_it);
    opened
        .is_some_and(|it| mark(inquiry, &it, Extent::Whole, MaskFlags::FAN_OPEN_EXEC_PERM).is_ok())
}
