//! VEX: which findings a statement silences.
//!
//! Of all statements about a vulnerability in a product the latest counts. `not affected` and
//! `fixed` silence, `affected` and `under investigation` do not; of two that are equally late and
//! disagree, the one that silences nothing counts. A statement that is about something narrower, or
//! something that cannot be told, is about nothing here: silence is only for what was meant.

mod product;

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use model::{Artifact, Finding, Inventory, Silenced, SilencedBy, VexStatement, VexStatus};

use self::product::Subject;

/// How late a statement is, whether it lets a finding stand, and its position: the greatest counts.
type Rank = (Option<Timestamp>, bool, usize);

/// The findings that nobody speaks against, and those that are silenced, both in their order.
pub fn silence(
    findings: Vec<Finding>,
    statements: &[VexStatement],
    artifact: &Artifact,
    inventory: &Inventory,
) -> (Vec<Finding>, Vec<Silenced>) {
    let (mut kept, mut silenced) = (Vec::new(), Vec::new());
    let counting = counting(&findings, statements, artifact, inventory);
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
    (kept, silenced)
}

/// The statement that counts for each finding. Each product is looked up once, whatever the number
/// of findings: documents may have hundreds of thousands.
fn counting<'a>(
    findings: &[Finding],
    statements: &'a [VexStatement],
    artifact: &Artifact,
    inventory: &Inventory,
) -> Vec<Option<&'a VexStatement>> {
    let subject = Subject::new(findings, artifact, inventory);
    let asked: BTreeSet<&str> = findings.iter().flat_map(names).collect();
    // By vulnerability and package; None stands for every package.
    let mut latest: HashMap<(&str, Option<usize>), Rank> = HashMap::new();
    for (position, statement) in statements.iter().enumerate() {
        let told = statement.vulnerabilities.iter().map(String::as_str);
        let told: BTreeSet<&str> = told.filter(|name| asked.contains(name)).collect();
        if told.is_empty() {
            continue;
        }
        // A time that does not parse, or is not given, is older than any.
        let time = statement.timestamp.parse::<Timestamp>().ok();
        let rank = (time, !silences(statement), position);
        for package in subject.meant(statement) {
            for name in &told {
                let known = latest.entry((name, package)).or_insert(rank);
                *known = rank.max(*known);
            }
        }
    }
    let of = |finding: &Finding| {
        let package = subject.position(&finding.package);
        let about = names(finding).flat_map(|name| [(name, None), (name, package)]);
        let (_, _, position) = about.filter_map(|key| latest.get(&key)).max()?;
        statements.get(*position)
    };
    findings.iter().map(of).collect()
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
        ("", "") => "not affected".to_owned(),
        (words, "") | ("", words) => words.to_owned(),
        (word, words) => format!("{word}: {words}"),
    }
}
