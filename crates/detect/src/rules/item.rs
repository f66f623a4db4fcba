//! Lists, macros and rules as they are written, before anybody knows what their names mean.

use std::collections::{BTreeSet, HashMap};

use model::Priority;

use super::rule::{Action, Fixtures, Scope};
use super::written::Written;
use crate::diagnostic::Place;
use crate::yaml::Node;

#[derive(Debug)]
pub(super) struct List {
    pub(super) name: String,
    pub(super) place: Place,
    /// Each with its file.
    pub(super) items: Vec<(usize, Node)>,
}

#[derive(Debug)]
pub(super) struct Macro {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) condition: Written,
}

#[derive(Debug)]
pub(super) struct RuleItem {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) source: String,
    pub(super) description: String,
    pub(super) condition: Written,
    pub(super) output: Written,
    pub(super) priority: Priority,
    pub(super) tags: BTreeSet<String>,
    pub(super) enabled: bool,
    pub(super) exceptions: Vec<Exception>,
    pub(super) warns_of_types: bool,
    pub(super) skipped_if_unknown: bool,
    pub(super) form: Form,
}

/// What only rules of our own form say.
#[derive(Clone, Debug, Default)]
pub(super) struct Form {
    pub(super) title: Option<String>,
    pub(super) attack: Vec<String>,
    pub(super) scope: Scope,
    pub(super) action: Action,
    pub(super) fixtures: Fixtures,
}

/// Cases in which a rule does not fire, as tables of values.
#[derive(Clone, Debug)]
pub(super) struct Exception {
    pub(super) file: usize,
    pub(super) node: Node,
    pub(super) name: String,
    /// None only where values are appended to what is there.
    pub(super) fields: Option<OneOrMany>,
    pub(super) comparisons: Option<OneOrMany>,
    pub(super) values: Vec<(usize, Node)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Items of one kind by name, in the order in which they were defined first.
#[derive(Debug)]
pub(super) struct Items<T> {
    items: Vec<T>,
    positions: HashMap<String, usize>,
}

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self { items: Vec::new(), positions: HashMap::new() }
    }
}

impl<T> Items<T> {
    pub(super) fn get(&self, name: &str) -> Option<&T> {
        self.items.get(*self.positions.get(name)?)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        self.items.get_mut(*self.positions.get(name)?)
    }

    /// A later definition takes the place of an earlier one.
    pub(super) fn define(&mut self, name: &str, item: T) {
        match self.get_mut(name) {
            Some(earlier) => *earlier = item,
            None => {
                self.positions.insert(name.to_owned(), self.items.len());
                self.items.push(item);
            }
        }
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.positions.keys().map(String::as_str)
    }
}
