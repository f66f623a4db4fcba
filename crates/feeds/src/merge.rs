//! New statements beside those that a segment already holds.
//!
//! A document is exhaustive about something ([`Covers`]); what the old segment says about just
//! that is dropped, the rest is carried over. The outcome does not depend on the order in which
//! statements were read.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use advisories::{KnownExploited, Score, Segment, SegmentError, SegmentWriter};
use model::{Advisory, Details, Problem};

use crate::Covers;
use crate::sink::{Day, Statement, statements};

/// Adds encoded statements.
pub(crate) fn add(encoded: &[u8], writer: &mut SegmentWriter) {
    let mut latest = Latest::default();
    for statement in statements(encoded) {
        match statement {
            Statement::Advisory(advisory) => writer.advisory(&advisory),
            other => latest.add(other),
        }
    }
    latest.write(writer);
}

/// One record an id: where several documents have one, the latest.
#[derive(Default)]
struct Latest {
    details: BTreeMap<String, Details>,
    scores: BTreeMap<String, (Day, Score)>,
    known_exploited: BTreeMap<String, (Day, KnownExploited)>,
}

impl Latest {
    fn add(&mut self, statement: Statement) {
        match statement {
            Statement::Advisory(_) => {}
            Statement::Details(new) => match self.details.get_mut(&new.id) {
                Some(old) if !precedes(old, &new) => {}
                Some(old) => *old = new,
                None => {
                    self.details.insert(new.id.clone(), new);
                }
            },
            Statement::Score { id, epss, percentile, day } => {
                let new = (day, Score { epss, percentile });
                let old = self.scores.entry(id).or_insert(new);
                let rank = |(day, score): &(Day, Score)| (*day, score.epss, score.percentile);
                if rank(old) < rank(&new) {
                    *old = new;
                }
            }
            Statement::KnownExploited { id, added, due, ransomware, day } => {
                let new = (day, KnownExploited { added, due, ransomware });
                let old = self.known_exploited.entry(id).or_insert_with(|| new.clone());
                if *old < new {
                    *old = new;
                }
            }
        }
    }

    fn write(&self, writer: &mut SegmentWriter) {
        self.details.values().for_each(|details| writer.details(details));
        self.scores.iter().for_each(|(id, (_, score))| writer.score(id, *score));
        for (id, (_, entry)) in &self.known_exploited {
            writer.known_exploited(id, entry);
        }
    }
}

/// Of two records of one vulnerability the later speaks; equally late, the greater, so that it is
/// always the same one.
fn precedes(a: &Details, b: &Details) -> bool {
    a.modified.cmp(&b.modified).then_with(|| format!("{a:?}").cmp(&format!("{b:?}"))).is_lt()
}

/// Carries over what the new statements do not cover. Blocks of the old segment that cannot be
/// read are lost, and said.
pub(crate) fn keep_uncovered(
    old: &Segment,
    covered: &Covered,
    writer: &mut SegmentWriter,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut lost = |error: SegmentError| problems.push(error.problem());
    for advisory in old.all_advisories() {
        match advisory {
            Ok(advisory) if covered.has(&advisory) => {}
            Ok(advisory) => writer.advisory(&advisory),
            Err(error) => lost(error),
        }
    }
    for details in old.all_details() {
        match details {
            Ok(details) if covered.explains(&details) => {}
            Ok(details) => writer.details(&details),
            Err(error) => lost(error),
        }
    }
    problems
}

/// What the new documents are exhaustive about.
pub(crate) struct Covered {
    covers: Covers,
    keys: HashSet<String>,
}

impl Covered {
    /// What the documents name, and what their statements are about.
    pub(crate) fn by(covers: Covers, named: &BTreeSet<String>, new: &[u8]) -> Self {
        let mut keys: HashSet<String> = match covers {
            Covers::Vulnerability | Covers::Notice => named.iter().cloned().collect(),
            Covers::Package | Covers::Stream => HashSet::new(),
        };
        for statement in statements(new) {
            match (statement, covers) {
                (Statement::Advisory(advisory), Covers::Vulnerability) => {
                    keys.insert(advisory.id);
                }
                (Statement::Advisory(advisory), Covers::Package) => {
                    keys.insert(advisory.package);
                }
                (Statement::Advisory(advisory), Covers::Notice) => {
                    keys.extend(notices(&advisory).cloned());
                }
                _ => {}
            }
        }
        Self { covers, keys }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(crate) fn has(&self, old: &Advisory) -> bool {
        match self.covers {
            Covers::Stream => true,
            Covers::Vulnerability => self.keys.contains(&old.id),
            Covers::Package => self.keys.contains(&old.package),
            Covers::Notice => notices(old).any(|notice| self.keys.contains(notice)),
        }
    }

    /// Whether these texts are about something covered.
    fn explains(&self, old: &Details) -> bool {
        matches!(self.covers, Covers::Vulnerability | Covers::Notice) && self.keys.contains(&old.id)
    }
}

/// The notices that say it; a record that is named after its vulnerability is its own.
fn notices(advisory: &Advisory) -> impl Iterator<Item = &String> {
    let own = advisory.notices.is_empty().then_some(&advisory.id);
    advisory.notices.iter().chain(own)
}
