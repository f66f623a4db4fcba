//! Where runtimes keep the bundle of a running container, and what is in it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use model::event::Container;
use rustix::fs::{FileType, Mode, OFlags, fstat, open};

use super::spec;

/// A bundle that was found.
pub(super) struct Bundle {
    /// containerd's namespace, where it is one of containerd's.
    pub(super) namespace: Option<String>,
    pub(super) container: Container,
}

/// A folder in which bundles are.
#[derive(Clone, Debug)]
pub(super) enum Bundles {
    /// `ROOT/NAMESPACE/ID/config.json`
    Containerd(PathBuf),
    /// `ROOT/ID/userdata/config.json`
    Storage(PathBuf),
}

/// containerd's namespaces: `moby`, `k8s.io`, `default`; whoever may make one is root.
const NAMESPACES_MAX: usize = 256;

impl Bundles {
    /// The bundle of the container `id`, which is no path. A user's folder holds what that user
    /// made: whatever belongs to another, or is no file, is none.
    pub(super) fn find(&self, id: &str, user: Option<u32>) -> Option<Bundle> {
        match self {
            Self::Storage(root) => {
                let container = read(&root.join(id).join("userdata/config.json"), user)?;
                Some(Bundle { namespace: None, container })
            }
            Self::Containerd(root) => {
                let namespaces = std::fs::read_dir(root).ok()?.take(NAMESPACES_MAX);
                namespaces.flatten().find_map(|namespace| {
                    let container = read(&namespace.path().join(id).join("config.json"), user)?;
                    let namespace = namespace.file_name().into_string().ok();
                    Some(Bundle { namespace, container })
                })
            }
        }
    }
}

fn read(path: &Path, user: Option<u32>) -> Option<Container> {
    // A FIFO must not wait for somebody to write.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = open(path, flags, Mode::empty()).ok()?;
    let found = fstat(&file).ok()?;
    let is_file = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
    if !is_file || user.is_some_and(|user| user != found.st_uid) {
        return None;
    }
    let mut bytes = Vec::new();
    let limit = spec::BYTES_MAX;
    File::from(file).take(limit + 1).read_to_end(&mut bytes).ok()?;
    let is_whole = u64::try_from(bytes.len()).is_ok_and(|length| length <= limit);
    is_whole.then(|| spec::parse(&bytes))?
}
