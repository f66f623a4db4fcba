//! Which entry of an index an engine takes: containerd, Docker with either of its stores, Podman.
//!
//! They agree about honest indexes. About others they do not: about entries marked as something
//! else than an image, without a platform, for a variant, within a further index, compressed
//! otherwise. Who scans another entry than the one that runs is deceived, so what each does is done
//! here after it: containerd's `images.Manifest` with `platforms.Only`, the two ways of Docker's
//! daemon, the `ChooseInstance` of Podman's library. Nothing here may guess: an engine that would
//! fail takes nothing.

use std::cmp::Reverse;

use model::Platform;

use super::search::{self, Listed, Node, Search};
use super::{DescribedPlatform, Descriptor};
use crate::OpenError;

/// What is marked so does not exist for Docker's newer store, whatever stands there.
const REFERENCE_TYPE: &str = "vnd.docker.reference.type";
/// Of images for one platform newer versions of Podman take one that says so first.
const ZSTD: &str = "io.github.containers.compression.zstd";
/// The levels of x86-64 of which Docker finds out the machine's.
const LEVELS: [&str; 3] = ["v2", "v3", "v4"];

/// How an engine chooses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// The best entry, and of that, where it is an index, the best again. What has no platform
    /// comes last, and then what it leads to has to be for the platform.
    Best { strict_features: bool },
    /// The same, but the next one is tried if an index leads nowhere, and what has no platform is
    /// taken as it is.
    Each,
    /// The best entry, and if that is marked, the best of all manifests that are not, however deep.
    Unmarked,
    /// What says the very words of the platform, then what has none; no index.
    Words { prefers_zstd: bool },
}

/// An engine on a machine.
pub(super) struct Engine {
    pub(super) name: String,
    rule: Rule,
    wanted: Platform,
    /// The platforms it takes, the best first.
    order: Vec<Platform>,
}

/// The engines, the one that is followed first. `wanted` is None where nobody asked for a platform:
/// then Docker and Podman look at the machine more closely than containerd.
pub(super) fn engines(wanted: Option<&Platform>) -> Vec<Engine> {
    let platform = wanted.cloned().unwrap_or_else(Platform::host).normal();
    let is_asked = wanted.is_some();
    let engine = |name: &str, rule, wanted: &Platform| {
        let order = match rule {
            Rule::Words { .. } => words(wanted, is_asked),
            _ => order(wanted),
        };
        Engine { name: name.to_owned(), rule, wanted: wanted.clone(), order }
    };
    let best = |strict_features| Rule::Best { strict_features };
    let mut engines = vec![
        engine("containerd", best(false), &platform),
        engine("Docker", Rule::Each, &platform),
        engine("Podman", Rule::Words { prefers_zstd: false }, &platform),
        engine("newer Podman", Rule::Words { prefers_zstd: true }, &platform),
        engine("newer containerd", best(true), &platform),
        engine("Docker with containerd's store", Rule::Unmarked, &platform),
    ];
    if wanted.is_none() && platform.architecture == "amd64" {
        engines.extend(LEVELS.map(|level| {
            let machine = Platform { variant: Some(level.to_owned()), ..platform.clone() };
            engine(&format!("Docker on {machine}"), Rule::Each, &machine)
        }));
    }
    engines
}

impl Engine {
    /// What this engine runs of what an index leads to; None if it would fail.
    pub(super) fn choose(
        &self,
        nodes: &[Node],
        search: &mut Search<'_, '_>,
    ) -> Result<Option<Listed>, OpenError> {
        let found = match self.rule {
            Rule::Best { .. } => self.best(nodes, search)?,
            Rule::Each => self.each(nodes),
            Rule::Unmarked => match self.best(nodes, search)? {
                Some(best) if best.entry.annotation(REFERENCE_TYPE).is_some() => {
                    self.unmarked(nodes)
                }
                best => best,
            },
            Rule::Words { prefers_zstd } => self.by_words(nodes, prefers_zstd),
        };
        let Some(found) = found else { return Ok(None) };
        // What is marked as something else is that, more often than not, and fails where it runs.
        if !found.entry.is_choice() && !search.may_run(&found.entry)? {
            return Ok(None);
        }
        found.listed(search)
    }

    fn best<'n>(
        &self,
        nodes: &'n [Node],
        search: &mut Search<'_, '_>,
    ) -> Result<Option<&'n Node>, OpenError> {
        let Some(&best) = self.ranked(nodes).first() else { return Ok(None) };
        match &best.inner {
            Some(inner) => self.best(inner, search),
            None if !best.entry.is_manifest() => Ok(None),
            None if best.entry.platform.is_some() => Ok(Some(best)),
            None => {
                let facts = search.facts(&best.entry)?;
                let is_for_us = facts.is_some_and(|it| self.place(&it.platform).is_some());
                Ok(is_for_us.then_some(best))
            }
        }
    }

    fn each<'n>(&self, nodes: &'n [Node]) -> Option<&'n Node> {
        self.ranked(nodes).into_iter().find_map(|node| match &node.inner {
            Some(inner) => self.each(inner),
            None => Some(node),
        })
    }

    fn unmarked<'n>(&self, nodes: &'n [Node]) -> Option<&'n Node> {
        let mut leaves = Vec::new();
        search::leaves(nodes, &mut leaves);
        let fit = leaves.into_iter().filter_map(|node| {
            let said = node.entry.platform.as_ref()?;
            node.entry.annotation(REFERENCE_TYPE).is_none().then_some(())?;
            Some((self.place(&said.read())?, node))
        });
        // The first of equals: `min_by_key` gives that.
        fit.min_by_key(|(place, _)| *place).map(|(_, node)| node)
    }

    fn by_words<'n>(&self, nodes: &'n [Node], prefers_zstd: bool) -> Option<&'n Node> {
        let fit = nodes.iter().filter_map(|node| {
            let place = match &node.entry.platform {
                None => usize::MAX,
                Some(said) => self.order.iter().position(|it| said.is_literally(it))?,
            };
            let is_zstd = prefers_zstd && node.entry.annotation(ZSTD) == Some("true");
            Some(((place, Reverse(is_zstd)), node))
        });
        let (_, node) = fit.min_by_key(|(place, _)| *place)?;
        node.inner.is_none().then_some(node)
    }

    /// The entries that this engine takes, the best first, those without a platform last.
    fn ranked<'n>(&self, nodes: &'n [Node]) -> Vec<&'n Node> {
        let mut fit: Vec<(usize, &Node)> =
            nodes.iter().filter_map(|node| Some((self.rank(&node.entry)?, node))).collect();
        fit.sort_by_key(|(rank, _)| *rank);
        fit.into_iter().map(|(_, node)| node).collect()
    }

    fn rank(&self, entry: &Descriptor) -> Option<usize> {
        let Some(said) = &entry.platform else { return Some(usize::MAX) };
        // Docker cannot tell a platform without anything in it from none.
        if self.rule == Rule::Each && said.is_empty() {
            return Some(usize::MAX);
        }
        if self.rule == (Rule::Best { strict_features: true }) && said.has_features() {
            return None;
        }
        self.place(&said.read())
    }

    /// The place of a platform among those that this engine takes.
    fn place(&self, platform: &Platform) -> Option<usize> {
        let normal = platform.normal();
        self.order.iter().position(|it| *it == normal)
    }

    /// Whether an image for this platform is what was asked for.
    pub(super) fn is_asked_for(&self, platform: Option<&Platform>) -> bool {
        platform.is_none_or(|it| it.satisfies(&self.wanted))
    }
}

impl DescribedPlatform {
    /// As containerd reads it: who names no system means the machine's.
    fn read(&self) -> Platform {
        let os = if self.os.is_empty() { "linux" } else { &self.os };
        let (architecture, variant) = (self.architecture.clone(), self.variant.clone());
        Platform { os: os.to_owned(), architecture, variant }.normal()
    }

    fn is_empty(&self) -> bool {
        let Self { os, architecture, variant, os_features } = self;
        let has_variant = variant.as_ref().is_some_and(|it| !it.is_empty());
        os.is_empty() && architecture.is_empty() && !has_variant && os_features.is_none()
    }

    fn has_features(&self) -> bool {
        self.os_features.as_ref().is_some_and(|it| !it.is_empty())
    }

    fn is_literally(&self, platform: &Platform) -> bool {
        let variant = self.variant.as_deref().unwrap_or_default();
        self.os == platform.os
            && self.architecture == platform.architecture
            && variant == platform.variant.as_deref().unwrap_or_default()
    }
}

/// The platforms whose images run where `wanted` is asked for, the best first, in normal form
/// (containerd's `platforms.Only`).
fn order(wanted: &Platform) -> Vec<Platform> {
    let with = |architecture: &str, variant: Option<String>| {
        let (os, architecture) = (wanted.os.clone(), architecture.to_owned());
        Platform { os, architecture, variant }.normal()
    };
    let mut order = vec![wanted.normal()];
    let variant = wanted.variant.as_deref().unwrap_or_default();
    let numbered = |number: u8| Some(format!("v{number}"));
    let level = variant.strip_prefix('v').and_then(|it| it.parse::<u8>().ok());
    match wanted.architecture.as_str() {
        "amd64" => {
            let below = (1..level.unwrap_or(1)).rev();
            order.extend(below.map(|level| with("amd64", numbered(level))));
            order.push(with("386", None));
        }
        "arm" => {
            order.extend((5..level.unwrap_or(5)).rev().map(|level| with("arm", numbered(level))));
        }
        "arm64" => {
            order.extend(arm64_below(variant).into_iter().map(|it| with("arm64", Some(it))));
            order.extend((5..=8).rev().map(|level| with("arm", numbered(level))));
        }
        _ => {}
    }
    order
}

/// The variants of arm64 that a machine of this one runs besides.
fn arm64_below(variant: &str) -> Vec<String> {
    let (major, minor) = variant.split_once('.').unwrap_or((variant, "0"));
    let minor: u8 = minor.parse().unwrap_or(0).min(9);
    let named = |major: u8, minor: u8| match minor {
        0 => format!("v{major}"),
        _ => format!("v{major}.{minor}"),
    };
    let down = |major, minors: std::ops::Range<u8>| minors.rev().map(move |it| named(major, it));
    match major {
        // What v9.0 has is what v8.5 has.
        "v9" => down(9, 0..minor).chain(down(8, 0..minor.saturating_add(6))).collect(),
        "v8" => down(8, 0..minor).collect(),
        _ => Vec::new(),
    }
}

/// The platforms that Podman looks for, word by word, the best first.
fn words(wanted: &Platform, is_asked: bool) -> Vec<Platform> {
    let variant = wanted.variant.as_deref();
    let variants: Vec<Option<&str>> = match (wanted.architecture.as_str(), variant) {
        ("arm64", None) if is_asked => vec![None, Some("v8")],
        ("arm64", None) => vec![Some("v8"), None],
        ("arm", Some("v7")) => vec![Some("v7"), Some("v6"), Some("v5"), None],
        ("arm", Some("v6")) => vec![Some("v6"), Some("v5"), None],
        (_, None) => vec![None],
        (_, variant) => vec![variant, None],
    };
    let with =
        |variant: Option<&str>| Platform { variant: variant.map(str::to_owned), ..wanted.clone() };
    variants.into_iter().map(with).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_where() {
        let cases = [
            ("linux/amd64", "linux/amd64 linux/386"),
            ("linux/amd64/v3", "linux/amd64/v3 linux/amd64/v2 linux/amd64 linux/386"),
            ("linux/arm/v7", "linux/arm/v7 linux/arm/v6 linux/arm/v5"),
            ("linux/arm/v5", "linux/arm/v5"),
            ("linux/arm64", "linux/arm64 linux/arm/v8 linux/arm/v7 linux/arm/v6 linux/arm/v5"),
            ("linux/riscv64", "linux/riscv64"),
        ];
        for (wanted, expected) in cases {
            let wanted: Platform = wanted.parse().unwrap();
            let order: Vec<String> = order(&wanted).iter().map(ToString::to_string).collect();
            assert_eq!(order.join(" "), expected, "{wanted}");
        }
        assert_eq!(arm64_below("v9"), ["v8.5", "v8.4", "v8.3", "v8.2", "v8.1", "v8"]);
        assert_eq!(arm64_below("v8.1"), ["v8"]);
        assert!(arm64_below("v300.77777").is_empty());
    }
}
