//! What of a document is not used: counted by reason, and shown by a few examples.

use std::collections::BTreeMap;

/// What is shown of a document; a list in a form that is not known has an example a line.
const EXAMPLES_MAX: usize = 3;
/// Of a text that is shown, whoever wrote it.
const EXAMPLE_CHARACTERS_MAX: usize = 80;

/// Why an entry is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// It is not what it says it is.
    Malformed,
    /// It is of a kind that nothing here can look for.
    Unsupported,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    Early,
    /// Its author took it back.
    Revoked,
    /// Its author says that it is context, nothing to detect by.
    Context,
    /// There are too many before it.
    Surplus,
}

impl Why {
    /// After a number: `3 past their time`.
    pub fn text(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unsupported => "unsupported",
            Self::Expired => "past their time",
            Self::Early => "before their time",
            Self::Revoked => "taken back",
            Self::Context => "not meant for detection",
            Self::Surplus => "more than there is room for",
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    pub counts: BTreeMap<Why, u64>,
    /// Of what is malformed or unsupported, with its place.
    pub examples: Vec<String>,
}

impl LeftOut {
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// How many for one reason.
    pub fn count(&self, why: Why) -> u64 {
        self.counts.get(&why).copied().unwrap_or_default()
    }

    /// `3 past their time, 1 malformed`; nothing where all is used.
    pub fn summary(&self) -> String {
        let told = self.counts.iter().map(|(why, count)| format!("{count} {}", why.text()));
        told.collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn add(&mut self, why: Why) {
        *self.counts.entry(why).or_default() += 1;
    }

    /// With what it was and where, if there is room for an example.
    pub(crate) fn add_with(&mut self, why: Why, place: &dyn core::fmt::Display, message: &str) {
        self.add(why);
        if self.examples.len() < EXAMPLES_MAX {
            let mut example = format!("{place}: ");
            example.extend(message.chars().take(EXAMPLE_CHARACTERS_MAX));
            if message.chars().nth(EXAMPLE_CHARACTERS_MAX).is_some() {
                example.push('…');
            }
            self.examples.push(example);
        }
    }
}
