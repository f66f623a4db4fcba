//! Two profiles of a workload held against each other: of two hosts, two days, two versions.

use std::collections::BTreeSet;

use super::{Fact, Profile};

impl Profile {
    /// What the later one holds and this does not, and the other way round, each a line: `+ written
    /// /tmp/x`. What one covers by a wider pattern is no difference of facts; patterns are told as such.
    pub fn diff(&self, later: &Self) -> Vec<String> {
        let (mine, theirs): (BTreeSet<Fact>, BTreeSet<Fact>) =
            (self.facts().into_iter().collect(), later.facts().into_iter().collect());
        let gone = mine.difference(&theirs).map(|fact| (fact.clone(), '-'));
        let added = theirs.difference(&mine).map(|fact| (fact.clone(), '+'));
        let all: BTreeSet<(Fact, char)> = gone.chain(added).collect();
        let mut lines = Vec::new();
        if self.mode != later.mode {
            lines.push(format!("~ mode {} → {}", self.mode.name(), later.mode.name()));
        }
        lines.extend(all.iter().map(|(fact, sign)| format!("{sign} {} {fact}", fact.section())));
        lines
    }
}
