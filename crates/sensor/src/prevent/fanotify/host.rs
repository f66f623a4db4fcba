//! The mount namespaces of the host, in which runtimes mount what containers run from: who refuses and
//! who looks at written files read the same.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, open};

use super::caller::space_of;
use super::facts::Facts;
use super::layers::below;
use super::mount::{self, Device, MOUNTS_BYTES_MAX, Mount};

/// Where the host's own programs and data are; these may be on an overlay themselves.
const HOST_FOLDERS: [&str; 9] =
    ["/", "/usr", "/bin", "/sbin", "/lib", "/opt", "/etc", "/var", "/home"];

/// A mount namespace in which runtimes mount overlays: our own, and that of the first process, which
/// is another one where the guard is a service or in a container.
pub(crate) struct Host {
    mounts: PathBuf,
    pub(crate) root: PathBuf,
    /// Is woken as mounts change.
    pub(crate) watched: File,
}

impl Host {
    pub(crate) fn all() -> std::io::Result<Vec<Self>> {
        let own = space_of(std::process::id());
        // Who may not look there is on the host.
        let is_another = space_of(1).is_some_and(|first| Some(first) != own);
        let of = |process: &str| {
            let folder = Path::new("/proc").join(process);
            let mounts = folder.join("mountinfo");
            let watched = File::open(&mounts)?;
            Ok(Self { mounts, root: folder.join("root"), watched })
        };
        let first = is_another.then(|| of("1")).and_then(std::io::Result::ok);
        Ok(Vec::from_iter(std::iter::once(of("self")?).chain(first)))
    }

    pub(crate) fn read(&self) -> Vec<Mount> {
        mount::read(&crate::file::read(&self.mounts, MOUNTS_BYTES_MAX).unwrap_or_default())
    }

    /// The file systems of the host's own programs and data.
    pub(crate) fn devices(&self) -> impl Iterator<Item = Device> {
        HOST_FOLDERS.iter().filter_map(|folder| {
            let folder = below(&self.root, Path::new(folder));
            let opened = open(folder, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
            Some(Facts::of(opened)?.print.device)
        })
    }
}
