//! Problems of which a hostile feed can have a million: a few are told, the rest are counted.

use std::collections::BTreeSet;

use model::Problem;

/// Problems are told one by one up to here, then counted.
const SHOWN: usize = 20;

/// The first few problems in their order, whoever met them, and how many there were.
#[derive(Debug, Default)]
pub(crate) struct Told {
    shown: BTreeSet<Problem>,
    count: u64,
}

impl Told {
    pub(crate) fn add(&mut self, problem: Problem) {
        self.count += 1;
        self.shown.insert(problem);
        self.shorten();
    }

    /// Counts so many problems that nobody described.
    pub(crate) fn add_untold(&mut self, count: u64) {
        self.count = self.count.saturating_add(count);
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.shown.append(&mut other.shown);
        self.shorten();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.shown.iter()
    }

    /// How many are not shown.
    pub(crate) fn hidden(&self) -> u64 {
        self.count.saturating_sub(self.shown.len() as u64)
    }

    fn shorten(&mut self) {
        while self.shown.len() > SHOWN {
            self.shown.pop_last();
        }
    }
}

#[cfg(test)]
mod tests {
    use model::ProblemKind;

    use super::*;

    #[test]
    fn the_first_are_told_in_whatever_order_they_come() {
        let problem = |n: u32| Problem::new(ProblemKind::Damaged, format!("{n:05}"), "");
        let mut told = Told::default();
        (0..500).rev().for_each(|n| told.add(problem(n)));
        let mut more = Told::default();
        more.add(problem(7));
        more.add(problem(501));
        more.add_untold(3);
        told.append(more);
        let shown: Vec<_> = told.iter().map(|problem| problem.subject.clone()).collect();
        assert_eq!((shown.len(), shown[0].as_str(), shown[19].as_str()), (20, "00000", "00019"));
        assert_eq!(told.hidden(), 505 - 20);
    }
}
