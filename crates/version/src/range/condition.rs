//! What every grammar of ranges comes down to.

use std::cmp::Ordering;

/// Alternatives, each a list of conditions that must all hold; an empty list holds for all.
pub(super) type AnyOf = Vec<Vec<Condition>>;

/// What a grammar gives: the alternatives, or the part of the text that it does not know.
pub(super) type Parsed<'a> = Result<AnyOf, &'a str>;

/// A relation to one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) relation: Relation,
    pub(super) version: String,
}

/// How a condition's version bounds those that fulfil it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    Less,
    LessEqual,
    Equal,
    NotEqual,
    GreaterEqual,
    Greater,
    /// The same text: Python's `===`.
    Same,
}

/// The operators that most grammars share, the longer before those that they begin with.
pub(super) const OPERATORS: &[(&str, Relation)] = &[
    ("<=", Relation::LessEqual),
    ("<", Relation::Less),
    (">=", Relation::GreaterEqual),
    (">", Relation::Greater),
    ("!=", Relation::NotEqual),
    ("==", Relation::Equal),
    ("=", Relation::Equal),
];

impl Condition {
    pub(super) fn new(relation: Relation, version: impl Into<String>) -> Self {
        Self { relation, version: version.into() }
    }

    /// An operator and a version; without an operator, the version itself. White space may stand
    /// between them, but nothing but a version may follow.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (relation, version) = split_operator(text.trim());
        is_word(version).then(|| Self::new(relation.unwrap_or(Relation::Equal), version))
    }

    pub(super) fn at_least(version: impl Into<String>) -> Self {
        Self::new(Relation::GreaterEqual, version)
    }

    pub(super) fn below(version: impl Into<String>) -> Self {
        Self::new(Relation::Less, version)
    }

    /// A version to which the relation can be tried.
    pub(super) fn example(&self) -> String {
        self.version.trim_end_matches(".*").to_owned()
    }
}

impl Relation {
    /// Is a version that stands in this order to the bound in this relation to it?
    pub(super) fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::LessEqual => order.is_le(),
            Self::Equal | Self::Same => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::GreaterEqual => order.is_ge(),
            Self::Greater => order.is_gt(),
        }
    }
}

/// The operator at the head of a condition, and what follows it.
pub(super) fn split_operator(text: &str) -> (Option<Relation>, &str) {
    let found = OPERATORS.iter().find_map(|(sign, relation)| {
        Some((Some(*relation), text.strip_prefix(sign)?.trim_start()))
    });
    found.unwrap_or((None, text))
}

/// Something without white space or operators inside, as every version is.
pub(super) fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || "<>=!~^,|()[]".contains(c))
}
