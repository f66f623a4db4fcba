//! Which language packages came with the operating system's own: those in files that one of its
//! packages owns.
//!
//! What the distribution ships it also maintains, with fixes under its own version numbers: such a
//! package stays in the inventory, and names its owner, so that nobody counts it twice.

use std::collections::HashMap;

use model::Package;

/// Fills in the owner of each package that has one.
pub(crate) fn assign(packages: &mut [Package]) {
    let owners = owners(packages);
    for package in packages.iter_mut().filter(|package| !package.kind.is_os()) {
        package.owner = owners.get(file(package)).cloned().flatten();
    }
}

/// The files that language packages were found in, with the operating system's package that owns
/// each; asking for these is cheaper than keeping all that are owned.
fn owners(packages: &[Package]) -> HashMap<String, Option<String>> {
    let of_languages = packages.iter().filter(|package| !package.kind.is_os());
    let mut owners: HashMap<String, Option<String>> =
        of_languages.map(|package| (file(package).to_owned(), None)).collect();
    if owners.is_empty() {
        return owners;
    }
    for package in packages.iter().filter(|package| package.kind.is_os()) {
        for path in &package.files {
            if let Some(owner) = owners.get_mut(&**path) {
                *owner = Some(package.name.clone());
            }
        }
    }
    owners
}

/// The file of the image, whatever it was found within that.
fn file(package: &Package) -> &str {
    let path = &package.location.path;
    path.split_once("!/").map_or(path, |(file, _)| file)
}
