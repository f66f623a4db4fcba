//! Conditions as what a machine asks: names are found, types are checked, texts are sets.
//!
//! ```text
//! filter::Expression → Compiler → Condition (a graph; what several rules share stands in it once)
//! ```
//!
//! What cannot be asked is told here, with its place, before there is an event.

mod condition;
mod function;
mod literal;
mod operand;
mod options;
mod paths;
mod set;
mod show;
mod test;

use std::collections::HashSet;
use std::sync::Arc;

pub(crate) use condition::{CompileError, Compiler, Names, of_broken};
pub(crate) use operand::{Operand, Subject};
pub(crate) use show::{fields, text};
pub(crate) use test::Test;

use crate::field::Shape;
use crate::value::Value;

/// How deep a condition may be nested with all of its macros: all that walks it calls itself, on
/// stacks of 2 MiB. Falco's rules stay below 20.
pub(crate) const DEPTH_MAX: usize = 160;

/// A condition or a part of one.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) node: Node,
    /// How many nodes stand in each other below it.
    depth: usize,
}

#[derive(Debug)]
pub(crate) enum Node {
    And(Vec<Arc<Condition>>),
    Or(Vec<Arc<Condition>>),
    Not(Arc<Condition>),
    Check(Arc<Predicate>),
}

/// One question to an event.
#[derive(Debug)]
pub(crate) struct Predicate {
    pub(crate) left: Arc<Operand>,
    pub(crate) shape: Shape,
    pub(crate) test: Test,
    /// What the test compares with, where that is no constant.
    pub(crate) right: Option<Arc<Operand>>,
    /// As it is written, lists in their places.
    pub(crate) text: String,
}

impl Predicate {
    pub(crate) fn holds(&self, left: &Value<'_>, right: Option<&Value<'_>>) -> bool {
        let holds = |value: &Value<'_>| self.test.holds(value, right);
        match (left, &self.test) {
            (Value::Absent, _) => false,
            (_, Test::Exists) => true,
            (Value::List(values), test) => match self.shape {
                Shape::Either if test.is_negated() => values.iter().all(holds),
                Shape::List if test.wants_all() => values.iter().all(holds),
                Shape::One | Shape::Any | Shape::Either | Shape::List => values.iter().any(holds),
            },
            (value, _) => holds(value),
        }
    }

    /// How much it costs, roughly, next to others.
    pub(crate) fn cost(&self) -> u32 {
        self.left.cost() + self.test.cost() + self.right.as_ref().map_or(0, |right| right.cost())
    }
}

/// A field that a condition asks for in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lacking {
    pub(crate) field: String,
    pub(crate) why: &'static str,
}

/// Everything that a condition asks for, each node once.
pub(crate) fn operands(condition: &Arc<Condition>) -> Vec<&Arc<Operand>> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut left = vec![condition];
    while let Some(condition) = left.pop() {
        if !seen.insert(Arc::as_ptr(condition)) {
            continue;
        }
        match &condition.node {
            Node::And(parts) | Node::Or(parts) => left.extend(parts.iter().rev()),
            Node::Not(inner) => left.push(inner),
            Node::Check(check) => found.extend(std::iter::once(&check.left).chain(&check.right)),
        }
    }
    found
}
