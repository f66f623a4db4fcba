//! The kernel's identity of a control group → its path.
//!
//! The identity is the inode number of the group's folder, so a path that is thought to be it can be
//! checked. The process that was seen in the group is asked first; where it is gone, the folders are
//! gone through, which is done at most so often, as anybody who may make groups can make many.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::path::{Named, container_of, user_of};
use crate::kernel::Hierarchy;

/// A host with 10 000 containers has a few groups each.
const KNOWN_MAX: usize = 65_536;
/// How often all folders are gone through: on a host with 10 000 groups it takes some 50 ms.
const SEARCH_PAUSE: Duration = Duration::from_secs(5);
const FOLDERS_MAX: usize = 200_000;
/// As deep as Kubernetes in a container in a user's slice, and as deep again.
const DEPTH_MAX: usize = 32;
/// Hierarchies of version 1 are a dozen lines.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// Where the process is in the hierarchy, if it still is.
fn path_of(hierarchy: &Hierarchy, pid: u32) -> Option<String> {
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

/// The identity of the group at `path`. What is above our own root is not reached.
fn id_of(hierarchy: &Hierarchy, path: &str) -> Option<u64> {
    let path = hierarchy.mounted.as_ref()?.join(path.trim_start_matches('/'));
    fs::symlink_metadata(path).ok().map(|folder| folder.ino())
}

/// The groups that were met, by identity.
#[derive(Debug)]
pub(super) struct Groups {
    hierarchy: Hierarchy,
    known: HashMap<u64, Group>,
    searched: Option<Instant>,
    /// Counts questions, so that the group that was asked for longest ago can be told.
    asked: u64,
}

#[derive(Debug)]
struct Group {
    /// None for the host, and where it was gone before it was looked up.
    place: Option<Arc<Place>>,
    asked: u64,
}

/// What the path of a group tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) named: Named,
    /// Whose rootless runtime it belongs to.
    pub(super) user: Option<u32>,
}

impl Groups {
    pub(super) fn new(hierarchy: Hierarchy) -> Self {
        Self { hierarchy, known: HashMap::new(), searched: None, asked: 0 }
    }

    /// The container of the group `id`, in which the process `pid` was seen.
    pub(super) fn place(&mut self, id: u64, pid: u32) -> Option<Arc<Place>> {
        self.asked += 1;
        let asked = self.asked;
        if !self.known.contains_key(&id) {
            let path = self.look_up(id, pid)?;
            let place = path.as_deref().and_then(|path| {
                Some(Arc::new(Place { named: container_of(path)?, user: user_of(path) }))
            });
            self.forget();
            self.known.insert(id, Group { place, asked });
        }
        let group = self.known.get_mut(&id)?;
        group.asked = asked;
        group.place.clone()
    }

    /// The group of a process that runs.
    pub(super) fn of_process(&self, pid: u32) -> Option<u64> {
        id_of(&self.hierarchy, &path_of(&self.hierarchy, pid)?)
    }

    /// Its path, if it has one; None if that is to be looked for later.
    fn look_up(&mut self, id: u64, pid: u32) -> Option<Option<String>> {
        let hierarchy = &self.hierarchy;
        let path = path_of(hierarchy, pid);
        if let Some(path) = path.filter(|path| id_of(hierarchy, path) == Some(id)) {
            return Some(Some(path));
        }
        if self.searched.is_some_and(|time| time.elapsed() < SEARCH_PAUSE) {
            return None;
        }
        let found = hierarchy.mounted.as_ref().and_then(|root| search(root, id));
        self.searched = Some(Instant::now());
        Some(found)
    }

    /// Makes room, by an eighth at a time: identities are never used again, so all will go.
    fn forget(&mut self) {
        if self.known.len() < KNOWN_MAX {
            return;
        }
        let mut times: Vec<u64> = self.known.values().map(|group| group.asked).collect();
        let (_, eldest, _) = times.select_nth_unstable(KNOWN_MAX / 8);
        let eldest = *eldest;
        self.known.retain(|_, group| group.asked > eldest);
    }
}

/// Goes through the folders, nearest first.
fn search(root: &Path, id: u64) -> Option<String> {
    let mut folders = vec![(root.to_owned(), 0)];
    let mut seen = 0;
    while let Some((folder, depth)) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let path = entry.path();
            if std::os::unix::fs::DirEntryExt::ino(&entry) == id {
                let below = path.strip_prefix(root).ok()?;
                return Some(format!("/{}", below.to_str()?));
            }
            seen += 1;
            if depth < DEPTH_MAX && seen < FOLDERS_MAX {
                folders.push((path, depth + 1));
            }
        }
    }
    None
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
    fn groups_are_known_by_inode_even_when_the_process_is_gone() {
        let tree = tempfile::tempdir().unwrap();
        let scope = format!("system.slice/docker-{}.scope", "0".repeat(64));
        let deep = tree.path().join(scope).join("init");
        fs::create_dir_all(&deep).unwrap();
        let id = fs::metadata(&deep).unwrap().ino();
        let mounted = Some(tree.path().to_owned());
        let mut groups = Groups::new(Hierarchy { controller: None, mounted });
        let gone = u32::MAX;
        let place = groups.place(id, gone).unwrap();
        assert_eq!((&*place.named.id, place.user), (&*"0".repeat(64), None));
        fs::remove_dir(&deep).unwrap();
        assert_eq!(groups.place(id, gone), Some(place));
        // Whoever cannot be looked for now is looked for later.
        assert_eq!(groups.place(7, gone), None);
        assert!(!groups.known.contains_key(&7));
        groups.searched = None;
        assert_eq!(groups.place(7, gone), None);
        assert!(groups.known.contains_key(&7));
    }

    #[test]
    fn what_is_known_is_bounded_and_the_eldest_goes() {
        let mut groups = Groups::new(Hierarchy { controller: None, mounted: None });
        for id in 0..=KNOWN_MAX as u64 {
            groups.searched = None;
            groups.place(id, u32::MAX);
            groups.place(0, u32::MAX);
        }
        assert!(groups.known.len() <= KNOWN_MAX);
        assert!(groups.known.contains_key(&0) && !groups.known.contains_key(&1));
    }
}
