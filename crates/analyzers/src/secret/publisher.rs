//! Who publishes a file that holds a secret: then everybody knows it, and it is no secret of whoever
//! built the image.
//!
//! That has to be proven. A file is published by a package that came with the very layer that holds
//! the file: one that the distribution built and whose digest of the file is the file's own, or one
//! that npm took from its public registry into a `node_modules`. What a layer above writes over or
//! beside a package's files nobody published, unless it is the same content once more. An
//! application's own folder publishes nothing, whatever its `package.json` says, and neither does a
//! package that was built in-house, that is for few, or of whose files no digests are kept.

use std::collections::{HashMap, HashSet};

use model::{Os, PackageKind};

use crate::Installed;
use crate::attribution::Identity;
use crate::complete::{ALLOWANCE, Merged, listed_files};
use crate::facts::{FileFacts, LayerFacts, Named, Shipped};
use crate::javascript::npm_package::is_installed_in;
use crate::os::dpkg;
use crate::path_set::PathHash;
use crate::survey::{Sighting, Survey};
use crate::view::{Stack, View};

/// Where an administrator's own settings are: a package owns the files there, and not what people
/// write into them.
const SETTINGS: &str = "etc/";

/// Beginnings of names that npm never packs (npm-packlist's rules, `npm help package-json`), and
/// of settings that belong to a place and not to a package.
const UNPUBLISHED: [&str; 3] = [".env", ".git", ".npmrc"];

/// Publishers of the files of one layer after the other, from the lowest.
pub(super) struct Publishers<'a> {
    /// What was published so far, by path and content.
    known: HashMap<(&'a str, [u8; 32]), String>,
    /// Of the allowance for lists of files, which many packages may share. Beyond it nobody is found to
    /// publish anything, so that no secret is taken for a lesser one.
    left: usize,
}

impl<'a> Publishers<'a> {
    pub(super) fn new() -> Self {
        Self { known: HashMap::new(), left: ALLOWANCE }
    }

    /// The publisher of each of `files` of the layer `index` that has one, by path.
    pub(super) fn of_layer(
        &mut self,
        stack: &Stack<'a>,
        index: u32,
        files: &[(&'a str, &'a FileFacts)],
        os: Option<&Os>,
    ) -> HashMap<&'a str, String> {
        let mut publishers = of_packages(stack, index, files, os, &mut self.left);
        let layer = usize::try_from(index).ok().and_then(|index| stack.layers().get(index));
        for &(path, facts) in files {
            let once_more = || self.known.get(&(path, facts.digest?)).cloned();
            let of_npm = || npm_package(layer?, path);
            let publisher = publishers.remove(path).or_else(of_npm).or_else(once_more);
            if let Some(publisher) = publisher.filter(|_| !path.starts_with(SETTINGS)) {
                if let Some(digest) = facts.digest {
                    self.known.insert((path, digest), publisher.clone());
                }
                publishers.insert(path, publisher);
            }
        }
        publishers
    }
}

/// The distribution's packages that the layer brought, by those of their files that are asked for.
fn of_packages<'a>(
    stack: &Stack<'a>,
    index: u32,
    files: &[(&'a str, &'a FileFacts)],
    os: Option<&Os>,
    left: &mut usize,
) -> HashMap<&'a str, String> {
    let mut owners = HashMap::new();
    let Some(os) = os else { return owners };
    let below = usize::try_from(index).unwrap_or(usize::MAX);
    let view = stack.up_to(below.saturating_add(1));
    let survey = Survey::of(&view);
    let databases: Vec<&Sighting<'a>> =
        survey.databases().filter(|database| database.layer == index).collect();
    if databases.is_empty() {
        return owners;
    }
    let before = identities(stack, below);
    let merged = Merged::of(&view);
    let asked: HashMap<&'a str, Option<u64>> =
        files.iter().map(|(path, facts)| (*path, facts.md5)).collect();
    for database in databases {
        for installed in &database.facts.packages {
            let is_new = !before.contains(&Identity::of(installed, &database.path));
            if !is_new || !installed.package.is_built_by(os) {
                continue;
            }
            let Some(list) = listed_files(installed, &database.place, &view) else { continue };
            let Some(rest) = left.checked_sub(list.size()) else { continue };
            *left = rest;
            let shipped = shipped(installed, &database.place, &view);
            list.for_each(|listed| {
                let Some((&path, digest)) = asked.get_key_value(&*merged.settle(listed)) else {
                    return;
                };
                let Some(rest) = left.checked_sub(shipped.len()) else { return };
                *left = rest;
                let is_it = |shipped: &&Shipped| shipped.path == PathHash::of(listed);
                let shipped = shipped.iter().find(is_it).map(|shipped| shipped.digest);
                if shipped.is_some() && shipped == *digest {
                    owners.insert(path, installed.package.name.clone());
                }
            });
        }
    }
    owners
}

/// The digests of what a package shipped; none where nobody keeps any that we know.
fn shipped<'a>(installed: &Installed, place: &str, view: &View<'_, 'a>) -> &'a [Shipped] {
    let shipped = match installed.package.kind {
        PackageKind::Deb => dpkg::shipped(&installed.package, place, view),
        _ => None,
    };
    shipped.unwrap_or_default()
}

/// All that was installed in the lowest `top` layers.
fn identities<'a>(stack: &Stack<'a>, top: usize) -> HashSet<Identity<'a>> {
    let survey = Survey::of(&stack.up_to(top));
    let of_database = |database: &Sighting<'a>| {
        let path = database.path.clone();
        let packages = database.facts.packages.iter();
        packages.map(move |installed| Identity::of(installed, &path)).collect::<Vec<_>>()
    };
    survey.databases().flat_map(of_database).collect()
}

/// The package whose folder in `node_modules` is the nearest around a file, if the layer brought
/// it and everybody can have it.
fn npm_package(layer: &LayerFacts, path: &str) -> Option<String> {
    let (_, name) = path.rsplit_once('/')?;
    if UNPUBLISHED.iter().any(|begin| name.starts_with(begin)) || path.contains("/.git/") {
        return None;
    }
    let mut folder = path;
    while let Some((above, _)) = folder.rsplit_once('/') {
        folder = above;
        if is_installed_in(folder) {
            let manifest = named(layer, &format!("{folder}/package.json"))?;
            if !manifest.is_public || !is_downloaded(layer, folder, manifest) {
                return None;
            }
            let packages = manifest.packages.iter().map(|installed| &installed.package);
            let mut of_npm = packages.filter(|package| package.kind == PackageKind::Npm);
            return of_npm.next().map(|package| package.name.clone());
        }
    }
    None
}

/// Whether npm took the package in a folder from its registry, by the manifest or by what npm wrote
/// into one of the `node_modules` around it.
fn is_downloaded(layer: &LayerFacts, folder: &str, manifest: &FileFacts) -> bool {
    let hash = PathHash::of(folder);
    manifest.downloaded.holds(hash)
        || folder.match_indices("node_modules/").any(|(at, modules)| {
            let around = folder.get(..at.saturating_add(modules.len())).unwrap_or_default();
            let lock = named(layer, &format!("{around}.package-lock.json"));
            lock.is_some_and(|lock| lock.downloaded.holds(hash))
        })
}

/// What the layer says about the file at `path`.
fn named<'a>(layer: &'a LayerFacts, path: &str) -> Option<&'a FileFacts> {
    match layer.entries.get(path)? {
        Named::Found(facts) | Named::File(Some(facts)) => Some(facts),
        _ => None,
    }
}
