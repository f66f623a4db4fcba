//! Which files an image brought: those that an overlay shows from its lower folders, unchanged.
//!
//! A file counts as the image's only if it is found below a lower folder, at the same path, with the
//! same number, size and times: whoever writes to it, or only changes its mode, makes a copy in the
//! upper folder, which has a time of change of its own. Everything else is foreign. The folders are
//! those that the host's own mounts name; an overlay that a container makes for itself is not believed.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bstr::{BStr, BString, ByteSlice};
use rustix::fs::{Mode, OFlags, ResolveFlags, open, openat2};

use super::facts::{Facts, Print};
use super::mount::{Device, Mount};

/// Programs and libraries' loaders that were found in an image: a hundred bytes each.
const FOUND_MAX: usize = 65_536;
/// Overlays over several disks may write which one into the upper bits of a file's number.
const INODE_BITS: u64 = (1 << 48) - 1;

/// The lower folders of each overlay.
pub(crate) type Layers = HashMap<Device, Layer>;

/// Those of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layer {
    /// As its mount names them: a device's number is given to the next overlay as soon as one is gone.
    names: Vec<BString>,
    pub(crate) folders: Arc<[PathBuf]>,
}

/// Those of the host's mounts, each with the root that its paths begin at.
pub(crate) fn all<'a>(mounts: impl IntoIterator<Item = (&'a Path, &'a Mount)>) -> Layers {
    mounts.into_iter().filter_map(|(root, mount)| layers_of(root, mount)).collect()
}

/// The overlays of the host.
#[derive(Debug, Default)]
pub(super) struct Images {
    known: Layers,
    /// Files that were found already.
    found: HashSet<Print>,
}

impl Images {
    /// What the host's mounts say now.
    pub(super) fn learn(&mut self, known: Layers) {
        if known != self.known {
            // A device's number may be another one's by now.
            self.found.clear();
            self.known = known;
        }
    }

    /// Whether it is this overlay of which they are known, and not one that had its number before.
    pub(super) fn is_known(&self, mount: &Mount) -> bool {
        self.known.get(&mount.device).is_some_and(|layer| layer.names == mount.layers)
    }

    pub(super) fn layers(&self, device: Device) -> Option<Arc<[PathBuf]>> {
        self.known.get(&device).map(|layer| Arc::clone(&layer.folders))
    }

    pub(super) fn was_found(&self, print: &Print) -> bool {
        self.found.contains(print)
    }

    pub(super) fn remember(&mut self, print: Print) {
        if self.found.len() >= FOUND_MAX {
            self.found.clear();
        }
        self.found.insert(print);
    }
}

/// Folders that cannot be reached from here are not known. Docker writes them from the folder in
/// which the overlay's own is, where there are too many for a page.
fn layers_of(root: &Path, mount: &Mount) -> Option<(Device, Layer)> {
    let home = Path::new(OsStr::from_bytes(&mount.point)).parent()?.parent()?;
    let path = |layer: &BString| below(root, &home.join(OsStr::from_bytes(layer)));
    let folders: Arc<[PathBuf]> = mount.layers.iter().map(path).collect();
    let is_whole = !folders.is_empty() && folders.iter().all(|folder| folder.is_dir());
    is_whole.then(|| (mount.device, Layer { names: mount.layers.clone(), folders }))
}

/// A whole path, from that root on.
pub(crate) fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// Whether the file that an overlay shows at `inner` is one of its lower folders'.
pub(crate) fn is_of_image(layers: &[PathBuf], inner: &BStr, print: &Print) -> bool {
    layers.iter().any(|layer| look(layer, inner).is_some_and(|found| is_same(&found, print)))
}

fn is_same(lower: &Print, shown: &Print) -> bool {
    // The device is that of the layer's disk.
    let plain = |print: &Print| Print { device: 0, inode: print.inode & INODE_BITS, ..*print };
    plain(lower) == plain(shown)
}

fn look(layer: &Path, inner: &BStr) -> Option<Print> {
    let inner = inner.strip_prefix(b"/")?;
    let path = OFlags::PATH | OFlags::CLOEXEC;
    let layer = open(layer, path | OFlags::DIRECTORY, Mode::empty()).ok()?;
    // An image's links lead within the container, not here.
    let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let file = openat2(layer, inner.as_bytes(), path, Mode::empty(), within).ok()?;
    Facts::of(file).filter(|facts| facts.is_regular).map(|facts| facts.print)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that makes a copy of a file of another layer: the same bytes, another file.
    #[test]
    fn the_same_file_counts_and_a_copy_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let [upper, lower] = ["upper", "lower"].map(|name| folder.path().join(name));
        for layer in [&upper, &lower] {
            std::fs::create_dir_all(layer.join("bin")).unwrap();
        }
        std::fs::write(lower.join("bin/id"), "id").unwrap();
        std::fs::copy(lower.join("bin/id"), upper.join("bin/copy")).unwrap();
        std::os::unix::fs::symlink("/bin/id", lower.join("bin/link")).unwrap();
        let print = |path: &Path| Facts::of(std::fs::File::open(path).unwrap()).unwrap().print;
        let (id, copy) = (print(&lower.join("bin/id")), print(&upper.join("bin/copy")));
        let layers = [folder.path().join("nothing"), lower.clone()];
        let is_of_image = |inner: &str, print| is_of_image(&layers, BStr::new(inner), print);
        let shown = Print { device: 99, inode: id.inode | 1 << 62, ..id };
        assert!(is_of_image("/bin/id", &id) && is_of_image("/bin/id", &shown));
        assert!(!is_of_image("/bin/id", &copy) && !is_of_image("/bin/copy", &copy));
        assert!(!is_of_image("/bin/copy", &id), "it was moved, so it was copied up");
        assert!(!is_of_image("/bin/link", &id));
        assert!(!is_of_image("/../lower/bin/id", &id), "nothing leaves a layer");
        std::fs::set_permissions(lower.join("bin/id"), std::fs::Permissions::from_mode(0o700))
            .unwrap();
        assert!(!is_of_image("/bin/id", &id), "to change a mode is a change");
    }

    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn overlays_without_reachable_layers_are_not_known() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path();
        std::fs::create_dir_all(home.join("l/A")).unwrap();
        let mounts = |layers: &str| {
            let at = home.display();
            let line = format!("1 0 0:5 / {at}/x/merged rw - overlay overlay rw,lowerdir={layers}");
            super::super::mount::read(line.as_bytes())
        };
        let mut images = Images::default();
        for (layers, expected) in [
            (format!("{}/l/A", home.display()), true),
            ("l/A".to_owned(), true),
            ("l/A:l/B".to_owned(), false),
            (String::new(), false),
        ] {
            let mounts = mounts(&layers);
            images.learn(all(mounts.iter().map(|mount| (Path::new("/"), mount))));
            assert_eq!(images.is_known(&mounts[0]), expected, "{layers}");
        }
    }

    /// Both are of the device's number.
    #[test]
    fn the_overlay_that_has_a_number_next_is_another_one() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path();
        let mounts = ["A", "B"].map(|layer| {
            std::fs::create_dir_all(home.join("l").join(layer)).unwrap();
            let at = home.display();
            let line =
                format!("1 0 0:5 / {at}/x/merged rw - overlay overlay rw,lowerdir=l/{layer}");
            super::super::mount::read(line.as_bytes()).remove(0)
        });
        let mut images = Images::default();
        images.learn(all([(Path::new("/"), &mounts[0])]));
        assert!(images.is_known(&mounts[0]) && !images.is_known(&mounts[1]));
    }
}
