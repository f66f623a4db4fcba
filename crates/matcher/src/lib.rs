//! Hold advisories against an inventory: findings with evidence.
//!
//! The story, in the order in which a scan tells it:
//!
//! ```text
//! identify       archives by their digest               identify
//! needs          which streams must be at hand      distro, ecosystem (who speaks about what)
//! findings       every package against them         voice → judge (scope, tracks, standing) → finding
//! metadata_needs which streams say more of the ids
//! enrich         scores, texts, known exploits      enrich → records (withdrawn, the same under two names)
//! silence        what VEX statements say of that    vex
//! upgrades       what to do about it                upgrades
//! ```
//!
//! A feed states facts in a few fixed forms, and this crate relies on them:
//!
//! - `Fixed` says that versions below the end of a range are affected; a fixed version of `0`
//!   that none ever was.
//! - `Affected` and its like may carry ranges too: a version beyond them is clean although its
//!   own release never announced a fix (Debian's `no-dsa` beside a newer upload).
//! - `NotAffected` silences only what the same publisher says no worse of elsewhere.
//! - A scope that does not match an installed build makes the statement say nothing about it.
//!
//! This crate reads segments and nothing else: no network, no clock; the day comes as an argument.
//! It must never judge whether a finding matters (that is `policy`), and never take silence for
//! safety: a distribution nobody speaks about and a stream that is missing are Problems.

mod distro;
mod ecosystem;
mod enrich;
mod eol;
mod finding;
mod identify;
mod installed;
mod judge;
mod links;
mod malicious;
mod platforms;
mod records;
mod scope;
mod severity;
mod standing;
mod tracks;
mod upgrades;
mod vex;
mod voice;
mod vulnerability;

use std::collections::{BTreeMap, BTreeSet};

use advisories::{SegmentMeta, Store};
use jiff::civil::Date;
use model::{
    Finding, Inventory, Malware, Package, PackageKind, Problem, ProblemKind, Silenced, SilencedBy,
};

pub use ecosystem::compare;
pub use enrich::{Enriched, enrich, metadata_needs};
pub use eol::end_of_life;
pub use identify::identify;
pub use upgrades::{Upgrade, upgrades};
pub use vex::{Told, silence};

use crate::distro::{Own, Plan};
use crate::links::Links;
use crate::voice::{Name, Voice};

/// What must be at hand before an inventory can be matched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Names of streams, in the order in which they are consulted.
    pub streams: Vec<String>,
}

/// What matching gave.
#[derive(Debug, Default)]
pub struct Matched {
    /// One vulnerability on one package each; what to fix first comes first.
    pub findings: Vec<Finding>,
    /// Findings that the package itself answers: the program links none of the vulnerable functions,
    /// or it was built for another platform.
    pub silenced: Vec<Silenced>,
    /// Packages that were made to do harm, sorted.
    pub malware: Vec<Malware>,
    /// What was not matched and why; a release past its end of life.
    pub problems: Vec<Problem>,
    /// The segments that were consulted, in that order.
    pub data: Vec<SegmentMeta>,
}

/// How to match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Decides whether the distribution release is past its end of life.
    pub today: Date,
    /// What lock files and manifests name counts as if it were installed.
    pub declared: bool,
}

/// The streams that say something about this inventory; none for a distribution that nobody
/// publishes advisories for (`findings` says so).
pub fn needs(inventory: &Inventory, declared: bool) -> Needs {
    let (plans, _) = plans(inventory, declared);
    let mut streams: Vec<String> = Vec::new();
    for (stream, _) in plans.into_iter().flat_map(|plan| plan.streams) {
        if !streams.contains(&stream) {
            streams.push(stream);
        }
    }
    Needs { streams }
}

/// Findings of one artifact: twice what 3,000 packages of an old release of Ubuntu have
/// (docs/benchmarks.md), at some 3 KB each. They come to that where many binaries are of one source.
const FINDINGS_MAX: usize = 40_000;

/// Every vulnerability that the store's segments state of the inventory's packages. Up to a limit and until it is
/// stopped, which are problems: what was not held against them is unknown.
pub fn findings(
    inventory: &Inventory,
    store: &Store,
    options: Options,
    is_stopped: &dyn Fn() -> bool,
) -> Matched {
    let (plans, problems) = plans(inventory, options.declared);
    let mut matched = Matched { problems, ..Matched::default() };
    matched.problems.extend(inventory.os.as_ref().and_then(|os| eol::notice(os, options.today)));
    matched.problems.extend(inventory.os.as_ref().and_then(distro::derivative));
    for plan in &plans {
        let packages = ecosystem::packages(plan, inventory);
        let voices = voices(plan, &packages, store, &mut matched);
        matched.problems.extend(ecosystem::untold(plan, &packages, &voices));
        let unread = judge_all(plan, &packages, &voices, &mut matched, is_stopped);
        if let Some(unread) = unread {
            matched.problems.push(unread);
        }
    }
    finding::sort(&mut matched.findings);
    matched.silenced.sort_by(|a, b| finding::order(&a.finding, &b.finding));
    matched.malware.sort_unstable();
    matched
}

/// Whom to ask about which packages, and the packages that nobody can be asked about.
fn plans(inventory: &Inventory, declared: bool) -> (Vec<Plan>, Vec<Problem>) {
    let mut plans = Vec::new();
    let mut problems = ecosystem::unspoken(inventory);
    match distro::plan(inventory) {
        None => {}
        Some(Ok(plan)) => {
            problems.extend(foreign(&plan, inventory));
            problems.extend(built_by_others(&plan, inventory));
            problems.extend(emptied_of(plan.kind, inventory));
            problems.extend(tracks::unread_products(&plan));
            plans.push(plan);
        }
        Some(Err(problem)) => problems.push(problem),
    }
    let own = match plans.is_empty() {
        true => Own::default(),
        false => ecosystem::built_by_the_distribution(inventory),
    };
    problems.extend(ecosystem::unknown(inventory, declared, &own));
    plans.extend(ecosystem::plans(inventory, declared, &own));
    (plans, problems)
}

/// A distribution without a package of its own: its package manager's database was removed or lies where
/// nobody looks, and what was installed is there all the same. [`findings`] tells it too.
pub fn emptied(inventory: &Inventory) -> Option<Problem> {
    let plan = distro::plan(inventory)?.ok()?;
    emptied_of(plan.kind, inventory)
}

fn emptied_of(kind: PackageKind, inventory: &Inventory) -> Option<Problem> {
    let os = inventory.os.as_ref()?;
    let has_one = inventory.packages.iter().any(|package| package.kind == kind);
    (!has_one).then(|| {
        let message = format!(
            "no database of its {} packages was found, so what it has installed is not known; absence of \
             findings means nothing",
            kind.name()
        );
        let subject = format!("{} {}", os.family, os.version);
        Problem::new(ProblemKind::Unreadable, subject.trim_end(), message)
    })
}

/// Packages of another distribution's kind: no stream speaks about them.
fn foreign(plan: &Plan, inventory: &Inventory) -> Vec<Problem> {
    let mut counts: BTreeMap<PackageKind, usize> = BTreeMap::new();
    let foreign = |package: &&Package| package.kind.is_os() && package.kind != plan.kind;
    for package in inventory.packages.iter().filter(foreign) {
        *counts.entry(package.kind).or_default() += 1;
    }
    let family = inventory.os.as_ref().map_or("", |os| &os.family);
    let problem = |(kind, count): (PackageKind, usize)| {
        let message = format!("{count} {} packages on {family} were not matched", kind.name());
        Problem::new(ProblemKind::Unsupported, kind.name(), message)
    };
    counts.into_iter().map(problem).collect()
}

/// Packages that stand among the distribution's and that it did not build. Its advisories do not mean
/// them, though one may fit by name and version.
fn built_by_others(plan: &Plan, inventory: &Inventory) -> Option<Problem> {
    let os = inventory.os.as_ref()?;
    let is_others =
        |package: &&Package| package.kind == plan.kind && package.is_built_by_others(os);
    let others: Vec<&Package> = inventory.packages.iter().filter(is_others).collect();
    let mut names: Vec<String> = others.iter().map(|package| name_and_builder(package)).collect();
    names.sort_unstable();
    names.dedup();
    if names.len() > ecosystem::SHOWN {
        names.truncate(ecosystem::SHOWN);
        names.push("…".to_owned());
    }
    let message = || {
        format!(
            "{} packages were built by others, of whose vulnerabilities {}'s advisories do not speak: {}",
            others.len(),
            os.family,
            names.join(", ")
        )
    };
    (!others.is_empty()).then(|| Problem::new(ProblemKind::Notice, plan.kind.name(), message()))
}

/// Characters of a builder's name that are told: a package may say anything.
const BUILDER_CHARS: usize = 80;

/// By the source, of which many may be built.
fn name_and_builder(package: &Package) -> String {
    let builder = package.vendor.split('<').next().unwrap_or_default().trim();
    let shown: String = builder.chars().take(BUILDER_CHARS).collect();
    match shown.as_str() {
        "" => package.source_name().to_owned(),
        builder => format!("{} ({builder})", package.source_name()),
    }
}

fn voices(plan: &Plan, packages: &[&Package], store: &Store, matched: &mut Matched) -> Vec<Voice> {
    let names = names(packages);
    let mut voices = Vec::new();
    for (stream, role) in &plan.streams {
        match store.segment(stream) {
            Ok(Some(segment)) => {
                let (voice, problem) = Voice::read(&segment, *role, &names);
                // One stream may speak of two kinds of packages.
                if matched.data.iter().all(|meta| meta.stream != *stream) {
                    matched.data.push(segment.meta().clone());
                    matched.problems.extend(partial(segment.meta()));
                }
                matched.problems.extend(problem);
                voices.push(voice);
            }
            Ok(None) => {
                let missing = missing(stream);
                if !matched.problems.contains(&missing) {
                    matched.problems.push(missing);
                }
            }
            Err(error) => matched.problems.push(error.problem()),
        }
    }
    voices
}

/// The names that publishers may use for any of the packages.
fn names(packages: &[&Package]) -> BTreeSet<Name> {
    packages
        .iter()
        .flat_map(|package| installed::names(package))
        .map(|installed| (installed.subject(), installed.name.into_owned()))
        .collect()
}

/// A segment that was built from damaged data may lack what matters here.
fn partial(meta: &SegmentMeta) -> Option<Problem> {
    let why = meta.incomplete.as_ref()?;
    let message = format!("advisories of this stream may be missing: {why}");
    Some(Problem::new(ProblemKind::Damaged, &meta.stream, message))
}

fn missing(stream: &str) -> Problem {
    Problem::new(
        ProblemKind::AdvisoriesMissing,
        stream,
        format!(
            "no advisories are at hand for this stream, so absence of findings means nothing; \
             hint: `lazaret db update {stream}` fetches them, `lazaret db import` reads a copy"
        ),
    )
}

/// The result is why some packages were not looked at.
fn judge_all(
    plan: &Plan,
    packages: &[&Package],
    voices: &[Voice],
    matched: &mut Matched,
    is_stopped: &dyn Fn() -> bool,
) -> Option<Problem> {
    for (done, package) in packages.iter().enumerate() {
        let found = matched.findings.len() + matched.silenced.len() + matched.malware.len();
        let why = match found {
            FINDINGS_MAX.. => format!("more than {FINDINGS_MAX} findings"),
            _ if is_stopped() => "stopped".to_owned(),
            _ => {
                judge_one(plan, package, voices, matched);
                continue;
            }
        };
        let left = packages.len() - done;
        let message = format!("{why}: {left} packages were not held against advisories");
        return Some(Problem::new(ProblemKind::LimitReached, plan.kind.name(), message));
    }
    None
}

fn judge_one(plan: &Plan, package: &Package, voices: &[Voice], matched: &mut Matched) {
    judge::judge(plan, package, voices, |vulnerability, exposure| {
        if let Some(malware) = malicious::malicious(package, vulnerability) {
            return matched.malware.push(malware);
        }
        let mut finding = finding::finding(plan, package, vulnerability, exposure);
        if let Some(why) = platforms::elsewhere(package, &vulnerability.said) {
            return matched.silenced.push(by_program(finding, SilencedBy::OtherPlatform, why));
        }
        match links::links(package, &vulnerability.said) {
            Links::Unknown => matched.findings.push(finding),
            Links::Some(symbols) => {
                for evidence in &mut finding.evidence {
                    evidence.compared.push_str("; links ");
                    evidence.compared.push_str(&symbols);
                }
                matched.findings.push(finding);
            }
            Links::None(symbols) => {
                let why = format!("the program links none of the vulnerable functions: {symbols}");
                matched.silenced.push(by_program(finding, SilencedBy::NotLinked, why));
            }
        }
    });
}

/// A finding that the package itself answers.
fn by_program(finding: Finding, by: SilencedBy, reason: String) -> Silenced {
    Silenced {
        source: finding.evidence.first().map(|one| one.source.clone()).unwrap_or_default(),
        finding,
        by,
        reason,
        owner: String::new(),
        expires: None,
    }
}
