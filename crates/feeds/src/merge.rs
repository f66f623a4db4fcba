//! New statements beside those that a segment already holds.
//!
//! A document is exhaustive about something ([`Covers`]); what the old segment says about just
//! that is dropped, the rest is carried over. The outcome does not depend on the order in which
//! statements were read.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;

use advisories::{Coordinates, KnownExploited, Score, Segment, SegmentError, SegmentWriter};
use model::{Advisory, Details, Problem};

use crate::Covers;
use crate::collect::Said;
use crate::failure::Cause;
use crate::sink::{Day, Statement};

/// What a record takes beside its bytes.
const RECORD_OVERHEAD: usize = 96;
/// Different names that a stream's statements may be about; the vulnerabilities of all time are
/// some 350 000.
const KEYS_MAX: usize = 1 << 20;

/// Adds statements.
pub(crate) fn add(said: &Said, writer: &mut SegmentWriter) -> Result<(), Cause> {
    let mut latest = Latest::default();
    said.each(&mut |statement| match statement {
        Statement::Advisory(advisory) => writer.advisory(&advisory),
        Statement::Coordinates { sha1, group, artifact, version } => {
            writer.coordinates(&hexadecimal(sha1), &[Coordinates { group, artifact, version }]);
        }
        other => latest.add(other),
    })
    .map_err(unreadable)?;
    match latest.is_full() {
        true => writer.refuse(),
        false => latest.write(writer),
    }
    Ok(())
}

fn hexadecimal(bytes: [u8; 20]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let nibbles = bytes.into_iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    nibbles.filter_map(|nibble| DIGITS.get(usize::from(nibble))).collect()
}

fn unreadable(error: io::Error) -> Cause {
    Cause::local(format!("what was read cannot be read again: {error}"))
}

/// One record an id: where several documents have one, the latest.
#[derive(Default)]
struct Latest {
    /// With the bytes that they are encoded as: most of them are never looked at before they are
    /// written.
    details: BTreeMap<String, Vec<u8>>,
    scores: BTreeMap<String, (Day, Score)>,
    known_exploited: BTreeMap<String, (Day, KnownExploited)>,
    /// What all of it takes.
    bytes: usize,
}

impl Latest {
    /// Whether more is held than a segment may have.
    fn is_full(&self) -> bool {
        self.bytes > SegmentWriter::BYTES_MAX
    }

    fn add(&mut self, statement: Statement) {
        if self.is_full() {
            return;
        }
        match statement {
            Statement::Advisory(_) | Statement::Coordinates { .. } => {}
            Statement::Details(new) => self.add_details(&new),
            Statement::Score { id, epss, percentile, day } => {
                let new = (day, Score { epss, percentile });
                let size = id.len() + RECORD_OVERHEAD;
                let old = self.scores.entry(id).or_insert_with(|| {
                    self.bytes += size;
                    new
                });
                let rank = |(day, score): &(Day, Score)| (*day, score.epss, score.percentile);
                if rank(old) < rank(&new) {
                    *old = new;
                }
            }
            Statement::KnownExploited { id, added, due, ransomware, day } => {
                let new = (day, KnownExploited { added, due, ransomware });
                let size = id.len() + RECORD_OVERHEAD;
                let old = self.known_exploited.entry(id).or_insert_with(|| {
                    self.bytes += size;
                    new.clone()
                });
                if *old < new {
                    *old = new;
                }
            }
        }
    }

    fn add_details(&mut self, new: &Details) {
        let is_news = match self.details.get(&new.id) {
            Some(old) => precedes(&decoded(old), new),
            None => true,
        };
        if is_news {
            let bytes = postcard::to_allocvec(new).expect("a vector takes any bytes");
            let size = |bytes: &Vec<u8>| new.id.len() + bytes.len() + RECORD_OVERHEAD;
            self.bytes += size(&bytes);
            if let Some(old) = self.details.insert(new.id.clone(), bytes) {
                self.bytes -= size(&old);
            }
        }
    }

    /// What is written is let go at once.
    fn write(self, writer: &mut SegmentWriter) {
        self.details.into_values().for_each(|details| writer.details(&decoded(&details)));
        self.scores.into_iter().for_each(|(id, (_, score))| writer.score(&id, score));
        for (id, (_, entry)) in self.known_exploited {
            writer.known_exploited(&id, &entry);
        }
    }
}

fn decoded(details: &[u8]) -> Details {
    postcard::from_bytes(details).expect("only this process wrote these bytes")
}

/// Of two records of one vulnerability the later speaks; equally late, the greater, so that it is
/// always the same one.
fn precedes(a: &Details, b: &Details) -> bool {
    a.modified.cmp(&b.modified).then_with(|| format!("{a:?}").cmp(&format!("{b:?}"))).is_lt()
}

/// Carries over what the new statements do not cover; what archives are called stays true whatever is
/// said later. Blocks of the old segment that cannot be read are lost, and said.
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
    for coordinates in old.all_coordinates() {
        match coordinates {
            Ok((sha1, names)) => writer.coordinates(&sha1, &names),
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
    pub(crate) fn by(covers: Covers, named: &BTreeSet<String>, new: &Said) -> Result<Self, Cause> {
        let mut keys: HashSet<String> = match covers {
            Covers::Vulnerability | Covers::Notice => named.iter().cloned().collect(),
            Covers::Package | Covers::Stream => HashSet::new(),
        };
        let mut add = |statement| {
            if keys.len() > KEYS_MAX {
                return;
            }
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
        };
        new.each(&mut add).map_err(unreadable)?;
        if keys.len() > KEYS_MAX {
            let what = format!(
                "it is about more than {KEYS_MAX} vulnerabilities, which is more than there are; \
                 hint: look at what its source serves"
            );
            return Err(Cause::damaged(what));
        }
        Ok(Self { covers, keys })
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
