//! Which package of the operating system a file came with.
//!
//! A language package in such a file is the distribution's: it maintains it, with fixes under its
//! own version numbers. It stays in the inventory, and names its owner, so that nobody counts it
//! twice. What a layer above puts in the place of a package's file is not the package's any more.

use foldhash::HashMap;
use model::Package;

/// Packages by the files that are asked for: cheaper than keeping all that are owned.
pub(crate) struct Owners {
    files: HashMap<String, Option<Owner>>,
}

struct Owner {
    name: String,
    /// The layer in which this version of the package appeared.
    layer: Option<u32>,
}

impl Owners {
    pub(crate) fn of<'a>(paths: impl Iterator<Item = &'a str>, packages: &[Package]) -> Self {
        let mut files: HashMap<String, Option<Owner>> =
            paths.map(|path| (path.to_owned(), None)).collect();
        if files.is_empty() {
            return Self { files };
        }
        for package in packages.iter().filter(|package| package.kind.is_os()) {
            package.files.for_each(|path| {
                if let Some(owner) = files.get_mut(path) {
                    let (name, layer) = (package.name.clone(), package.location.layer);
                    *owner = Some(Owner { name, layer });
                }
            });
        }
        Self { files }
    }

    /// The operating system's package that owns what appeared at `path` in a layer.
    pub(crate) fn os_package(&self, path: &str, layer: Option<u32>) -> Option<String> {
        let owner = self.files.get(path)?.as_ref()?;
        (layer <= owner.layer).then(|| owner.name.clone())
    }
}

/// Fills in the owner of each package that has one.
pub(crate) fn assign(packages: &mut [Package]) {
    let of_languages = packages.iter().filter(|package| !package.kind.is_os());
    let owners = Owners::of(of_languages.map(file), packages);
    for package in packages.iter_mut().filter(|package| !package.kind.is_os()) {
        package.owner = owners.os_package(file(package), package.location.layer);
    }
}

/// The file of the image, whatever it was found within that.
fn file(package: &Package) -> &str {
    let path = &package.location.path;
    path.split_once("!/").map_or(path, |(file, _)| file)
}
