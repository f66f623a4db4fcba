//! What one publisher says about the packages at hand: read from a segment once, then looked up.

use std::collections::{BTreeMap, BTreeSet};

use advisories::{Segment, SegmentMeta};
use model::{Advisory, Problem, Subject};

use crate::distro::Role;

/// A package name and which kind of name it is.
pub(crate) type Name = (Subject, String);

/// One publisher's statements about the names that were asked for.
#[derive(Debug)]
pub(crate) struct Voice {
    pub(crate) role: Role,
    pub(crate) source: String,
    pub(crate) stream: String,
    by_source: BTreeMap<String, Vec<Advisory>>,
    by_binary: BTreeMap<String, Vec<Advisory>>,
}

impl Voice {
    /// Reads what the segment says of the names, in their order, which is the cheapest. A damaged
    /// block costs only the names in it, and is said once.
    pub(crate) fn read(
        segment: &Segment,
        role: Role,
        names: &BTreeSet<Name>,
    ) -> (Self, Option<Problem>) {
        let mut problem = None;
        let statements =
            names.iter().filter_map(|(subject, name)| match segment.advisories(name, *subject) {
                Ok(advisories) => Some(((*subject, name.clone()), advisories)),
                Err(error) => {
                    problem.get_or_insert_with(|| error.problem());
                    None
                }
            });
        let voice = Self::new(segment.meta(), role, statements);
        (voice, problem)
    }

    /// A voice that says these statements.
    pub(crate) fn new(
        meta: &SegmentMeta,
        role: Role,
        statements: impl Iterator<Item = (Name, Vec<Advisory>)>,
    ) -> Self {
        let mut voice = Self {
            role,
            source: meta.source.clone(),
            stream: meta.stream.clone(),
            by_source: BTreeMap::new(),
            by_binary: BTreeMap::new(),
        };
        for ((subject, name), advisories) in statements.filter(|(_, said)| !said.is_empty()) {
            match subject {
                Subject::Source => voice.by_source.insert(name, advisories),
                Subject::Binary => voice.by_binary.insert(name, advisories),
            };
        }
        voice
    }

    pub(crate) fn about(&self, subject: Subject, name: &str) -> &[Advisory] {
        let statements = match subject {
            Subject::Source => &self.by_source,
            Subject::Binary => &self.by_binary,
        };
        statements.get(name).map_or(&[], Vec::as_slice)
    }
}
