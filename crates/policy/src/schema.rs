//! The facts by name: which there are, of what type, what they mean, and where they are read.
//!
//! One line a fact, in one table a thing. The checker of expressions, their evaluation and the
//! tables of `docs/policy.md` all come from here.

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
        roots.push((on.name(), Type::Object(on.name())));
    }
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page's tables of facts are written from these lines:
    /// `UPDATE_DOCS=1 cargo test -p policy documented`.
    #[test]
    fn the_documented_facts_are_these() {
        const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policy-facts.md");
        let mut page = String::from(
            "# Facts\n\nWhat the expressions of a [policy](policy.md) can ask. Generated from \
             `crates/policy/src/schema/`.\nEvery fact may be `null`: then it is not known.\n",
        );
        for (name, facts) in TABLES {
            page.extend(["\n## `", name, "`\n\n| fact | is | meaning |\n|---|---|---|\n"]);
            for fact in *facts {
                page.push_str(&format!("| `{}` | {} | {} |\n", fact.name, shown(fact.kind), fact.about));
            }
        }
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(PAGE, &page).unwrap();
        }
        let documented = std::fs::read_to_string(PAGE).unwrap_or_default();
        assert!(documented == page, "UPDATE_DOCS=1 cargo test -p policy documented");
    }

    fn shown(kind: Type) -> String {
        match kind {
            Type::Word(words) => words.join(", "),
            Type::Object(table) => format!("[see there](#{table})"),
            Type::List => "a list of texts".to_owned(),
            Type::Map => "texts by name".to_owned(),
            other => other.to_string(),
        }
    }

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
