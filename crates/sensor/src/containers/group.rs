//! The kernel's identity of a control group → the container that its path names.
//!
//! The groups that are there are gone through once; from then on the kernel tells each with its path
//! as it is made (`learn`), so that it may be gone before anybody asks. What was missed is asked of
//! the process that was seen in it, and checked: the identity is the inode number of the group's
//! folder. A group whose path nobody knows is `Unknown`, never the host.

use std::collections::{HashMap, VecDeque};
use std::fs;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::path::{Named, container_of, user_of};
use crate::kernel::Hierarchy;

/// A host with 10 000 containers has a few groups each.
const KNOWN_MAX: usize = 65_536;
/// As deep as Kubernetes in a container in a user's slice, and as deep again.
const DEPTH_MAX: usize = 32;
/// Hierarchies of version 1 are a dozen lines.
const TEXT_BYTES_MAX: usize = 64 << 10;
/// The kernel tells a path of that many bytes at most, and cuts what is longer.
const TOLD_BYTES_MAX: usize = 1_023;
/// How often a process is asked again for a group that is not known.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Where the process is in the hierarchy, if it still is.
pub(crate) fn path_of(hierarchy: &Hierarchy, pid: u32) -> Option<String> {
    let text = crate::file::read(Path::new(&format!("/proc/{pid}/cgroup")), TEXT_BYTES_MAX)?;
    path_in(hierarchy.controller, &String::from_utf8_lossy(&text))
}

/// Lines are `NUMBER:CONTROLLERS:PATH`; the unified hierarchy has no controllers.
fn path_in(controller: Option<&str>, text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (number, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let is_ours = match controller {
            None => number == "0" && controllers.is_empty(),
            Some(ours) => controllers.split(',').any(|controller| controller == ours),
        };
        is_ours.then(|| path.to_owned())
    })
}

/// The groups that were met, by identity.
#[derive(Debug)]
pub(super) struct Groups {
    hierarchy: Hierarchy,
    known: HashMap<u64, Group>,
    /// Counts questions, so that the group that was asked for longest ago can be told.
    asked: u64,
}

#[derive(Debug)]
struct Group {
    home: Home,
    /// 0 if nobody asked yet.
    asked: u64,
    /// When it was found out, or not.
    looked: Instant,
}

/// Where the processes of a group are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Home {
    Host,
    Container(Arc<Place>),
    /// Nobody knows its path.
    Unknown,
}

/// What the path of a group tells, which is what tells containers apart: any user may give a group
/// the name of a container of somebody else.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub(super) named: Named,
    /// Whose rootless runtime it belongs to.
    pub(super) user: Option<u32>,
}

impl Place {
    /// Whose rootless runtime it belongs to; None if to one of the host's.
    pub fn user(&self) -> Option<u32> {
        self.user
    }
}

impl Home {
    fn of_path(path: &str) -> Self {
        match container_of(path) {
            Some(named) => Self::Container(Arc::new(Place { named, user: user_of(path) })),
            None => Self::Host,
        }
    }
}

impl Groups {
    /// With those that are there now.
    pub(super) fn new(hierarchy: Hierarchy) -> Self {
        let mut groups = Self { hierarchy, known: HashMap::new(), asked: 0 };
        if let Some(root) = groups.hierarchy.mounted.clone() {
            for (id, path) in all(&root) {
                groups.know(id, Home::of_path(&path), 0);
            }
        }
        groups
    }

    /// The kernel told that it is at `path`, from the root of the hierarchy. That is no question:
    /// whoever makes groups without end puts out none that are in use.
    pub(super) fn learn(&mut self, id: u64, path: &str) {
        let is_cut = path.len() >= TOLD_BYTES_MAX;
        // Of a path that is cut, the last name is none; the container may be below.
        let whole =
            if is_cut { path.rsplit_once('/').map_or("", |(whole, _)| whole) } else { path };
        match Home::of_path(whole) {
            Home::Host if is_cut => {}
            home => self.know(id, home, 0),
        }
    }

    /// Where the group `id` is, in which the process `pid` was seen.
    pub(super) fn home(&mut self, id: u64, pid: u32) -> Home {
        self.asked += 1;
        let asked = self.asked;
        if let Some(group) = self.known.get_mut(&id) {
            group.asked = asked;
            if group.home != Home::Unknown || group.looked.elapsed() < LOOK_AGAIN {
                return group.home.clone();
            }
        }
        let path = path_of(&self.hierarchy, pid);
        let path = path.filter(|path| self.hierarchy.number_of(path) == Some(id));
        let home = path.map_or(Home::Unknown, |path| Home::of_path(&path));
        self.know(id, home.clone(), asked);
        home
    }

    /// Where the group is, if that was found out before.
    pub(super) fn known(&self, id: u64) -> Option<&Home> {
        self.known.get(&id).map(|group| &group.home)
    }

    /// The group of a process that runs.
    pub(super) fn of_process(&self, pid: u32) -> Option<u64> {
        self.hierarchy.number_of(&path_of(&self.hierarchy, pid)?)
    }

    fn know(&mut self, id: u64, home: Home, asked: u64) {
        self.forget();
        let group = Group { home, asked, looked: Instant::now() };
        self.known.insert(id, group);
    }

    /// Makes room, by an eighth at a time: identities are never used again, so all will go.
    fn forget(&mut self) {
        if self.known.len() < KNOWN_MAX {
            return;
        }
        let time = |group: &Group| (group.asked, group.looked);
        let mut times: Vec<_> = self.known.values().map(time).collect();
        let (_, eldest, _) = times.select_nth_unstable(KNOWN_MAX / 8);
        let eldest = *eldest;
        self.known.retain(|_, group| time(group) > eldest);
    }
}

/// The groups below `root`, and itself: as many as are remembered, the nearest first.
pub(crate) fn all(root: &Path) -> Vec<(u64, String)> {
    let root_id = fs::symlink_metadata(root).ok().map(|folder| (folder.ino(), "/".to_owned()));
    let mut found = Vec::from_iter(root_id);
    let mut folders = VecDeque::from([(root.to_owned(), 0)]);
    while let Some((folder, depth)) = folders.pop_front() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            if found.len() >= KNOWN_MAX {
                return found;
            }
            let path = entry.path();
            let below = path.strip_prefix(root).unwrap_or(&path);
            found.push((entry.ino(), format!("/{}", below.to_string_lossy())));
            if depth < DEPTH_MAX {
                folders.push_back((path, depth + 1));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_tells_its_groups() {
        let hybrid = "9:name=systemd:/docker/a\n4:cpu,cpuacct:/b\n1:memory:/c:d\n0::/e\n";
        assert_eq!(path_in(None, hybrid).as_deref(), Some("/e"));
        assert_eq!(path_in(Some("cpuacct"), hybrid).as_deref(), Some("/b"));
        assert_eq!(path_in(Some("memory"), hybrid).as_deref(), Some("/c:d"));
        assert_eq!(path_in(Some("pids"), hybrid), None);
        assert_eq!(path_in(None, "1:memory:/c\nnonsense\n"), None);
    }

    /// Any tree of folders will do: inode numbers are all that counts.
    #[test]
    fn groups_are_known_when_they_and_their_processes_are_gone() {
        let tree = tempfile::tempdir().unwrap();
        let scope = format!("system.slice/docker-{}.scope", "0".repeat(64));
        let deep = tree.path().join(&scope).join("init");
        fs::create_dir_all(&deep).unwrap();
        let id = |path: &Path| fs::metadata(path).unwrap().ino();
        let (root, id) = (id(tree.path()), id(&deep));
        let mounted = Some(tree.path().to_owned());
        let mut groups = Groups::new(Hierarchy { controller: None, mounted });
        fs::remove_dir(&deep).unwrap();
        let gone = u32::MAX;
        let named =
            |home: Home| matches!(home, Home::Container(place) if place.named.id == "0".repeat(64));
        assert!(named(groups.home(id, gone)));
        assert_eq!(groups.home(root, gone), Home::Host);
        // One that was told in time, and one that was not.
        groups.learn(7, &format!("/{scope}"));
        assert!(named(groups.home(7, gone)));
        assert_eq!(groups.home(8, gone), Home::Unknown, "which is not the host");
        groups.learn(8, "/user.slice");
        assert_eq!(groups.home(8, gone), Home::Host);
    }

    /// Whoever may make groups makes them as deep as it likes.
    #[test]
    fn a_path_that_is_cut_is_not_the_host() {
        let mut groups = Groups::new(Hierarchy { controller: None, mounted: None });
        let id = "0123456789abcdef".repeat(4);
        let deep = format!("/system.slice{}", "/deep".repeat(300));
        let container = format!("/docker/{id}{}", "/deep".repeat(300));
        let name = |path: &str| path.get(..TOLD_BYTES_MAX).unwrap().to_owned();
        groups.learn(1, &name(&deep));
        groups.learn(2, &name(&container));
        // Cut within the id, which so reads as another one.
        let folders = "/d".repeat((TOLD_BYTES_MAX - "/lxc.payload.we".len()) / 2);
        groups.learn(3, &name(&format!("{folders}/lxc.payload.web-of-another")));
        let home = [1, 2, 3].map(|id| groups.home(id, u32::MAX));
        assert_eq!(home[0], Home::Unknown);
        assert!(matches!(&home[1], Home::Container(place) if place.named.id == id));
        assert_eq!(home[2], Home::Unknown);
    }

    /// Whoever may make groups makes as many as it likes.
    #[test]
    fn groups_that_are_made_and_never_used_put_out_none_that_are() {
        let mut groups = Groups::new(Hierarchy { controller: None, mounted: None });
        groups.learn(1, "/system.slice");
        groups.learn(2, "/user.slice");
        assert_eq!([1, 2].map(|id| groups.home(id, u32::MAX)), [Home::Host, Home::Host]);
        let many = KNOWN_MAX as u64 * 2;
        for id in 3..many {
            groups.learn(id, "/made");
        }
        assert_eq!(groups.home(1, u32::MAX), Home::Host);
        assert_eq!(groups.home(many - 1, u32::MAX), Home::Host, "the last one is known as well");
        assert!(groups.known.len() <= KNOWN_MAX);
    }

    #[test]
    fn what_is_known_is_bounded_and_the_eldest_goes() {
        let mut groups = Groups::new(Hierarchy { controller: None, mounted: None });
        for id in 0..=KNOWN_MAX as u64 {
            groups.home(id, u32::MAX);
            groups.home(0, u32::MAX);
        }
        assert!(groups.known.len() <= KNOWN_MAX);
        assert!(groups.known.contains_key(&0) && !groups.known.contains_key(&1));
    }
}
