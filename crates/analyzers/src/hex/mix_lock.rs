//! Mix's lock file, `mix.lock`: a map of Elixir, by application.
//!
//! `"rope": {:hex, :rope, "1.2.0", inner digest, [:mix], [{:knot, "~> 2.0", […]}], "hexpm",
//! outer digest}`; the outer digest, the SHA-256 of what was published, came with Hex 0.20.

use std::collections::BTreeMap;

use model::{PackageKind, ProblemKind};

use super::terms::{self, Term};
use crate::lock::{self, LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select, integrity};

/// The analyzer `mix-lock`.
pub(crate) struct MixLock;

#[derive(Default)]
struct Locked<'a> {
    name: &'a str,
    /// Empty for a commit.
    version: &'a str,
    digest: &'a str,
    /// Names, and whether they are needed in any case.
    dependencies: Vec<(&'a str, bool)>,
}

impl Analyzer for MixLock {
    fn name(&self) -> &'static str {
        "mix-lock"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "mix.lock" }] }
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
        let members = terms.first().and_then(Term::group).unwrap_or_default();
        let entries = members.iter().zip(members.iter().skip(1));
        let locked: Vec<Locked<'_>> =
            entries.filter_map(|(key, value)| locked(key.name()?, value.group()?)).collect();
        let versions: BTreeMap<&str, &str> =
            locked.iter().map(|locked| (locked.name, locked.version)).collect();
        let mut listing = Listing::new(facts);
        for locked in &locked {
            let mut installed = Installed::declared(PackageKind::Hex, locked.name, locked.version);
            installed.package.hashes.extend(integrity::hexadecimal("sha256", locked.digest));
            let needed = locked.dependencies.iter();
            installed.package.dependencies = needed
                .filter_map(|(name, is_needed)| match versions.get(name) {
                    Some(version) => Some(lock::dependency(name, version)),
                    None => is_needed.then(|| (*name).to_owned()),
                })
                .collect();
            listing.add(installed);
        }
    }
}

/// What stands behind an application.
fn locked<'a>(application: &'a str, tuple: &[Term<'a>]) -> Option<Locked<'a>> {
    match tuple {
        [Term::Word("hex"), name, Term::Text(version), rest @ ..] => {
            let texts = rest.iter().filter(|term| matches!(term, Term::Text(_)));
            let digest = texts.filter_map(Term::name).nth(2).unwrap_or_default();
            let dependencies = rest.iter().filter_map(Term::group).nth(1).unwrap_or_default();
            let dependencies = dependencies.iter().filter_map(|term| dependency(term.group()?));
            let (name, dependencies) = (name.name()?, dependencies.collect());
            Some(Locked { name, version, digest, dependencies })
        }
        [Term::Word("git"), ..] => Some(Locked { name: application, ..Locked::default() }),
        _ => None,
    }
}

/// `{:application, "~> 1.0", [hex: :name, repo: "hexpm", optional: true]}`.
fn dependency<'a>(tuple: &[Term<'a>]) -> Option<(&'a str, bool)> {
    let options = tuple.iter().rev().find_map(Term::group).unwrap_or_default();
    let option = |name: &str| {
        let at = options.iter().position(|term| *term == Term::Word(name))?;
        options.get(at.checked_add(1)?)?.name()
    };
    let name = option("hex").or_else(|| tuple.first()?.name())?;
    Some((name, option("optional") != Some("true")))
}
