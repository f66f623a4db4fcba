//! SPDX 2.3 (ISO/IEC 5962 and what came after): written in JSON and as tag-value, read in both from
//! 2.2 on.
//!
//! A bill in SPDX's terms is made here once; the syntaxes only spell it. What SPDX has no field for
//! stands in an annotation of its package: a JSON list of names and values.

pub mod json;
pub(crate) mod read_json;
pub(crate) mod read_tag_value;
pub mod tag_value;

use std::collections::{BTreeMap, HashMap};

use model::License;
use uuid::Uuid;

use crate::bill::{Component, ComponentKind, Draft};

pub(crate) const DOCUMENT_ID: &str = "SPDXRef-DOCUMENT";
const NOT_SAID: &str = "NOASSERTION";

/// Under which name the readers hand on what Trivy writes as `sourceInfo`: source package and version.
pub(crate) const BUILT_FROM: &str = "aquasecurity:trivy:builtFrom";

/// Hash algorithms by the names that inventories use, and SPDX's, with how many digits they have.
const ALGORITHMS: [(&str, &str, usize); 9] = [
    ("blake2b-256", "BLAKE2b-256", 64),
    ("blake2b-512", "BLAKE2b-512", 128),
    ("md5", "MD5", 32),
    ("sha1", "SHA1", 40),
    ("sha224", "SHA224", 56),
    ("sha256", "SHA256", 64),
    ("sha384", "SHA384", 96),
    ("sha512", "SHA512", 128),
    ("sha3-256", "SHA3-256", 64),
];

/// Algorithm and digits of a hash that the format can express.
fn hash(written: &str) -> Option<(&'static str, &str)> {
    let (name, digits) = written.split_once(':')?;
    let (_, algorithm, length) = ALGORITHMS.iter().find(|(ours, ..)| *ours == name)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_hex && digits.len() == *length).then_some((*algorithm, digits))
}

/// The hash as inventories write it.
fn read_hash(algorithm: &str, digits: &str) -> Option<String> {
    let (ours, ..) = ALGORITHMS.iter().find(|(_, theirs, _)| *theirs == algorithm)?;
    Some(format!("{ours}:{}", digits.to_ascii_lowercase()))
}

/// A bill in the terms of SPDX.
struct Document<'a> {
    draft: &'a Draft<'a>,
    name: &'a str,
    namespace: String,
    /// `YYYY-MM-DDThh:mm:ssZ`, and nothing finer.
    created: String,
    creator: String,
    comment: Option<&'static str>,
    /// Identifiers by the references of the bill.
    ids: HashMap<&'a str, String>,
    /// Licenses that are not on the list of SPDX: identifier and text.
    licenses: BTreeMap<String, &'a str>,
}

struct Package {
    id: String,
    component: Component,
    purpose: &'static str,
    supplier: String,
    license: String,
    /// What SPDX has no field for, as JSON; empty if there is nothing.
    annotation: String,
}

impl<'a> Document<'a> {
    fn of(draft: &'a Draft<'_>) -> Self {
        let extracted = draft.packages().filter_map(|(_, it)| match license(&it.license) {
            Declared::Extracted(id) => Some((id, it.license.as_str())),
            Declared::Expression(_) => None,
        });
        let subject = &draft.subject;
        Self {
            draft,
            name: if subject.name.is_empty() { "artifact" } else { &subject.name },
            namespace: format!("https://spdx.org/spdxdocs/lazaret-{}", draft.serial),
            created: to_the_second(draft.created()),
            creator: format!("Tool: lazaret-{}", env!("CARGO_PKG_VERSION")),
            comment: (!draft.is_complete())
                .then_some("incomplete: a part of what is described could not be read"),
            ids: ids(draft),
            licenses: extracted.collect(),
        }
    }

    /// What is described first. Each is made when it is asked for: all at once take more than the
    /// inventory.
    fn packages(&self) -> impl Iterator<Item = Package> + Clone {
        let all = std::iter::once(&self.draft.subject).cloned().chain(self.draft.components());
        all.map(|component| Package::of(self.id(&component.reference).to_owned(), component))
    }

    /// Element, relationship, element.
    fn relationships(&self) -> impl Iterator<Item = (&str, &'static str, &str)> + Clone {
        let subject = self.id(&self.draft.subject.reference);
        let components = self.draft.needs().skip(1);
        let contained = components.clone().map(|(reference, _)| self.id(reference));
        let needs = components.flat_map(move |(reference, needed)| {
            let from = self.id(reference);
            needed.into_iter().map(move |to| (from, "DEPENDS_ON", self.id(to)))
        });
        std::iter::once((DOCUMENT_ID, "DESCRIBES", subject))
            .chain(contained.map(move |part| (subject, "CONTAINS", part)))
            .chain(needs)
    }

    fn id(&self, reference: &str) -> &str {
        self.ids.get(reference).map_or("", String::as_str)
    }
}

impl Package {
    fn of(id: String, component: Component) -> Self {
        let annotation = match component.properties.is_empty() {
            true => String::new(),
            // `</text>` must not end the text of a tag: no angle bracket stands as it is.
            false => serde_json::to_string(&component.properties)
                .expect("texts always serialize")
                .replace('<', "\\u003c"),
        };
        Self {
            id,
            purpose: component.kind.spdx(),
            supplier: supplier(&component.publisher),
            license: license(&component.license).into(),
            annotation,
            component,
        }
    }

    /// Algorithm and digits.
    fn hashes(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.component.hashes.iter().filter_map(|written| hash(written))
    }
}

/// An identifier for everything described, by its reference.
fn ids<'a>(draft: &'a Draft<'_>) -> HashMap<&'a str, String> {
    let Component { reference, name, .. } = &draft.subject;
    let subject = (reference.as_str(), id("Artifact", name, reference));
    let os = draft.os.as_ref().map(|Component { reference, name, .. }| {
        (reference.as_str(), id("OperatingSystem", name, reference))
    });
    let packages = draft
        .packages()
        .map(|(reference, package)| (reference, id("Package", &package.name, reference)));
    std::iter::once(subject).chain(os).chain(packages).collect()
}

/// Identifiers take letters, digits, dots and dashes only, so that names need help to stay apart.
fn id(what: &str, name: &str, reference: &str) -> String {
    let of = Uuid::new_v5(&Uuid::NAMESPACE_OID, reference.as_bytes()).simple();
    let unique: String = of.to_string().chars().take(16).collect();
    let keep = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let name: String = name.chars().map(keep).take(64).collect();
    format!("SPDXRef-{what}-{name}-{unique}")
}

/// A vendor may be a person or an organization; that it is an organization says less.
fn supplier(publisher: &str) -> String {
    let name = one_line(publisher);
    if name.is_empty() { NOT_SAID.to_owned() } else { format!("Organization: {name}") }
}

/// A declared license in the terms of SPDX.
enum Declared {
    Expression(String),
    /// A reference to its text, for its terms are not certain.
    Extracted(String),
}

impl From<Declared> for String {
    fn from(declared: Declared) -> Self {
        match declared {
            Declared::Expression(text) | Declared::Extracted(text) => text,
        }
    }
}

fn license(declared: &str) -> Declared {
    if declared.trim().is_empty() {
        return Declared::Expression(NOT_SAID.to_owned());
    }
    if let Some(license) = License::of(declared) {
        return Declared::Expression(license.as_str().to_owned());
    }
    let of = Uuid::new_v5(&Uuid::NAMESPACE_OID, declared.as_bytes()).simple();
    Declared::Extracted(format!("LicenseRef-{of}"))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn to_the_second(time: &str) -> String {
    match time.get(..19) {
        Some(seconds) => format!("{seconds}Z"),
        None => time.to_owned(),
    }
}

impl ComponentKind {
    fn spdx(self) -> &'static str {
        match self {
            Self::Container => "CONTAINER",
            Self::File => "FILE",
            Self::OperatingSystem => "OPERATING-SYSTEM",
            Self::Library => "LIBRARY",
            Self::Application => "APPLICATION",
            Self::Other => "OTHER",
        }
    }

    fn of_spdx(purpose: &str) -> Self {
        match purpose {
            "CONTAINER" => Self::Container,
            // SPDX 2.3 has a dash here, its JSON schema an underscore.
            "OPERATING-SYSTEM" | "OPERATING_SYSTEM" => Self::OperatingSystem,
            "APPLICATION" => Self::Application,
            "FILE" => Self::File,
            // Other tools' packages have purposes of every sort, or none.
            _ => Self::Library,
        }
    }
}
