//! Where memory is mounted: the kernel no longer says it of a file whose container has ended meanwhile.

use std::collections::HashMap;

use bstr::BString;
use rustix::fs::{Mode, OFlags, open};

use super::former::is_memory;
use crate::prevent::fanotify::caller::folder;
use crate::prevent::fanotify::facts::Facts;
use crate::prevent::fanotify::mount::{Device, Mount};

/// Mount, file system, number, and when it was made.
pub(super) type Root = (u64, Device, u64, Option<(i64, u32)>);

/// Mounts that are remembered: some four for each of a thousand containers.
const POINTS_MAX: usize = 4_096;

/// By number and file system. Both are given to others later, so all mounts of a container are noted, and
/// those that are no memory take away what was there.
#[derive(Debug, Default)]
pub(super) struct Points(HashMap<(u64, Device), BString>);

impl Points {
    pub(super) fn note(&mut self, mount: &Mount) {
        let key = (mount.id, mount.device);
        if !is_memory(mount) {
            self.0.remove(&key);
            return;
        }
        if self.0.len() >= POINTS_MAX {
            self.0.clear();
        }
        self.0.insert(key, mount.point.clone());
    }

    /// The whole path of a file, of what is left of it once its mount is gone.
    pub(super) fn whole(&self, facts: &Facts, rest: BString) -> BString {
        match self.0.get(&(facts.mount, facts.print.device)) {
            Some(point) if !rest.starts_with(point) => [point.as_slice(), &rest].concat().into(),
            _ => rest,
        }
    }
}

/// What a process' paths begin at. Nobody is asked who could let us wait.
pub(super) fn root_of_process(pid: u32) -> Option<Root> {
    let opened = open(folder(pid).join("root"), OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    let Facts { print, born, mount, .. } = Facts::of(opened.ok()?)?;
    Some((mount, print.device, print.inode, born))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prevent::fanotify::facts::Print;
    use crate::prevent::fanotify::mount;

    /// What is left of a path, the mount's number and device; the whole of it.
    const CASES: &[(&str, u64, u64, &str)] = &[
        ("/x", 7, 5, "/dev/shm/x"),
        ("/dev/shm/x", 7, 5, "/dev/shm/x"),
        ("/x", 8, 5, "/x"),
        ("/x", 7, 6, "/x"),
        ("/x", 9, 6, "/x"),
    ];

    #[test]
    fn paths_are_whole_again() {
        let lines = b"7 1 0:5 / /dev/shm rw - tmpfs tmpfs rw\n9 1 0:6 / / rw - overlay o rw\n";
        let mut points = Points::default();
        mount::read(lines).iter().for_each(|mount| points.note(mount));
        for (rest, mount, device, expected) in CASES {
            let print = Print { device: *device, ..Print::default() };
            let facts = Facts { mount: *mount, print, ..Facts::default() };
            assert_eq!(points.whole(&facts, (*rest).into()), *expected, "{rest} {mount} {device}");
        }
        // The root of another container has both numbers now.
        let lines = b"7 1 0:5 / / rw - overlay o rw\n";
        mount::read(lines).iter().for_each(|mount| points.note(mount));
        let print = Print { device: 5, ..Print::default() };
        let facts = Facts { mount: 7, print, ..Facts::default() };
        assert_eq!(points.whole(&facts, "/tmp/x".into()), "/tmp/x");
    }
}
