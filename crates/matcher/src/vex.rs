//! VEX: which findings a statement silences.
//!
//! Of all statements about a vulnerability in a product the latest counts. `not affected` and
//! `fixed` silence, `affected` and `under investigation` do not; of two that are equally late and
//! disagree, the one that silences nothing counts. Where a time is not said, or cannot be read, who
//! silences is the oldest and who does not the newest. A statement that is about something narrower, or
//! something that cannot be told, is about nothing here: silence is only for what was meant. What
//! could not be held against anything is said.

mod cpe;
mod product;
mod range;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use model::{
    Artifact, Finding, Inventory, Problem, ProblemKind, Silenced, SilencedBy, VexStatement,
    VexStatus,
};

use self::product::Subject;

/// How late a statement is, whether it lets a finding stand, and its position: the greatest counts.
type Rank = (Timestamp, bool, usize);

/// A vulnerability, a package (None stands for every one), and whether the statement names a CVE id.
type Key<'a> = (&'a str, Option<usize>, bool);

/// What became of findings.
#[derive(Debug, Default)]
pub struct Told {
    /// Those that nobody speaks against, in their order.
    pub kept: Vec<Finding>,
    /// The others, in their order.
    pub silenced: Vec<Silenced>,
    /// What of the statements could not be used. They silence nothing then.
    pub problems: Vec<Problem>,
}

/// Tells the findings apart that statements silence. Who is told to stop before all statements were
/// read silences nothing: a later one might have said otherwise.
pub fn silence(
    findings: Vec<Finding>,
    statements: &[VexStatement],
    artifact: &Artifact,
    inventory: &Inventory,
    is_stopped: &dyn Fn() -> bool,
) -> Told {
    let (mut kept, mut silenced) = (Vec::new(), Vec::new());
    let counted = counting(&findings, statements, artifact, inventory, is_stopped);
    let Some(Counting { counting, unclear, undated }) = counted else {
        let message = "stopped before every statement was read: nothing is silenced";
        let problems = vec![Problem::new(ProblemKind::Notice, "vex", message)];
        return Told { kept: findings, silenced, problems };
    };
    let unclear = unclear.into_iter().map(|(source, count)| incomparable(source, count));
    let undated = undated.into_iter().map(|(source, count)| untimely(source, count));
    let problems = unclear.chain(undated).collect();
    for (finding, statement) in findings.into_iter().zip(counting) {
        match statement {
            Some(statement) if silences(statement) => {
                silenced.push(Silenced {
                    by: SilencedBy::Vex,
                    source: statement.source.clone(),
                    reason: reason(statement),
                    owner: statement.author.clone(),
                    expires: None,
                    finding,
                });
            }
            _ => kept.push(finding),
        }
    }
    Told { kept, silenced, problems }
}

fn incomparable(source: &str, count: usize) -> Problem {
    let message = format!(
        "{count} products for which it says that a vulnerability found here is no problem cannot be \
         compared: they have no name but a CPE, which packages here do not have, or none at all; \
         nothing is silenced for them"
    );
    Problem::new(ProblemKind::Notice, source, message)
}

fn untimely(source: &str, count: usize) -> Problem {
    let message = format!(
        "{count} statements about vulnerabilities found here have a time that cannot be read: those that \
         silence count as the oldest, the others as the newest"
    );
    Problem::new(ProblemKind::Notice, source, message)
}

/// What counts, and what could not be told.
struct Counting<'a> {
    /// The statement that counts for each finding.
    counting: Vec<Option<&'a VexStatement>>,
    /// How many products of a document's silencing statements could not be compared.
    unclear: BTreeMap<&'a str, usize>,
    /// How many of a document's statements have a time that cannot be read.
    undated: BTreeMap<&'a str, usize>,
}

/// Each product is looked up once, whatever the number of findings: documents may have hundreds of
/// thousands. None if it was stopped.
fn counting<'a>(
    findings: &[Finding],
    statements: &'a [VexStatement],
    artifact: &Artifact,
    inventory: &Inventory,
    is_stopped: &dyn Fn() -> bool,
) -> Option<Counting<'a>> {
    let subject = Subject::new(findings, artifact, inventory);
    let asked: BTreeSet<&str> = findings.iter().flat_map(names).collect();
    let mut latest: HashMap<Key<'_>, Rank> = HashMap::new();
    let mut unclear: BTreeMap<&str, usize> = BTreeMap::new();
    let mut undated: BTreeMap<&str, usize> = BTreeMap::new();
    for (position, statement) in statements.iter().enumerate() {
        let told = statement.vulnerabilities.iter().map(String::as_str);
        let told: BTreeSet<&str> = told.filter(|name| asked.contains(name)).collect();
        if told.is_empty() {
            continue;
        }
        let time = time(&statement.timestamp);
        if time.is_none() && !statement.timestamp.is_empty() {
            *undated.entry(&statement.source).or_default() += 1;
        }
        let unknown = if silences(statement) { Timestamp::MIN } else { Timestamp::MAX };
        let rank = (time.unwrap_or(unknown), !silences(statement), position);
        let meant = subject.meant(statement, is_stopped)?;
        if meant.unclear > 0 && silences(statement) {
            *unclear.entry(&statement.source).or_default() += meant.unclear;
        }
        let of_cve = statement.vulnerabilities.iter().any(|name| is_cve(name));
        for package in meant.packages {
            for name in &told {
                let known = latest.entry((name, package, of_cve)).or_insert(rank);
                *known = rank.max(*known);
            }
        }
    }
    let of = |finding: &Finding| {
        let package = subject.position(&finding.package);
        let about = names(finding).flat_map(|name| {
            // Two CVE ids are two vulnerabilities, whatever name both have besides.
            let is_meant = is_cve(name) || !is_cve(&finding.id);
            let of_cve = if is_meant { &[false, true][..] } else { &[false] };
            of_cve.iter().flat_map(move |of| [(name, None, *of), (name, package, *of)])
        });
        let (_, _, position) = about.filter_map(|key| latest.get(&key)).max()?;
        statements.get(*position)
    };
    Some(Counting { counting: findings.iter().map(of).collect(), unclear, undated })
}

/// A time as RFC 3339 writes it; without a zone, as some programs do, it is UTC.
fn time(text: &str) -> Option<Timestamp> {
    let without_zone = || {
        let time = text.trim().parse::<DateTime>().ok()?;
        time.to_zoned(TimeZone::UTC).ok().map(|it| it.timestamp())
    };
    text.trim().parse().ok().or_else(without_zone)
}

fn is_cve(name: &str) -> bool {
    name.starts_with("CVE-")
}

fn names(finding: &Finding) -> impl Iterator<Item = &str> {
    std::iter::once(&finding.id).chain(&finding.aliases).map(String::as_str)
}

fn silences(statement: &VexStatement) -> bool {
    matches!(statement.status, VexStatus::NotAffected | VexStatus::Fixed)
}

/// `fixed` or the justification, and what is said besides.
fn reason(statement: &VexStatement) -> String {
    let word = match statement.status {
        VexStatus::Fixed => "fixed",
        _ => statement.justification.as_str(),
    };
    match (word, statement.statement.as_str()) {
        ("", "") => "not affected, no reason given".to_owned(),
        (words, "") | ("", words) => words.to_owned(),
        (word, words) => format!("{word}: {words}"),
    }
}
