//! The root that a path is meant in: a process' own, which need not be its container's.
//!
//! It is found when a response is planned, written down, and found again by what was written: a
//! control group's name can be given by whoever may make groups, and a process' number is used
//! again. Links are never followed out of it, and nothing in it is asked (a file system of the
//! container's own may never answer).

use std::fs;
use std::io::{Error, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, Mode, OFlags, StatxFlags, makedev, open, statx};
use serde::{Deserialize, Serialize};

use crate::container::Container;
use crate::groups;
use crate::process::{Process, ProcessId};

/// A root, and whose it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Root {
    seen: Seen,
    container: Option<Inside>,
    /// Since it was found: whoever had it may be gone.
    #[serde(skip)]
    held: Option<Arc<OwnedFd>>,
}

/// Which one it is: no two that are there at one time are alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    /// Of mounts.
    namespace: u64,
    device: u64,
    inode: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Inside {
    id: String,
    /// Its groups, in the hierarchies where it has one.
    groups: Vec<PathBuf>,
    /// That of its first process, which it has again when it is started anew.
    is_its_own: bool,
}

impl PartialEq for Root {
    fn eq(&self, other: &Self) -> bool {
        (&self.seen, &self.container) == (&other.seen, &other.container)
    }
}

impl Eq for Root {}

impl Root {
    /// Of a process that runs. Looks at `/proc` alone, and so never waits.
    pub(crate) fn of_process(id: ProcessId) -> Option<Self> {
        let (seen, held) = look(id.pid, Some(id)).ok()?;
        Some(Self { seen, container: None, held: Some(Arc::new(held)) })
    }

    /// That of the process that is meant, as it was `held` or as it is; where it is over, and where
    /// none is meant, the container's or the host's own.
    pub(crate) fn find(
        container: Option<&Container>,
        process: Option<ProcessId>,
        held: Option<&Self>,
    ) -> std::io::Result<Self> {
        let own = match container {
            None => look(std::process::id(), None)?,
            Some(container) => {
                let first = container.first_process().map_err(|_none| gone())?.id;
                let own = look(first.pid, Some(first))?;
                // Whoever has the number now had it when the root was opened, if it is the same.
                if !is_in(first.pid, &container.id) {
                    return Err(gone());
                }
                own
            }
        };
        let of_process = || {
            let process = process.filter(|it| container.is_none_or(|of| is_in(it.pid, &of.id)))?;
            look(process.pid, Some(process)).ok()
        };
        let of_held = held.and_then(|it| Some((it.seen, it.held.as_ref()?.try_clone().ok()?)));
        let (of_own, (seen, held)) = match of_held.or_else(of_process) {
            Some(found) => (found.0 == own.0, found),
            None => (true, own),
        };
        let container = container.map(|container| Inside {
            id: container.id.clone(),
            groups: container.freezer.iter().chain(&container.unified).cloned().collect(),
            is_its_own: of_own,
        });
        Ok(Self { seen, container, held: Some(Arc::new(held)) })
    }

    /// Found again, by whoever has it now.
    ///
    /// # Errors
    /// If nobody has it: `NotFound` where its container does not run or has ended with it.
    pub(crate) fn open(&self) -> std::io::Result<OwnedFd> {
        if let Some(held) = &self.held {
            return held.try_clone();
        }
        let candidates = match &self.container {
            None => std::iter::once(std::process::id())
                .chain(Process::all()?.into_iter().map(|process| process.id.pid))
                .collect(),
            Some(inside) => inside.processes(),
        };
        let same = candidates.into_iter().find_map(|pid| {
            let (seen, root) = look(pid, None).ok()?;
            (seen == self.seen).then_some(root)
        });
        same.or_else(|| self.container.as_ref()?.anew()).ok_or_else(gone)
    }
}

impl Inside {
    fn processes(&self) -> Vec<u32> {
        let group = |group: &PathBuf| groups::processes(group).ok().filter(|pids| !pids.is_empty());
        self.groups.iter().find_map(group).unwrap_or_default()
    }

    /// The container's own root, after it was started anew: in the group of the same name, which
    /// nobody but root may have made.
    fn anew(&self) -> Option<OwnedFd> {
        let [freezer, ..] = self.groups.as_slice() else { return None };
        if !self.is_its_own || !self.groups.iter().all(|group| is_of_host(group)) {
            return None;
        }
        let container = Container { freezer: Some(freezer.clone()), ..Container::default() };
        let first = container.first_process().ok()?.id;
        let (_, root) = look(first.pid, Some(first)).ok()?;
        is_in(first.pid, &self.id).then_some(root)
    }
}

/// Whether nobody but root could have given it its name.
fn is_of_host(group: &Path) -> bool {
    let folders = group.ancestors().skip(1).take_while(|folder| folder.parent().is_some());
    let mut owners = folders.map(|folder| fs::symlink_metadata(folder).map(|it| it.uid()));
    owners.all(|owner| owner.is_ok_and(|uid| uid == 0))
}

fn is_in(pid: u32, container: &str) -> bool {
    groups::container_of_process(pid).is_some_and(|it| it.id == container)
}

/// The root of whoever has the number; only if it is the one that is meant, where that is said.
fn look(pid: u32, meant: Option<ProcessId>) -> std::io::Result<(Seen, OwnedFd)> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let before = Process::of(pid).ok_or_else(gone)?.id;
    let root = open(format!("/proc/{pid}/root"), flags, Mode::empty())?;
    let namespace = fs::metadata(format!("/proc/{pid}/ns/mnt"))?.ino();
    let after = Process::of(pid).ok_or_else(gone)?.id;
    if before != after || meant.is_some_and(|meant| !after.is(meant)) {
        return Err(gone());
    }
    // What its file system last told is enough: it is not asked.
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    let stat = statx(root.as_fd(), "", flags, StatxFlags::INO)?;
    let device = makedev(stat.stx_dev_major, stat.stx_dev_minor);
    Ok((Seen { namespace, device, inode: stat.stx_ino }, root))
}

fn gone() -> Error {
    Error::new(ErrorKind::NotFound, "its container does not run, or nobody has its root any more")
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    /// Ended when the test is over.
    struct Sleeper(Child);

    impl Sleeper {
        /// In a mount namespace, and a root, of its own.
        fn start() -> Self {
            let script = "mount -t tmpfs none /mnt && exec sleep 1000";
            let child = Command::new("unshare").args(["-m", "sh", "-c", script]).spawn().unwrap();
            let sleeper = Self(child);
            let since = std::time::Instant::now();
            while Process::of(sleeper.0.id()).is_none_or(|it| it.name != "sleep") {
                assert!(since.elapsed().as_secs() < 10, "it sleeps");
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            sleeper
        }

        fn id(&self) -> ProcessId {
            Process::of(self.0.id()).unwrap().id
        }
    }

    impl Drop for Sleeper {
        fn drop(&mut self) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }

    #[test]
    fn a_root_is_found_again_by_what_was_written() {
        let root = Root::find(None, None, None).unwrap();
        let text = serde_json::to_string(&root).unwrap();
        let read: Root = serde_json::from_str(&text).unwrap();
        assert!(read.held.is_none());
        assert_eq!(read, root);
        read.open().unwrap();
        // One that nobody has: a journal of before they were written down, for one.
        assert_eq!(Root::default().open().unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_process_own_root_is_not_the_hosts() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let sleeper = Sleeper::start();
        let own = Root::find(None, None, None).unwrap();
        let its = Root::find(None, Some(sleeper.id()), None).unwrap();
        assert_ne!(own.seen.namespace, its.seen.namespace);
        let read: Root = serde_json::from_str(&serde_json::to_string(&its).unwrap()).unwrap();
        read.open().expect("it has it still");
        let held = Root::of_process(sleeper.id()).unwrap();
        let id = sleeper.id();
        drop(sleeper);
        let kept = Root::find(None, Some(id), Some(&held)).unwrap();
        assert_eq!(kept.seen, its.seen, "it was held");
        kept.open().unwrap();
        assert!(read.open().is_err(), "nobody has it");
        assert_eq!(Root::find(None, Some(id), None).unwrap(), own);
    }
}
