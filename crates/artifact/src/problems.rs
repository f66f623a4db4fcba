//! The problems of one layer, kept so that a hostile layer cannot make a million of them.

use std::collections::BTreeMap;

use model::{Problem, ProblemKind};

use crate::limits::{PROBLEMS_PER_KIND_MAX, SUBJECT_CHARS_MAX};

/// The first problems of every kind, and how many there were.
#[derive(Debug)]
pub(crate) struct Problems {
    layer: Option<u32>,
    first: Vec<Problem>,
    counts: BTreeMap<ProblemKind, u64>,
}

impl Problems {
    /// For a layer, or for a file system that has none.
    pub(crate) fn new(layer: Option<u32>) -> Self {
        Self { layer, first: Vec::new(), counts: BTreeMap::new() }
    }

    pub(crate) fn add(&mut self, kind: ProblemKind, subject: &str, message: impl Into<String>) {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        if *count <= PROBLEMS_PER_KIND_MAX {
            let subject: String = subject.chars().take(SUBJECT_CHARS_MAX).collect();
            let problem = Problem::new(kind, subject, message);
            self.first.push(Problem { layer: self.layer, ..problem });
        }
    }

    /// The problems in the order in which they came, then how many are not told. `subject` is
    /// what they all belong to.
    pub(crate) fn finish(mut self, subject: &str) -> Vec<Problem> {
        for (kind, count) in self.counts {
            if let Some(more) = count.checked_sub(PROBLEMS_PER_KIND_MAX).filter(|more| *more > 0) {
                let message = format!("{more} more problems of the kind `{}`", kind.name());
                let problem = Problem::new(kind, subject, message);
                self.first.push(Problem { layer: self.layer, ..problem });
            }
        }
        self.first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_problems_become_few_and_a_number() {
        let mut problems = Problems::new(Some(3));
        for number in 0..1_000_000 {
            problems.add(ProblemKind::Refused, &format!("../{number}"), "leaves the root");
        }
        problems.add(ProblemKind::Damaged, "x", "is broken");
        let told = problems.finish("sha256:…");
        assert_eq!(told.len() as u64, PROBLEMS_PER_KIND_MAX + 2);
        assert!(told.iter().all(|problem| problem.layer == Some(3)));
        let last = told.last().unwrap();
        assert_eq!(last.message, "999990 more problems of the kind `refused`");
    }
}
