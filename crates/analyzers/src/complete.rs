//! What other files say of a package: which files it has, and under which licence.
//!
//! It stands in a `.list` or a `copyright` beside the database, or in the database itself; `squash.rs` has
//! both together for the first time. Any number of packages may name one such file, so all that is taken
//! from them has an allowance: an image's packages never get more than all its layers may tell.

use std::borrow::Cow;
use std::collections::BTreeSet;

use model::{
    Location, Package, PackageKind, PathList, PathListBuilder, Problem, ProblemKind,
    SPELLED_BYTES_MAX,
};

use crate::facts::Installed;
use crate::os::dpkg;
use crate::select::MERGED;
use crate::survey::Sighting;
use crate::view::{Resolved, View};

/// What the lists and licences of all packages of an image may be counted as ([`PathList::size`]): as much
/// as the facts of all layers that a scan keeps, in which each is counted once. So an image whose packages
/// share none is never cut here, and one that would have gigabytes of paths takes the work of 768 MiB. A
/// development machine with 913 packages takes 2.4 MiB.
pub(crate) const ALLOWANCE: usize = 48 << 20;

/// Problems of lists that are told: a thousand lists of one maker tell nothing new.
const PROBLEMS_MAX: usize = 100;

/// Completes the packages of one image.
pub(crate) struct Completing<'v, 's, 'a> {
    view: &'v View<'s, 'a>,
    merged: Merged,
    left: usize,
    /// What could not be read of lists that only their packages name.
    problems: BTreeSet<Problem>,
    /// The first database, with its layer, and how many packages could not be completed.
    incomplete: Option<(String, u32, usize)>,
}

impl<'v, 's, 'a> Completing<'v, 's, 'a> {
    pub(crate) fn new(view: &'v View<'s, 'a>) -> Self {
        Self {
            view,
            merged: Merged::of(view),
            left: ALLOWANCE,
            problems: BTreeSet::new(),
            incomplete: None,
        }
    }

    /// The package with everything that other files say of it.
    pub(crate) fn complete(
        &mut self,
        installed: &'a Installed,
        location: Location,
        database: &Sighting<'a>,
    ) -> Package {
        let mut package = Package { location, ..installed.package.clone() };
        let mut is_complete = true;
        if package.kind == PackageKind::Deb {
            let license = dpkg::license(&package.name, self.view);
            match self.takes(license.len()) {
                true => license.clone_into(&mut package.license),
                false => is_complete = false,
            }
            if self.problems.len() < PROBLEMS_MAX {
                self.problems.extend(dpkg::list_problems(&package, &database.place, self.view));
            }
        }
        if let Some(list) = listed_files(installed, &database.place, self.view) {
            match self.takes(list.size()) {
                true => package.files = settled(list, &self.merged),
                false => is_complete = false,
            }
        }
        if !is_complete {
            let first = || (database.path.clone(), database.layer, 0);
            let (_, _, count) = self.incomplete.get_or_insert_with(first);
            *count = count.saturating_add(1);
        }
        package
    }

    fn takes(&mut self, size: usize) -> bool {
        let left = self.left.checked_sub(size);
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }

    /// What could not be read, and whether the allowance was not enough.
    pub(crate) fn problems(mut self) -> impl Iterator<Item = Problem> {
        let problems = std::mem::take(&mut self.problems);
        problems.into_iter().chain(self.beyond())
    }

    fn beyond(self) -> Option<Problem> {
        let (database, layer, count) = self.incomplete?;
        let message = format!(
            "files or licences of {count} packages are not known: those of all packages together are more \
             than {} MiB",
            ALLOWANCE >> 20
        );
        Some(Problem::new(ProblemKind::LimitReached, database, message).in_layer(layer))
    }
}

/// The files of a package, as the database at `place` or one beside it lists them.
pub(crate) fn listed_files<'a>(
    installed: &'a Installed,
    place: &str,
    view: &View<'_, 'a>,
) -> Option<&'a PathList> {
    match installed.package.kind {
        PackageKind::Deb => dpkg::files(&installed.package, place, view),
        _ => Some(&installed.files),
    }
}

/// A list with the paths as they are in the image, in order.
fn settled(list: &PathList, merged: &Merged) -> PathList {
    let mut settled = PathListBuilder::within(SPELLED_BYTES_MAX);
    list.for_each(|path| settled.push(&merged.settle(path)));
    // Lists mostly are in order already.
    if settled.is_sorted() {
        return settled.finish().0;
    }
    let mut paths: Vec<Box<str>> = Vec::new();
    list.for_each(|path| paths.push(merged.settle(path).into()));
    paths.sort_unstable();
    paths.dedup();
    paths.iter().map(|path| &**path).collect()
}

/// Where the directories at the root that merged into `usr` really are: package lists still say
/// `lib/…` where `lib` has long been a link to `usr/lib`.
pub(crate) struct Merged {
    directories: Vec<(&'static str, String)>,
}

impl Merged {
    pub(crate) fn of(view: &View<'_, '_>) -> Self {
        let settled = |directory: &'static str| match view.resolve(directory) {
            Resolved::Place(at) if at != directory && !at.is_empty() => Some((directory, at)),
            _ => None,
        };
        Self { directories: MERGED.into_iter().filter_map(settled).collect() }
    }

    pub(crate) fn settle<'p>(&self, path: &'p str) -> Cow<'p, str> {
        for (directory, target) in &self.directories {
            if let Some(rest) = path.strip_prefix(directory).and_then(|r| r.strip_prefix('/')) {
                return format!("{target}/{rest}").into();
            }
        }
        path.into()
    }
}
