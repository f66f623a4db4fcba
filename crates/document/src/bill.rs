//! A bill of materials apart from any format: what is described, what it is made of, and what
//! needs what.
//!
//! Every writer takes the [`Draft`] of a report, and every reader fills a [`Bill`] that [becomes an
//! inventory](Bill::into_sbom): the graph is built once, and what a format
//! cannot say in its own terms travels as a [`Property`] in all of them. A bill that comes from
//! outside may lie in every field.

mod from_report;
mod graph;
mod package;
pub(crate) mod property;
mod system;
mod to_inventory;

use model::Problem;

pub(crate) use from_report::Draft;
pub(crate) use property::Property;

/// A bill of materials that was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bill {
    /// RFC 3339.
    pub(crate) created: String,
    /// What the bill is about.
    pub(crate) subject: Component,
    /// The operating system first, then packages in the order of inventories.
    pub(crate) components: Vec<Component>,
    /// What it says of its own completeness; None where it says nothing.
    pub(crate) is_complete: Option<bool>,
    /// What went wrong on reading it.
    pub(crate) problems: Vec<Problem>,
}

/// What a component is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ComponentKind {
    Container,
    /// A file system, or a single file.
    File,
    OperatingSystem,
    #[default]
    Library,
    /// A program, or a group of packages: not always something that has a version.
    Application,
    /// Anything that is no package: firmware, data, services.
    Other,
}

/// A part of what is described, or the whole.
#[derive(Clone, Debug, Default)]
pub(crate) struct Component {
    /// Its name within the bill, unique there.
    pub(crate) reference: String,
    pub(crate) kind: ComponentKind,
    /// The namespace, where the format keeps it apart from the name.
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) version: String,
    /// Empty for what is no package.
    pub(crate) purl: String,
    pub(crate) publisher: String,
    pub(crate) description: String,
    /// As declared, or a license expression.
    pub(crate) license: String,
    /// `sha512:<lower-case hexadecimal>`
    pub(crate) hashes: Vec<String>,
    pub(crate) properties: Vec<Property>,
    /// References of the components that it needs, in a bill that was read.
    pub(crate) depends_on: Vec<String>,
}

impl Component {
    /// The value of the first property of this name.
    pub(crate) fn property(&self, name: &str) -> Option<&str> {
        let named = self.properties.iter().find(|property| property.name == name);
        named.map(|property| property.value.as_str())
    }
}
