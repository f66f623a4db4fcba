//! The kernel's identity of a control group → its path.
//!
//! The identity is the inode number of the group's folder, so a path that is thought to be it can be
//! checked. The process that was seen in the group is asked first; where it is gone, the folders are
//! gone through, which is done at most so often, as anybody who may make groups can make many.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

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
    /// None where it was gone before it was looked up.
    path: Option<String>,
    asked: u64,
}

impl Groups {
    pub(super) fn new(hierarchy: Hierarchy) -> Self {
        Self { hierarchy, known: HashMap::new(), searched: None, asked: 0 }
    }

    /// The path of the group `id`, in which the process `pid` was seen.
    pub(super) fn path(&mut self, id: u64, pid: u32) -> Option<&str> {
        self.asked += 1;
        let asked = self.asked;
        if !self.known.contains_key(&id) {
            let path = self.look_up(id, pid);
            self.forget();
            self.known.insert(id, Group { path, asked });
        }
        let group = self.known.get_mut(&id)?;
        group.asked = asked;
        group.path.as_deref()
    }

    /// The group of a process that runs.
    pub(super) fn of_process(&self, pid: u32) -> Option<u64> {
        id_of(&self.hierarchy, &path_of(&self.hierarchy, pid)?)
    }

    fn look_up(&mut self, id: u64, pid: u32) -> Option<String> {
        let hierarchy = &self.hierarchy;
        let path = path_of(hierarchy, pid);
        if let Some(path) = path.filter(|path| id_of(hierarchy, path) == Some(id)) {
            return Some(path);
        }
        if self.searched.is_some_and(|time| time.elapsed() < SEARCH_PAUSE) {
            return None;
        }
        let found = search(hierarchy.mounted.as_ref()?, id);
        self.searched = Some(Instant::now());
        found
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
        let deep = tree.path().join("system.slice/docker-x.scope/init");
        fs::create_dir_all(&deep).unwrap();
        let id = fs::metadata(&deep).unwrap().ino();
        let mounted = Some(tree.path().to_owned());
        let mut groups = Groups::new(Hierarchy { controller: None, mounted });
        let gone = u32::MAX;
        assert_eq!(groups.path(id, gone), Some("/system.slice/docker-x.scope/init"));
        fs::remove_dir(&deep).unwrap();
        assert_eq!(groups.path(id, gone), Some("/system.slice/docker-x.scope/init"));
        assert_eq!(groups.path(u64::MAX, gone), None);
    }

    #[test]
    fn what_is_known_is_bounded_and_the_eldest_goes() {
        let mut groups = Groups::new(Hierarchy { controller: None, mounted: None });
        for id in 0..=KNOWN_MAX as u64 {
            groups.path(id, 0);
            groups.path(0, 0);
        }
        assert!(groups.known.len() <= KNOWN_MAX);
        assert!(groups.known.contains_key(&0) && !groups.known.contains_key(&1));
    }
}
