//! Where a package of a lock file came from, and whether that is npm's registry: advisories speak of what
//! is there, and what comes from elsewhere only shares a name with it.
//!
//! Registries of companies are of two kinds that look alike: mirrors, which hand out what is public as well,
//! and those for packages of a scope. npm asks the one registry for all that is not of a scope, so where some
//! packages come from npm's own, another one is no mirror of it.

use std::collections::{BTreeMap, BTreeSet};

use model::{Basis, Package, ProblemKind, Purl};

use super::specifier;
use crate::FileFacts;

/// npm's registry, Yarn's alias of it, and mirrors of the whole that everybody may use.
const PUBLIC: &[&str] = &[
    "registry.npmjs.org",
    "registry.yarnpkg.com",
    "registry.npmmirror.com",
    "registry.npm.taobao.org",
    "registry.nlark.com",
    "r.cnpmjs.org",
];

/// Registries that do not call their archives as npm's does, `/name/-/name-1.0.0.tgz`.
const REGISTRIES: &[&str] = &["npm.pkg.github.com", "npm.jsr.io"];

/// Hosts that are named in a notice.
const HOSTS_MAX: usize = 5;

/// What tells where a package came from.
pub(super) enum Origin {
    /// npm's registry, or a mirror of it, or nothing is said.
    Public,
    /// A folder of the repository itself.
    Own,
    /// Anything else, with what a package URL says of it.
    Elsewhere(BTreeMap<String, String>),
}

/// The origins of a whole lock file.
pub(super) struct Origins {
    /// Whether packages come from npm's registry.
    has_public: bool,
    hosts: BTreeSet<String>,
    count: usize,
    mirrors: BTreeSet<String>,
    mirrored: usize,
}

impl Origins {
    pub(super) fn new(has_public: bool) -> Self {
        let (hosts, mirrors) = (BTreeSet::new(), BTreeSet::new());
        Self { has_public, hosts, count: 0, mirrors, mirrored: 0 }
    }

    /// Of a lock file that has these addresses.
    pub(super) fn of<'a>(mut addresses: impl Iterator<Item = &'a str>) -> Self {
        Self::new(addresses.any(|address| PUBLIC.contains(&host(address))))
    }

    /// Of a package that came from an address; an empty one says nothing.
    pub(super) fn origin(&self, address: &str) -> Origin {
        let is_local = ["file:", "link:", "portal:", "workspace:"];
        if is_local.iter().any(|way| address.starts_with(way)) {
            let address = address.split(['#', ':']).nth(1).unwrap_or_default();
            let is_archive = specifier::is_address(address);
            return if is_archive { Origin::Elsewhere(BTreeMap::new()) } else { Origin::Own };
        }
        let host = host(address);
        if address.is_empty() || PUBLIC.contains(&host) {
            return Origin::Public;
        }
        let is_web = address.starts_with("http://") || address.starts_with("https://");
        let is_registry = is_web && (address.contains("/-/") || REGISTRIES.contains(&host));
        if is_registry && !self.has_public {
            return Origin::Public;
        }
        let is_repository = address.split(['#', '?']).next().is_some_and(|it| it.ends_with(".git"));
        let told = match (is_registry, is_web && !is_repository) {
            (true, _) => ("repository_url", format!("https://{host}")),
            (_, true) => ("download_url", plain(address)),
            // An archive of the repository.
            _ if !address.contains(':') => return Origin::Elsewhere(BTreeMap::new()),
            _ => ("vcs_url", plain(address)),
        };
        Origin::Elsewhere(BTreeMap::from([(told.0.to_owned(), told.1)]))
    }

    /// Takes note of a package that is listed, and says of it where it is from.
    pub(super) fn note(&mut self, address: &str, package: &mut Package) {
        let host = host(address);
        match self.origin(address) {
            Origin::Elsewhere(told) => {
                package.basis = Basis::Elsewhere;
                package.variant = told;
                self.count = self.count.saturating_add(1);
                self.hosts.insert(host.to_owned());
            }
            Origin::Public if !host.is_empty() && !PUBLIC.contains(&host) => {
                self.mirrored = self.mirrored.saturating_add(1);
                self.mirrors.insert(host.to_owned());
            }
            Origin::Public | Origin::Own => {}
        }
    }

    /// Says what is not taken for the public package of its name, and what is.
    pub(super) fn tell(self, facts: &mut FileFacts) {
        if self.count > 0 {
            let message = format!(
                "packages not from npm's registry, which are not held against what is known of those of \
                 the same name: {}{}",
                self.count,
                named(&self.hosts)
            );
            facts.problem(ProblemKind::Notice, message);
        }
        if self.mirrored > 0 {
            let message = format!(
                "packages from a registry that is taken for a mirror of npm's: {}{}",
                self.mirrored,
                named(&self.mirrors)
            );
            facts.problem(ProblemKind::Notice, message);
        }
    }
}

/// ` (a, b, …)`; nothing for none.
fn named(hosts: &BTreeSet<String>) -> String {
    let mut shown: Vec<&str> =
        hosts.iter().map(String::as_str).filter(|it| !it.is_empty()).collect();
    if shown.len() > HOSTS_MAX {
        shown.truncate(HOSTS_MAX);
        shown.push("…");
    }
    if shown.is_empty() { String::new() } else { format!(" ({})", shown.join(", ")) }
}

/// The host of an address, without who logs in there; empty where there is none.
fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// An address without a password and what follows a question mark: both may be secrets.
fn plain(address: &str) -> String {
    let (before, after) = address.split_once('#').unwrap_or((address, ""));
    let before = before.split('?').next().unwrap_or_default();
    let host = host(before);
    let path = before.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    let whole = match (before.split_once("://"), path) {
        (Some((way, _)), Some((_, path))) => format!("{way}://{host}/{path}"),
        (Some((way, _)), None) => format!("{way}://{host}"),
        (None, _) => before.to_owned(),
    };
    // A package URL has the commit behind an at sign.
    if after.is_empty() {
        whole
    } else {
        format!("{whole}@{}", after.trim_start_matches("commit="))
    }
}

/// Where Berry says in a resolution that a package came from: `npm:1.0.0::__archiveUrl=…`, or another way.
pub(super) fn of_resolution(reference: &str) -> String {
    let (way, bound) = reference.split_once("::").unwrap_or((reference, ""));
    let url = bound.split('&').find_map(|pair| pair.strip_prefix("__archiveUrl="));
    match url {
        Some(url) => Purl::unescape(url),
        None if way.starts_with("npm:") || way.starts_with("patch:") => String::new(),
        None => way.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_tell_where_packages_are_from() {
        for (address, mixed, expected) in [
            ("", true, "public"),
            ("https://registry.npmjs.org/a/-/a-1.0.0.tgz", true, "public"),
            ("http://registry.npmjs.org/a/-/a-1.0.0.tgz", true, "public"),
            ("https://registry.npmmirror.com/a/-/a-1.0.0.tgz", true, "public"),
            ("https://npm.acme.corp/a/-/a-1.0.0.tgz", false, "public"),
            (
                "https://u:p@npm.acme.corp/a/-/a-1.0.0.tgz",
                true,
                "repository_url=https://npm.acme.corp",
            ),
            (
                "https://npm.pkg.github.com/download/@a/b/1/0",
                true,
                "repository_url=https://npm.pkg.github.com",
            ),
            ("https://x.org/a.tgz?token=t", false, "download_url=https://x.org/a.tgz"),
            ("git+ssh://git@x.org/a.git#0a1b", false, "vcs_url=git+ssh://x.org/a.git@0a1b"),
            ("https://x.org/a.git#commit=0a1b", true, "vcs_url=https://x.org/a.git@0a1b"),
            ("github:a/b#0a1b", true, "vcs_url=github:a/b@0a1b"),
            (
                "https://codeload.github.com/a/b/tar.gz/0a1b",
                true,
                "download_url=https://codeload.github.com/a/b/tar.gz/0a1b",
            ),
            ("./lib/a.tgz", true, ""),
            ("file:packages/a", false, "own"),
            ("file:./a#./a::hash=1", false, "own"),
            ("portal:../a", false, "own"),
            ("file:lib/a.tgz#0a1b", false, ""),
            ("https://", true, "download_url=https://"),
        ] {
            let told = match Origins::new(mixed).origin(address) {
                Origin::Public => "public".to_owned(),
                Origin::Own => "own".to_owned(),
                Origin::Elsewhere(told) => {
                    told.iter().map(|(key, value)| format!("{key}={value}")).collect()
                }
            };
            assert_eq!(told, expected, "{address}");
        }
    }

    #[test]
    fn resolutions_of_berry_say_where_an_archive_was() {
        for (reference, address) in [
            ("npm:1.0.0", ""),
            ("patch:a@npm%3A1.0.0#./a.patch::version=1.0.0", ""),
            (
                "npm:1.0.0::__archiveUrl=https%3A%2F%2Fnpm.acme.corp%2Fa.tgz",
                "https://npm.acme.corp/a.tgz",
            ),
            ("file:./a::hash=1", "file:./a"),
            ("https://x.org/a.git#commit=0a", "https://x.org/a.git#commit=0a"),
        ] {
            assert_eq!(of_resolution(reference), address, "{reference}");
        }
    }
}
