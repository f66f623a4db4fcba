//! The tables that definitions refer to: tests, objects, states and variables by id.
//!
//! What a criterion's test asks of installed packages is answered here; what follows from it is the
//! caller's matter.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::xml::{self, Element, Step};
use crate::{Document, FeedError};

/// What the tables may take. SUSE's largest file has some hundred thousand tests and states.
const MEMORY_LIMIT: usize = 128 << 20;
/// What an entry takes beside its texts: a slot of a map with room to spare, and its pieces of memory.
const ENTRY_BYTES: usize = 96;
/// The same of a value of a variable.
const VALUE_BYTES: usize = 2 * size_of::<Box<str>>() + 16;

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

/// Tests and what they refer to, by id. Ids are kept as hashes, for a document has a million of them
/// at most, of some fifty bytes each. That two of a million are taken for one has a chance of one in ten
/// million; a publisher who makes it happen could as well lie.
#[derive(Default)]
pub(super) struct Tables {
    tests: HashMap<Id, Test>,
    objects: HashMap<Id, Object>,
    states: HashMap<Id, State>,
    variables: HashMap<Id, Vec<Box<str>>>,
    /// What the entries take.
    memory: usize,
}

/// The hash of an id.
type Id = u64;

struct Test {
    /// Whether it is about packages, and holds where something matches.
    asks: bool,
    /// It searches a file for any text.
    searches: bool,
    object: Id,
    state: Option<Id>,
}

#[derive(Default)]
struct Object {
    name: Box<str>,
    variable: Option<Id>,
}

#[derive(Default)]
struct State {
    /// The operation and the value.
    evr: Option<(Box<str>, Box<str>)>,
    version: Option<(Box<str>, Box<str>)>,
    architectures: Box<str>,
}

/// A test, state, object or variable that is referred to is not in the document.
#[derive(Debug)]
pub(super) struct Missing;

impl Tables {
    /// Reads everything but the definitions. What stands before damage is kept.
    pub(super) fn read(document: &Document<'_>) -> (Self, Result<(), FeedError>) {
        let choose = |name: &str| match name {
            "definitions" | "generator" => Step::Skip,
            "oval_definitions" | "tests" | "objects" | "states" | "variables" => Step::Enter,
            _ => Step::Take,
        };
        let mut tables = Self::default();
        let end = xml::records(document, &choose, &mut |element| {
            if tables.memory <= MEMORY_LIMIT {
                tables.enter(&element);
            }
        });
        let is_over = tables.memory > MEMORY_LIMIT;
        let limit = || FeedError::content("its tests and states are more than are read");
        let end = end.and_then(|()| if is_over { Err(limit()) } else { Ok(()) });
        (tables, end)
    }

    fn enter(&mut self, element: &Element) {
        let id = hash(element.attribute("id"));
        let name = element.name.as_str();
        self.memory += ENTRY_BYTES;
        if let Some(kind) = name.strip_suffix("_test") {
            self.tests.insert(id, test(kind, element));
        } else if name.ends_with("_object") {
            let object = object(element);
            self.memory += object.name.len();
            self.objects.insert(id, object);
        } else if name.ends_with("_state") {
            let state = state(element);
            let pairs = [&state.evr, &state.version].into_iter().flatten();
            let values = pairs.map(|(operation, value)| operation.len() + value.len());
            self.memory += values.sum::<usize>() + state.architectures.len();
            self.states.insert(id, state);
        } else if name.ends_with("_variable") {
            let values: Vec<Box<str>> = element.all("value").map(|v| v.text().into()).collect();
            self.memory += values.iter().map(|value| VALUE_BYTES + value.len()).sum::<usize>();
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
    fn look_up(&self, test: &str) -> Result<Option<(&Object, Asked<'_>, &str)>, Missing> {
        let test = self.tests.get(&hash(test)).ok_or(Missing)?;
        if !test.asks {
            return Ok(None);
        }
        let state = match &test.state {
            None => None,
            Some(id) => Some(self.states.get(id).ok_or(Missing)?),
        };
        let Some(asked) = state.map_or(Some(Asked::Installed), State::asked) else {
            return Ok(None);
        };
        let object = self.objects.get(&test.object).ok_or(Missing)?;
        if object.variable.is_some_and(|variable| !self.variables.contains_key(&variable)) {
            return Err(Missing);
        }
        // A manifest is searched for names from a variable; other files, for anything.
        let of_package = object.variable.is_some() || !test.searches;
        let architectures = state.map_or("", |state| &*state.architectures);
        Ok(of_package.then_some((object, asked, architectures)))
    }

    fn names<'t>(&'t self, object: &'t Object) -> impl Iterator<Item = &'t str> {
        let own = Some(&*object.name).filter(|name| !name.is_empty());
        let values = object.variable.and_then(|variable| self.variables.get(&variable));
        own.into_iter().chain(values.into_iter().flatten().map(|value| &**value))
    }
}

/// A manifest (Ubuntu's files for OCI images) is searched for package names by patterns.
fn is_package_test(kind: &str) -> bool {
    matches!(kind, "rpminfo" | "dpkginfo" | "textfilecontent54")
}

impl State {
    /// None where the state is about something else: a release, an architecture, a signing key.
    fn asked(&self) -> Option<Asked<'_>> {
        match (&self.evr, &self.version) {
            (Some((operation, evr)), _) => match &**operation {
                "less than" => Some(Asked::Below(evr)),
                "less than or equal" => Some(Asked::Through(evr)),
                "greater than" if &**evr == "0:0-0" => Some(Asked::Installed),
                _ => None,
            },
            (None, Some((operation, version))) if &**operation == "equals" && &**version == "0" => {
                Some(Asked::Impossible)
            }
            _ => None,
        }
    }
}

/// The same for the same id, in every process.
fn hash(id: &str) -> Id {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

/// What an attribute refers to, unless it is empty.
fn reference(element: &Element, attribute: &str) -> Option<Id> {
    Some(element.attribute(attribute)).filter(|id| !id.is_empty()).map(hash)
}

fn test(kind: &str, element: &Element) -> Test {
    let negative = element.attribute("check_existence") == "none_exist"
        || element.attribute("check") == "none satisfy";
    let last = |name| element.children.iter().rfind(|child| child.name == name);
    Test {
        asks: !negative && is_package_test(kind),
        searches: kind == "textfilecontent54",
        object: hash(last("object").map_or("", |object| object.attribute("object_ref"))),
        state: last("state").and_then(|state| reference(state, "state_ref")),
    }
}

fn object(element: &Element) -> Object {
    let mut children = element.children.iter();
    let named = children.rfind(|child| matches!(&*child.name, "name" | "pattern"));
    named.map_or_else(Object::default, |child| Object {
        name: child.text().into(),
        variable: reference(child, "var_ref"),
    })
}

fn state(element: &Element) -> State {
    let mut state = State::default();
    let compared =
        |child: &Element| Some((child.attribute("operation").into(), child.text().into()));
    for child in &element.children {
        match &*child.name {
            "subexpression" if child.attribute("datatype") != "debian_evr_string" => {}
            "evr" | "subexpression" => state.evr = compared(child),
            "version" => state.version = compared(child),
            "arch" => state.architectures = child.text().into(),
            _ => {}
        }
    }
    state
}
