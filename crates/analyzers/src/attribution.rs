//! In which layer did this version of a package first appear?
//!
//! Each layer that installs anything rewrites the whole database, so the layer a database comes
//! from says nothing of the packages in it. The image is therefore looked at as it was after each
//! layer: a package belongs to the first layer after which it was there and from which on it never
//! went away. It keeps its layer when a database moves or changes its format, and gets a new one
//! when it was removed and installed again.

use foldhash::{HashMap, HashMapExt};
use model::PackageKind;

use crate::facts::Installed;
use crate::path_set::PathHash;
use crate::survey::{Sighting, Survey};
use crate::view::Stack;

/// What makes two entries of databases the same package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity<'a> {
    kind: PackageKind,
    name: &'a str,
    version: &'a str,
    architecture: &'a str,
    /// Where it was found, unless there is one of it whichever files say so: the same library may
    /// well be in ten places.
    place: Option<(PathHash, &'a str)>,
}

impl<'a> Identity<'a> {
    pub(crate) fn of(installed: &'a Installed, path: &str) -> Self {
        let Installed { package, within, .. } = installed;
        Self {
            kind: package.kind,
            name: &package.name,
            version: &package.version,
            architecture: &package.architecture,
            place: (!is_once(package.kind)).then(|| (PathHash::of(path), within.as_str())),
        }
    }
}

/// Packages of the operating system are installed once, and so are components of Bitnami images,
/// which a list and documents of their own name.
fn is_once(kind: PackageKind) -> bool {
    kind.is_os() || kind == PackageKind::Bitnami
}

/// The layer in which each package of the image appeared.
pub(crate) fn appearances<'a>(stack: &Stack<'a>) -> HashMap<Identity<'a>, u32> {
    let mut appeared = HashMap::new();
    let mut before: Vec<(u32, String)> = Vec::new();
    for (index, layer) in (0_u32..).zip(stack.layers()) {
        if !layer.changes_what_matters() {
            continue;
        }
        let top = usize::try_from(index).unwrap_or(usize::MAX).saturating_add(1);
        let survey = Survey::of(&stack.up_to(top));
        let databases: Vec<&Sighting<'a>> = survey.databases().collect();
        let now = databases.iter().map(|file| (file.layer, file.path.clone())).collect();
        if now != before {
            appeared = after(index, &databases, appeared, survey.is_incomplete());
            before = now;
        }
    }
    appeared
}

/// Packages that the layer `index` brought are its own; those that were there before stay with
/// theirs; those that are gone are forgotten, unless a database could not be read.
fn after<'a>(
    index: u32,
    databases: &[&Sighting<'a>],
    mut before: HashMap<Identity<'a>, u32>,
    incomplete: bool,
) -> HashMap<Identity<'a>, u32> {
    let mut now = HashMap::new();
    for database in databases {
        for installed in &database.facts.packages {
            let identity = Identity::of(installed, &database.path);
            let layer = before.remove(&identity).unwrap_or(index);
            now.entry(identity).or_insert(layer);
        }
    }
    if incomplete {
        before.extend(now);
        return before;
    }
    now
}
