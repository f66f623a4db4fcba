//! Rebar's lock file, `rebar.lock`: terms of Erlang (rebar3.org, "Dependencies: lock files").
//!
//! ```text
//! {"1.2.0",
//! [{<<"rope">>,{pkg,<<"rope">>,<<"1.2.0">>},0}]}.
//! [{pkg_hash,[…]},
//! {pkg_hash_ext,[{<<"rope">>, <<"SHA-256 of what was published">>}]}].
//! ```

use std::collections::BTreeMap;

use model::{PackageKind, ProblemKind};

use super::terms::{self, Term};
use crate::lock::{LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select, integrity};

/// The analyzer `rebar-lock`.
pub(crate) struct RebarLock;

impl Analyzer for RebarLock {
    fn name(&self) -> &'static str {
        "rebar-lock"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "rebar.lock" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let text = file.text();
        let (terms, error) = terms::parse(&text);
        if let Some(error) = error {
            facts.problem(ProblemKind::Damaged, error);
        }
        let mut groups = Vec::new();
        gather(&terms, &mut groups);
        let digests = digests(&groups);
        let mut listing = Listing::new(facts);
        for group in &groups {
            let [Term::Text(application), Term::Group(source), ..] = group else { continue };
            let (name, version) = match source.as_slice() {
                [Term::Word("pkg"), Term::Text(name), Term::Text(version), ..] => (name, version),
                [Term::Word("git" | "hg"), ..] => (application, &""),
                _ => continue,
            };
            let mut installed = Installed::declared(PackageKind::Hex, name, version);
            let digest = digests.get(application);
            let digest = digest.and_then(|digest| integrity::hexadecimal("sha256", digest));
            installed.package.hashes.extend(digest);
            listing.add(installed);
        }
    }
}

/// All groups, the outer ones first. How deep they nest was bounded when they were read.
fn gather<'t, 'a>(terms: &'t [Term<'a>], groups: &mut Vec<&'t [Term<'a>]>) {
    for group in terms.iter().filter_map(Term::group) {
        groups.push(group);
        gather(group, groups);
    }
}

/// The digests of what was published, by application.
fn digests<'a>(groups: &[&[Term<'a>]]) -> BTreeMap<&'a str, &'a str> {
    let lists = groups.iter().filter_map(|group| match group {
        [Term::Word("pkg_hash_ext"), Term::Group(list), ..] => Some(list),
        _ => None,
    });
    let pairs = lists.flatten().filter_map(|pair| match pair.group()? {
        [Term::Text(application), Term::Text(digest)] => Some((*application, *digest)),
        _ => None,
    });
    pairs.collect()
}
