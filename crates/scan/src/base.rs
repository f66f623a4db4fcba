//! What an image was built on, and what a newer one of that would change.
//!
//! Known is what was scanned before under a name. An image is a base if all its layers are the lowest
//! layers of this one and this one has more; a newer base is one that later had the base's very name,
//! for the same platform. Nothing is guessed from tags, labels or commands, and nothing is fetched.

use std::collections::BTreeSet;

use advisories::Store;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::{
    Artifact, ArtifactKind, Base, BaseChange, Basis, Digest, Finding, ImageRef, Inventory,
    NewerBase, Package, PathList,
};

use crate::cache::{Cache, Seen};
use crate::{Options, ScanResult};

/// Keeps what is needed to know an image again as what another one was built on. What an archive
/// calls itself anybody may have written, so only what registries and engines name is kept.
pub(crate) fn remember(artifact: &Artifact, inventory: &Inventory, cache: &Cache) {
    use ArtifactKind::{Containerd, Docker, Podman, Registry};
    let is_whole = !inventory.problems.iter().any(|problem| problem.kind.makes_incomplete());
    let is_named = matches!(artifact.kind, Registry | Docker | Containerd | Podman);
    let (Some(digest), Some(diff_ids)) = (&artifact.digest, diff_ids(artifact)) else { return };
    let Some(name) = name(&artifact.name).filter(|_| is_whole && is_named) else { return };
    cache.store_image(&Seen {
        name,
        digest: digest.clone(),
        platform: platform(artifact),
        created: artifact.created.clone(),
        diff_ids,
        os: inventory.os.clone(),
        repositories: inventory.repositories.clone(),
        packages: inventory.packages.iter().map(slim).collect(),
    });
}

/// The base of what was scanned, if it is known; with what a newer one would change, if that is.
pub(crate) fn find(
    result: &ScanResult,
    cache: &Cache,
    options: &Options,
    store: &Store,
) -> Option<Base> {
    let artifact = &result.artifact;
    let diff_ids = diff_ids(artifact)?;
    let platform = platform(artifact);
    let is_below = |seen: &Seen| {
        let is_lower = seen.diff_ids.len() < diff_ids.len();
        is_lower && diff_ids.starts_with(&seen.diff_ids) && seen.platform == platform
    };
    let below = cache.images_on(diff_ids.first()?).into_iter().filter(is_below);
    // Of several with the same layers the first made: others add settings to it alone.
    let base = below.min_by_key(|seen| {
        let layers = std::cmp::Reverse(seen.diff_ids.len());
        (layers, time(seen.created.as_deref()), seen.name.clone(), seen.digest.clone())
    })?;
    let layers = u32::try_from(base.diff_ids.len()).ok()?;
    let newer = newer(&base, cache, artifact.digest.as_ref());
    let newer = newer.and_then(|newer| {
        Some(NewerBase {
            change: change(result, layers, &newer, options, store),
            digest: newer.digest,
            created: newer.created?,
        })
    });
    Some(Base { name: base.name, digest: base.digest, created: base.created, layers, newer })
}

/// The newest image that went by the name of this one.
fn newer(base: &Seen, cache: &Cache, own: Option<&Digest>) -> Option<Seen> {
    let made = time(base.created.as_deref())?;
    let named = cache.images_named(&base.name, &base.platform).into_iter();
    let later = named.filter(|seen| {
        let is_later = time(seen.created.as_deref()).is_some_and(|it| it > made);
        is_later && seen.digest != base.digest && Some(&seen.digest) != own
    });
    later.max_by_key(|seen| (time(seen.created.as_deref()), seen.digest.clone()))
}

/// Compares the findings in the base's layers with those of the newer base, by advisories that are
/// at hand; none where that would be half the truth.
fn change(
    result: &ScanResult,
    layers: u32,
    newer: &Seen,
    options: &Options,
    store: &Store,
) -> Option<BaseChange> {
    let mut inventory = Inventory {
        os: options.distro.clone().or_else(|| newer.os.clone()),
        packages: newer.packages.clone(),
        repositories: newer.repositories.clone(),
        ..Inventory::default()
    };
    // Both sides go by the same names.
    let unread = matcher::identify(&mut inventory, store);
    let today = options.now.to_zoned(TimeZone::UTC).date();
    let how = matcher::Options { today, declared: options.declared };
    let is_stopped = || options.artifact.stop.is_stopped();
    let there = matcher::findings(&inventory, store, how, &is_stopped);
    let mut problems = there.problems.iter().chain(&result.problems).chain(&unread);
    if problems.any(|problem| problem.kind.makes_incomplete()) {
        return None;
    }
    let is_base = |it: &&Finding| it.package.location.layer.is_some_and(|index| index < layers);
    let here: Vec<&Finding> = result.findings.iter().filter(is_base).collect();
    let there: Vec<&Finding> = there.findings.iter().collect();
    Some(BaseChange { fixes: without(&here, &there), brings: without(&there, &here) })
}

/// The findings of one side that the other has under none of their names.
fn without(findings: &[&Finding], others: &[&Finding]) -> Vec<(String, String)> {
    let known: BTreeSet<_> = others.iter().flat_map(|other| names(other)).collect();
    let is_known = |it: &Finding| names(it).any(|name| known.contains(&name));
    let lacking = findings.iter().filter(|it| !is_known(it));
    lacking.map(|it| (it.id.clone(), it.package.name.clone())).collect()
}

fn names(finding: &Finding) -> impl Iterator<Item = (&str, &str, &str)> {
    let package = &finding.package;
    let ids = std::iter::once(&finding.id).chain(&finding.aliases);
    ids.map(|id| (package.kind.name(), package.name.as_str(), id.as_str()))
}

/// The full name of an image; None for one that is meant by its digest, which never changes.
fn name(name: &str) -> Option<String> {
    let image: ImageRef = name.parse().ok()?;
    image.digest().is_none().then(|| image.to_string())
}

/// None unless all are known.
fn diff_ids(artifact: &Artifact) -> Option<Vec<Digest>> {
    if !artifact.kind.has_layers() {
        return None;
    }
    artifact.layers.iter().map(|layer| layer.diff_id.clone()).collect()
}

fn platform(artifact: &Artifact) -> String {
    artifact.platform.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn time(created: Option<&str>) -> Option<Timestamp> {
    created?.parse().ok()
}

/// A package as far as advisories ask for it.
fn slim(package: &Package) -> Package {
    let (files, dependencies) = (PathList::default(), Vec::new());
    // Where the name is a guess, an index may know better by the digest.
    let is_guessed = package.basis == Basis::FileName;
    let hashes = if is_guessed { package.hashes.clone() } else { Vec::new() };
    Package { files, dependencies, hashes, ..package.clone() }
}
