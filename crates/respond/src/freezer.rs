//! The kernel's freezer of control groups, in both versions: nothing in a frozen group runs.

use std::fs;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// A process in an uninterruptible wait is frozen when that is over.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(5);

/// The freezer of one group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Freezer {
    version: Version,
    pub(crate) group: PathBuf,
    /// Of its folder: a container that was started anew has another one at the same place.
    inode: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Version {
    One,
    Two,
}

impl Freezer {
    pub(crate) fn one(group: &Path) -> std::io::Result<Self> {
        Self::of(group, Version::One)
    }

    pub(crate) fn two(group: &Path) -> std::io::Result<Self> {
        Self::of(group, Version::Two)
    }

    fn of(group: &Path, version: Version) -> std::io::Result<Self> {
        let inode = fs::metadata(group)?.ino();
        Ok(Self { version, group: group.to_owned(), inode })
    }

    /// Whether the group is still the one it was.
    pub(crate) fn is_there(&self) -> bool {
        fs::metadata(&self.group).is_ok_and(|folder| folder.ino() == self.inode)
    }

    /// Whether somebody asked for it, whatever is above.
    pub(crate) fn is_frozen(&self) -> std::io::Result<bool> {
        let file = match self.version {
            Version::One => "freezer.self_freezing",
            Version::Two => "cgroup.freeze",
        };
        Ok(fs::read_to_string(self.group.join(file))?.trim() == "1")
    }

    /// Returns once nothing runs; what cannot be frozen in time is let go again.
    pub(crate) fn freeze(&self) -> std::io::Result<()> {
        let since = Instant::now();
        loop {
            // In version 1 a process that is forked meanwhile may be missed: it is asked again.
            self.write(true)?;
            if self.holds()? {
                return Ok(());
            }
            if since.elapsed() > PATIENCE {
                self.thaw()?;
                return Err(Error::new(ErrorKind::TimedOut, "a process in it cannot be frozen"));
            }
            thread::sleep(LOOK);
        }
    }

    pub(crate) fn thaw(&self) -> std::io::Result<()> {
        self.write(false)
    }

    fn write(&self, frozen: bool) -> std::io::Result<()> {
        let (file, text) = match (self.version, frozen) {
            (Version::One, true) => ("freezer.state", "FROZEN"),
            (Version::One, false) => ("freezer.state", "THAWED"),
            (Version::Two, true) => ("cgroup.freeze", "1"),
            (Version::Two, false) => ("cgroup.freeze", "0"),
        };
        // Not `fs::write`: a group that is gone is not to become a file.
        let mut file = fs::OpenOptions::new().write(true).open(self.group.join(file))?;
        std::io::Write::write_all(&mut file, text.as_bytes())
    }

    fn holds(&self) -> std::io::Result<bool> {
        match self.version {
            Version::One => {
                Ok(fs::read_to_string(self.group.join("freezer.state"))?.trim() == "FROZEN")
            }
            Version::Two => {
                let events = fs::read_to_string(self.group.join("cgroup.events"))?;
                Ok(events.lines().any(|line| line == "frozen 1"))
            }
        }
    }
}
