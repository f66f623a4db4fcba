//! Where runtimes keep the bundle of a running container, and what is in it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use model::event::Container;
use rustix::fs::{FileType, Mode, OFlags, fstat, open};

use super::path::Named;
use super::{spec, storage};

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
    /// `ROOT/DRIVER-containers/ID/userdata/config.json`
    Storage(PathBuf),
}

/// containerd's namespaces: `moby`, `k8s.io`, `default`; whoever may make one is root.
const NAMESPACES_MAX: usize = 256;

impl Bundles {
    /// The bundle of the container, whose id is no path. A user's folder holds what that user made:
    /// whatever belongs to another, or is no file, is none.
    pub(super) fn find(&self, named: &Named, user: Option<u32>) -> Option<Bundle> {
        let id = &named.id;
        match self {
            Self::Storage(root) => storage::DRIVERS.iter().find_map(|driver| {
                let containers = root.join(format!("{driver}-containers"));
                let bundle = containers.join(id).join("userdata/config.json");
                let mut container = spec::parse(&read(&bundle, user, spec::BYTES_MAX)?)?;
                let list = |file: PathBuf| read(&file, user, storage::BYTES_MAX);
                if let Some(told) = list(containers.join("containers.json")) {
                    storage::name(&mut container, &told, id);
                }
                let images = root.join(format!("{driver}-images/images.json"));
                if let Some(told) = list(images) {
                    storage::give_digest(&mut container, &told);
                }
                Some(Bundle { namespace: None, container })
            }),
            Self::Containerd(root) => {
                let is_its = |name: &str| named.namespace.is_none_or(|its| its == name);
                let namespaces = std::fs::read_dir(root).ok()?.take(NAMESPACES_MAX);
                let names = namespaces.flatten().filter_map(|it| it.file_name().into_string().ok());
                names.filter(|name| is_its(name)).find_map(|namespace| {
                    let bundle = root.join(&namespace).join(id).join("config.json");
                    let container = spec::parse(&read(&bundle, user, spec::BYTES_MAX)?)?;
                    Some(Bundle { namespace: Some(namespace), container })
                })
            }
        }
    }
}

/// The file, if it is one, of that user, and no longer than `limit`.
fn read(path: &Path, user: Option<u32>, limit: u64) -> Option<Vec<u8>> {
    // A FIFO must not wait for somebody to write.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = open(path, flags, Mode::empty()).ok()?;
    let found = fstat(&file).ok()?;
    let is_file = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
    if !is_file || user.is_some_and(|user| user != found.st_uid) {
        return None;
    }
    let mut bytes = Vec::new();
    File::from(file).take(limit + 1).read_to_end(&mut bytes).ok()?;
    let is_whole = u64::try_from(bytes.len()).is_ok_and(|length| length <= limit);
    is_whole.then_some(bytes)
}
