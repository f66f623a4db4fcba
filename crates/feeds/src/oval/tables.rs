//! The tables that definitions refer to: tests, objects, states and variables by id.
//!
//! They borrow from the document. What a criterion's test asks of installed packages is answered
//! here; what follows from it is the caller's matter.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::FeedError;
use crate::xml::{self, Element, Step};

/// How many tests, objects, states and variables together are kept. SUSE's largest file has some
/// hundred thousand; a table entry takes about 100 bytes.
const TABLE_LIMIT: usize = 1 << 21;

/// What a test asks of an installed package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked<'t> {
    /// Older than this version.
    Below(&'t str),
    /// This version or older.
    Through(&'t str),
    /// Installed in any version.
    Installed,
    /// A version that no package has (`equals 0`): how SUSE says "not affected".
    Impossible,
}

/// A package test as it stands in a criteria tree.
#[derive(Debug)]
pub(crate) struct Package<'t> {
    pub(crate) name: &'t str,
    pub(crate) asked: Asked<'t>,
    /// A pattern such as `aarch64|x86_64`; empty for all.
    architectures: &'t str,
}

impl<'t> Package<'t> {
    /// The architectures that the test is about; one empty text for all.
    pub(crate) fn architectures(&self) -> impl Iterator<Item = &'t str> {
        let pattern = self.architectures.trim_matches(['(', ')']);
        pattern.split('|')
    }
}

/// Tests and what they refer to, by id.
#[derive(Default)]
pub(super) struct Tables<'a> {
    tests: HashMap<Cow<'a, str>, Test<'a>>,
    objects: HashMap<Cow<'a, str>, Object<'a>>,
    states: HashMap<Cow<'a, str>, State<'a>>,
    variables: HashMap<Cow<'a, str>, Vec<Cow<'a, str>>>,
}

struct Test<'a> {
    /// `rpminfo`, `dpkginfo`, `textfilecontent54`, …
    kind: &'a str,
    object: Cow<'a, str>,
    state: Cow<'a, str>,
    /// Holds when nothing matches: `none_exist`, `none satisfy`.
    negative: bool,
}

struct Object<'a> {
    name: Cow<'a, str>,
    variable: Cow<'a, str>,
}

#[derive(Default)]
struct State<'a> {
    /// The operation and the value.
    evr: Option<(Cow<'a, str>, Cow<'a, str>)>,
    version: Option<(Cow<'a, str>, Cow<'a, str>)>,
    architectures: Cow<'a, str>,
}

/// A test, state, object or variable that is referred to is not in the document.
#[derive(Debug)]
pub(super) struct Missing;

impl<'a> Tables<'a> {
    /// Reads everything but the definitions. What stands before damage is kept.
    pub(super) fn read(text: &'a str) -> (Self, Result<(), FeedError>) {
        let choose = |name: &str| match name {
            "definitions" | "generator" => Step::Skip,
            "oval_definitions" | "tests" | "objects" | "states" | "variables" => Step::Enter,
            _ => Step::Take,
        };
        let mut tables = Self::default();
        let mut entries = 0_usize;
        let end = xml::records(text, &choose, &mut |element| {
            entries += 1;
            if entries <= TABLE_LIMIT {
                tables.enter(element);
            }
        });
        let limit = FeedError::content(format!("more than {TABLE_LIMIT} tests and states"));
        let end = if entries > TABLE_LIMIT { end.and(Err(limit)) } else { end };
        (tables, end)
    }

    fn enter(&mut self, mut element: Element<'a>) {
        let id = element.take_attribute("id");
        let name = element.name;
        if let Some(kind) = name.strip_suffix("_test") {
            self.tests.insert(id, test(kind, &mut element));
        } else if name.ends_with("_object") {
            self.objects.insert(id, object(&mut element));
        } else if name.ends_with("_state") {
            self.states.insert(id, state(&mut element));
        } else if name.ends_with("_variable") {
            let values = element.children.iter_mut().filter(|child| child.name == "value");
            let values = values.map(|value| value.take_text()).collect();
            self.variables.insert(id, values);
        }
    }

    /// The packages that a test asks about, `room` at most: none for a test of a platform, a
    /// module, a signing key.
    pub(super) fn asks(&self, test: &str, room: usize) -> Result<Vec<Package<'_>>, Missing> {
        let Some((object, asked, architectures)) = self.look_up(test)? else {
            return Ok(Vec::new());
        };
        let names = self.names(object).take(room);
        Ok(names.map(|name| Package { name, asked, architectures }).collect())
    }

    /// What a test asks, of which object, for which architectures; None if of no package.
    fn look_up(&self, test: &str) -> Result<Option<(&Object<'a>, Asked<'_>, &str)>, Missing> {
        let test = self.tests.get(test).ok_or(Missing)?;
        if test.negative || !is_package_test(test.kind) {
            return Ok(None);
        }
        let state = match &*test.state {
            "" => None,
            id => Some(self.states.get(id).ok_or(Missing)?),
        };
        let Some(asked) = state.map_or(Some(Asked::Installed), State::asked) else {
            return Ok(None);
        };
        let object = self.objects.get(&test.object).ok_or(Missing)?;
        let by_variable = !object.variable.is_empty();
        if by_variable && !self.variables.contains_key(&object.variable) {
            return Err(Missing);
        }
        // A manifest is searched for names from a variable; other files, for anything.
        let of_package = by_variable || test.kind != "textfilecontent54";
        let architectures = state.map_or("", |state| &*state.architectures);
        Ok(of_package.then_some((object, asked, architectures)))
    }

    fn names<'t>(&'t self, object: &'t Object<'a>) -> impl Iterator<Item = &'t str> {
        let own = Some(&*object.name).filter(|name| !name.is_empty());
        let values = self.variables.get(&object.variable);
        own.into_iter().chain(values.into_iter().flatten().map(|value| &**value))
    }
}

/// A manifest (Ubuntu's files for OCI images) is searched for package names by patterns.
fn is_package_test(kind: &str) -> bool {
    matches!(kind, "rpminfo" | "dpkginfo" | "textfilecontent54")
}

impl State<'_> {
    /// None where the state is about something else: a release, an architecture, a signing key.
    fn asked(&self) -> Option<Asked<'_>> {
        match (&self.evr, &self.version) {
            (Some((operation, evr)), _) => match &**operation {
                "less than" => Some(Asked::Below(evr)),
                "less than or equal" => Some(Asked::Through(evr)),
                "greater than" if evr == "0:0-0" => Some(Asked::Installed),
                _ => None,
            },
            (None, Some((operation, version))) if operation == "equals" && version == "0" => {
                Some(Asked::Impossible)
            }
            _ => None,
        }
    }
}

fn test<'a>(kind: &'a str, element: &mut Element<'a>) -> Test<'a> {
    let negative = element.attribute("check_existence") == "none_exist"
        || element.attribute("check") == "none satisfy";
    let mut object = Cow::default();
    let mut state = Cow::default();
    for child in &mut element.children {
        match child.name {
            "object" => object = child.take_attribute("object_ref"),
            "state" => state = child.take_attribute("state_ref"),
            _ => {}
        }
    }
    Test { kind, object, state, negative }
}

fn object<'a>(element: &mut Element<'a>) -> Object<'a> {
    let mut object = Object { name: Cow::default(), variable: Cow::default() };
    for child in &mut element.children {
        if matches!(child.name, "name" | "pattern") {
            object.variable = child.take_attribute("var_ref");
            object.name = child.take_text();
        }
    }
    object
}

fn state<'a>(element: &mut Element<'a>) -> State<'a> {
    let mut state = State::default();
    for child in &mut element.children {
        match child.name {
            "subexpression" if child.attribute("datatype") != "debian_evr_string" => {}
            "evr" | "subexpression" => {
                state.evr = Some((child.take_attribute("operation"), child.take_text()))
            }
            "version" => {
                state.version = Some((child.take_attribute("operation"), child.take_text()));
            }
            "arch" => state.architectures = child.take_text(),
            _ => {}
        }
    }
    state
}
