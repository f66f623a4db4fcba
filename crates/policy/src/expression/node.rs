//! A checked expression: every name resolved, every pattern compiled, every type settled.

use regex::Regex;

use crate::glob::Glob;
use crate::schema::Fact;
use crate::value::Value;

/// One step of an expression.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Constant(Value<'static>),
    /// A fact, and what it was called.
    Fact(&'static Fact, Box<str>),
    Today,
    /// The item of the loop at this depth, the outermost being 0.
    Item(usize),
    /// A text of a map, by a name.
    Entry(Box<Self>, Box<Self>),
    Not(Box<Self>),
    /// All of them, or any of them.
    Join(Quantifier, Box<[Self; 2]>),
    Compare(Comparison, Box<[Self; 2]>),
    IsNull(Box<Self>),
    /// Whether one of these comparisons holds: a value among several.
    Among(Vec<Self>),
    /// Whether a text is an item of a list or a name of a map.
    In(Box<Self>, Box<Self>),
    /// Condition, then, otherwise.
    If(Box<[Self; 3]>),
    Size(Box<Self>),
    Lower(Box<Self>),
    Test(Box<Self>, Test),
    /// Whether the condition holds of all or of any of a list's items.
    Loop {
        over: Box<Self>,
        quantifier: Quantifier,
        body: Box<Self>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantifier {
    All,
    Any,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub(crate) fn is_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }
}

/// What is asked of a text.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    StartsWith(Box<Node>),
    EndsWith(Box<Node>),
    Contains(Box<Node>),
    Matches(Box<Regex>),
    Glob(Box<Glob>),
}
