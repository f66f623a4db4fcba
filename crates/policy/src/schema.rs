//! The facts by name: which there are, of what type, what they mean, and where they are read.
//!
//! One line a fact, in one table a thing. The checker of expressions, their evaluation and the
//! tables of `docs/policy.md` all come from here.

/// The names of a type's values, so that a fact is never compared with a word that it cannot be.
macro_rules! words {
    ($words:ident, $kind:ident) => {
        const $words: &[&str] = &{
            let mut names = [""; $kind::ALL.len()];
            let mut at = 0;
            while at < names.len() {
                names[at] = $kind::ALL[at].name();
                at += 1;
            }
            names
        };
    };
}

mod finding;
mod image;
mod inside;
mod package;

use model::{Finding, Malware, Misconfiguration, Package, Problem, Secret};

use crate::facts::{On, Scene, Subject};
use crate::value::{Type, Value};

/// One fact.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fact {
    pub(crate) name: &'static str,
    pub(crate) kind: Type,
    /// One line for the documentation.
    pub(crate) about: &'static str,
    pub(crate) read: Read,
}

/// How a fact is read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Read {
    /// Of the image, whatever a rule looks at.
    Image(for<'a> fn(&'a Scene<'a>) -> Value<'a>),
    /// Of the package, or of the package that a finding is about.
    Package(for<'a> fn(&'a Scene<'a>, &'a Package) -> Value<'a>),
    Finding(for<'a> fn(&'a Scene<'a>, &'a Finding) -> Value<'a>),
    Secret(for<'a> fn(&'a Scene<'a>, &'a Secret) -> Value<'a>),
    Malware(for<'a> fn(&'a Scene<'a>, &'a Malware) -> Value<'a>),
    Misconfiguration(for<'a> fn(&'a Scene<'a>, &'a Misconfiguration) -> Value<'a>),
    Problem(for<'a> fn(&'a Scene<'a>, &'a Problem) -> Value<'a>),
    /// Leads to another table.
    Table,
}

impl Read {
    /// The fact of one thing; null where it is a fact of another kind of thing, which the checker
    /// lets nobody ask for.
    pub(crate) fn of<'a>(self, scene: &'a Scene<'a>, subject: Subject<'a>) -> Value<'a> {
        match (self, subject) {
            (Self::Image(read), _) => read(scene),
            (Self::Package(read), Subject::Package(it)) => read(scene, it),
            (Self::Package(read), Subject::Finding(it)) => read(scene, &it.package),
            (Self::Finding(read), Subject::Finding(it)) => read(scene, it),
            (Self::Secret(read), Subject::Secret(it)) => read(scene, it),
            (Self::Malware(read), Subject::Malware(it)) => read(scene, it),
            (Self::Misconfiguration(read), Subject::Misconfiguration(it)) => read(scene, it),
            (Self::Problem(read), Subject::Problem(it)) => read(scene, it),
            _ => Value::Null,
        }
    }
}

/// Every table, by the name that [`Type::Object`] calls it by.
pub(crate) const TABLES: &[(&str, &[Fact])] = &[
    ("image", image::IMAGE),
    ("os", image::OS),
    ("finding", finding::FINDING),
    ("package", package::PACKAGE),
    ("secret", inside::SECRET),
    ("malware", inside::MALWARE),
    ("misconfiguration", inside::MISCONFIGURATION),
    ("problem", inside::PROBLEM),
];

/// The facts of a table.
pub(crate) fn table(name: &str) -> &'static [Fact] {
    TABLES.iter().find(|(table, _)| *table == name).map_or(&[], |(_, facts)| facts)
}

/// What an expression may begin with where a rule looks at this.
pub(crate) fn roots(on: On) -> Vec<(&'static str, Type)> {
    let mut roots = vec![("image", Type::Object("image")), ("today", Type::Date)];
    if on != On::Image {
        roots.push((on.called(), Type::Object(on.name())));
    }
    roots
}

/// One fact, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactDescription {
    /// The thing that has it: `finding`.
    pub of: &'static str,
    /// What conditions call that thing: `pkg`, `image.os`.
    pub called: &'static str,
    pub name: &'static str,
    /// What it is: `a number`, or which words it may be.
    pub kind: String,
    pub about: &'static str,
}

/// Every fact, thing by thing.
pub fn facts() -> Vec<FactDescription> {
    let of = |(table, facts): &(&'static str, &'static [Fact])| {
        let table = *table;
        facts.iter().map(move |fact| FactDescription {
            of: table,
            called: called(table),
            name: fact.name,
            kind: shown(fact.kind),
            about: fact.about,
        })
    };
    TABLES.iter().flat_map(of).collect()
}

fn called(table: &'static str) -> &'static str {
    match table {
        "os" => "image.os",
        _ => On::ALL.into_iter().find(|on| on.name() == table).map_or(table, On::called),
    }
}

fn shown(kind: Type) -> String {
    match kind {
        Type::Word(words) => words.join(", "),
        Type::Object(table) => format!("see {table}"),
        Type::List => "a list of texts".to_owned(),
        Type::Map => "texts by name".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        for (table, facts) in TABLES {
            let mut names: Vec<&str> = facts.iter().map(|fact| fact.name).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), facts.len(), "{table}");
        }
    }
}
