//! The control groups of containers: where they are in the hierarchies that responses use, and who
//! is in them.
//!
//! Groups are found by the names of their folders, as the sensor reads them; no runtime is asked.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use sensor::containers::{Named, container_of};

/// As deep as Kubernetes in a container in a user's slice, and as deep again.
const DEPTH_MAX: usize = 32;
/// A host with 10 000 containers has a few groups each.
const GROUPS_MAX: usize = 65_536;
/// Processes of one container: what the kernel can number, so only a list without end is cut.
const PROCESSES_MAX: usize = 4 << 20;

/// The hierarchies, by where they are mounted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trees {
    /// That of version 1 which freezes.
    pub(crate) freezer: Option<PathBuf>,
    pub(crate) unified: Option<PathBuf>,
}

impl Trees {
    pub(crate) fn find() -> Self {
        Self::of_mounts(&fs::read_to_string("/proc/self/mountinfo").unwrap_or_default())
    }

    fn of_mounts(mounts: &str) -> Self {
        let mut trees = Self::default();
        for line in mounts.lines() {
            let Some((own, filesystem)) = line.split_once(" - ") else { continue };
            let Some(folder) = own.split(' ').nth(4) else { continue };
            let mut filesystem = filesystem.split(' ');
            let (kind, options) = (filesystem.next(), filesystem.nth(1).unwrap_or_default());
            let place = match kind {
                Some("cgroup") if options.split(',').any(|option| option == "freezer") => {
                    &mut trees.freezer
                }
                Some("cgroup2") => &mut trees.unified,
                _ => continue,
            };
            place.get_or_insert_with(|| folder.into());
        }
        trees
    }

    /// One in which every container has a group.
    pub(crate) fn any(&self) -> Option<&Path> {
        self.freezer.as_deref().or(self.unified.as_deref())
    }
}

/// A container's group in one hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) named: Named,
    pub(crate) folder: PathBuf,
}

/// All of containers: of nested ones the outermost, which is the one that the host's runtime made.
pub(crate) fn of_containers(tree: &Path) -> Vec<Group> {
    let mut found = Vec::new();
    let mut folders = VecDeque::from([(tree.to_owned(), 0)]);
    let mut seen = 0;
    while let Some((folder, depth)) = folders.pop_front() {
        for folder in folders_in(&folder) {
            seen += 1;
            let below = folder.strip_prefix(tree).unwrap_or(&folder);
            match container_of(&format!("/{}", below.to_string_lossy())) {
                Some(named) => found.push(Group { named, folder }),
                None if depth < DEPTH_MAX && seen < GROUPS_MAX => {
                    folders.push_back((folder, depth + 1));
                }
                None => {}
            }
        }
    }
    found
}

/// The groups of one container.
pub(crate) fn of(tree: &Path, id: &str) -> Vec<PathBuf> {
    let groups = of_containers(tree).into_iter();
    groups.filter(|group| group.named.id == id).map(|group| group.folder).collect()
}

/// Who is in the group, or below.
pub(crate) fn processes(group: &Path) -> std::io::Result<Vec<u32>> {
    let text = fs::read_to_string(group.join("cgroup.procs"))?;
    let mut found: Vec<u32> = text.lines().filter_map(|line| line.parse().ok()).collect();
    let mut folders = VecDeque::from([(group.to_owned(), 0)]);
    while let Some((folder, depth)) = folders.pop_front() {
        for folder in folders_in(&folder) {
            // One that is gone has nobody in it.
            let text = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
            found.extend(text.lines().filter_map(|line| line.parse::<u32>().ok()));
            if depth < DEPTH_MAX && found.len() < PROCESSES_MAX {
                folders.push_back((folder, depth + 1));
            }
        }
    }
    // 0 is a process of another namespace, which nobody here can name.
    found.retain(|pid| *pid != 0);
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.path()).collect();
    folders.sort();
    folders
}

/// The container that a process is in.
pub(crate) fn container_of_process(pid: u32) -> Option<Named> {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let paths = text.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    paths.filter_map(container_of).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hierarchies_are_found_by_what_they_do() {
        let hybrid = "32 30 0:28 / /c/memory rw shared:3 - cgroup cgroup rw,memory\n\
            33 30 0:29 / /c/freezer rw - cgroup cgroup rw,freezer\n\
            34 30 0:30 / /c/unified rw - cgroup2 cgroup2 rw\nbroken - line\n";
        let trees = Trees::of_mounts(hybrid);
        assert_eq!(trees.freezer.as_deref(), Some(Path::new("/c/freezer")));
        assert_eq!(trees.unified.as_deref(), Some(Path::new("/c/unified")));
        let unified = Trees::of_mounts("30 23 0:26 / /c rw,nosuid - cgroup2 cgroup2 rw\n");
        assert_eq!(unified.any(), Some(Path::new("/c")));
        assert_eq!(Trees::of_mounts(""), Trees::default());
    }

    #[test]
    fn the_outermost_group_is_the_container() {
        let tree = tempfile::tempdir().unwrap();
        let (outer, inner) = ("a".repeat(64), "b".repeat(64));
        let group = tree.path().join("system.slice").join(format!("docker-{outer}.scope"));
        fs::create_dir_all(group.join("docker").join(&inner)).unwrap();
        for (folder, pids) in
            [("", "3\n1\n0\n"), ("docker", ""), (&*format!("docker/{inner}"), "2\n")]
        {
            fs::write(group.join(folder).join("cgroup.procs"), pids).unwrap();
        }
        assert_eq!(of(tree.path(), &outer), [group.as_path()]);
        assert_eq!(of(tree.path(), &inner), [""; 0].map(PathBuf::from));
        assert_eq!(processes(&group).unwrap(), [1, 2, 3]);
    }
}
