//! VEX: which findings a statement silences.
//!
//! Of all statements about a vulnerability in a product the latest counts. `not affected` and
//! `fixed` silence, `affected` and `under investigation` do not; of two that are equally late and
//! disagree, the one that silences nothing counts. A statement that is about something narrower, or
//! something that cannot be told, is about nothing here: silence is only for what was meant.

mod product;

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{Artifact, Finding, Inventory, Silenced, SilencedBy, VexStatement, VexStatus};

use self::product::Subject;

/// The findings that nobody speaks against, and those that are silenced, both in their order.
pub fn silence(
    findings: Vec<Finding>,
    statements: &[VexStatement],
    artifact: &Artifact,
    inventory: &Inventory,
) -> (Vec<Finding>, Vec<Silenced>) {
    let mut by_name: BTreeMap<&str, Vec<&VexStatement>> = BTreeMap::new();
    for statement in statements {
        for name in &statement.vulnerabilities {
            by_name.entry(name).or_default().push(statement);
        }
    }
    let subject = Subject::new(artifact, inventory);
    let (mut kept, mut silenced) = (Vec::new(), Vec::new());
    for finding in findings {
        let names = std::iter::once(&finding.id).chain(&finding.aliases);
        let about = names.filter_map(|name| by_name.get(name.as_str())).flatten().copied();
        match latest(about.filter(|statement| subject.is_meant(statement, &finding.package))) {
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

fn silences(statement: &VexStatement) -> bool {
    matches!(statement.status, VexStatus::NotAffected | VexStatus::Fixed)
}

fn latest<'a>(about: impl Iterator<Item = &'a VexStatement>) -> Option<&'a VexStatement> {
    about.max_by_key(|statement| {
        // A time that does not parse, or is not given, is older than any.
        let time = statement.timestamp.parse::<Timestamp>().ok();
        (time, !silences(statement))
    })
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
