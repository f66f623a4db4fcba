//! Which package a file came with.
//!
//! A language package in a file of the operating system's is the distribution's: it maintains it,
//! with fixes under its own version numbers. It stays in the inventory, and names its owner, so
//! that nobody counts it twice. A secret in a file that a package publishes is known to everybody,
//! and no secret of whoever built the image.

use std::collections::HashMap;

use model::{Package, PackageKind};

/// Where an administrator's own settings are: a package owns the files there, and not what people
/// write into them.
const SETTINGS: &str = "etc/";

/// Packages by the files that are asked for: cheaper than keeping all that are owned.
pub(crate) struct Owners {
    files: HashMap<String, Option<String>>,
    /// Folders of npm packages, sorted; all below them is theirs.
    folders: Vec<(String, String)>,
}

impl Owners {
    pub(crate) fn of<'a>(paths: impl Iterator<Item = &'a str>, packages: &[Package]) -> Self {
        let mut files: HashMap<String, Option<String>> =
            paths.map(|path| (path.to_owned(), None)).collect();
        if files.is_empty() {
            return Self { files, folders: Vec::new() };
        }
        for package in packages.iter().filter(|package| package.kind.is_os()) {
            for path in &package.files {
                if let Some(owner) = files.get_mut(&**path) {
                    *owner = Some(package.name.clone());
                }
            }
        }
        let of_npm = |package: &&Package| package.kind == PackageKind::Npm && !package.declared;
        let folder = |package: &Package| {
            let (folder, _) = package.location.path.rsplit_once('/')?;
            Some((format!("{folder}/"), package.name.clone()))
        };
        let mut folders: Vec<_> = packages.iter().filter(of_npm).filter_map(folder).collect();
        folders.sort_unstable();
        Self { files, folders }
    }

    /// The operating system's package that owns the file.
    pub(crate) fn os_package(&self, path: &str) -> Option<String> {
        self.files.get(path).cloned().flatten()
    }

    /// The package that everybody gets this very file with.
    pub(crate) fn publisher(&self, path: &str) -> Option<String> {
        if path.starts_with(SETTINGS) {
            return None;
        }
        self.os_package(path).or_else(|| {
            let after = self.folders.partition_point(|(folder, _)| folder.as_str() <= path);
            // The nearest folder before it in order, or one that holds that one.
            let before = self.folders.get(..after)?.iter().rev().take(NESTING_MAX);
            let mut holding = before.filter(|(folder, _)| path.starts_with(folder.as_str()));
            holding.next().map(|(_, name)| name.clone())
        })
    }
}

/// Packages in packages; npm's own trees are this deep at most, and a file that is deeper is taken
/// for nobody's.
const NESTING_MAX: usize = 64;

/// Fills in the owner of each package that has one.
pub(crate) fn assign(packages: &mut [Package]) {
    let of_languages = packages.iter().filter(|package| !package.kind.is_os());
    let owners = Owners::of(of_languages.map(file), packages);
    for package in packages.iter_mut().filter(|package| !package.kind.is_os()) {
        package.owner = owners.os_package(file(package));
    }
}

/// The file of the image, whatever it was found within that.
fn file(package: &Package) -> &str {
    let path = &package.location.path;
    path.split_once("!/").map_or(path, |(file, _)| file)
}
