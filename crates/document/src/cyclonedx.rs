//! CycloneDX (ECMA-424): written as 1.6 in JSON and in XML, read from 1.2 to 1.6.
//!
//! Both syntaxes say the same: what is described, its components with licenses, hashes, places and
//! origins, what needs what, whether that is all, and the vulnerabilities that are known of it;
//! those that somebody silenced carry the analysis that says why.

pub mod json;
pub(crate) mod read_json;
pub(crate) mod read_xml;
pub(crate) mod vulnerability;
pub mod xml;

use model::License;

use crate::bill::ComponentKind;

/// Hash algorithms by the names that inventories use, and CycloneDX's.
const ALGORITHMS: [(&str, &str); 9] = [
    ("blake2b-256", "BLAKE2b-256"),
    ("blake2b-512", "BLAKE2b-512"),
    ("blake3", "BLAKE3"),
    ("md5", "MD5"),
    ("sha1", "SHA-1"),
    ("sha256", "SHA-256"),
    ("sha384", "SHA-384"),
    ("sha512", "SHA-512"),
    ("sha3-256", "SHA3-256"),
];

/// How many digits a digest may have (`hash-content` of the schema).
const DIGITS: [usize; 5] = [32, 40, 64, 96, 128];

/// Algorithm and digits of a hash that the format can express.
fn hash(written: &str) -> Option<(&'static str, &str)> {
    let (name, digits) = written.split_once(':')?;
    let (_, algorithm) = ALGORITHMS.iter().find(|(ours, _)| *ours == name)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_hex && DIGITS.contains(&digits.len())).then_some((*algorithm, digits))
}

/// The hash as inventories write it.
fn read_hash(algorithm: &str, digits: &str) -> Option<String> {
    let (ours, _) = ALGORITHMS.iter().find(|(_, theirs)| *theirs == algorithm)?;
    Some(format!("{ours}:{}", digits.to_ascii_lowercase()))
}

/// In the terms of SPDX where they are certain, else as the package declares it.
enum LicenseChoice<'a> {
    Expression(String),
    Id(String),
    Name(&'a str),
}

impl<'a> LicenseChoice<'a> {
    fn of(declared: &'a str) -> Option<Self> {
        match License::of(declared) {
            Some(License::Expression(expression)) => Some(Self::Expression(expression)),
            Some(License::Id(id)) => Some(Self::Id(id)),
            None if declared.is_empty() => None,
            None => Some(Self::Name(declared)),
        }
    }
}

impl ComponentKind {
    fn cyclonedx(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::File => "file",
            Self::OperatingSystem => "operating-system",
            Self::Library => "library",
            Self::Application => "application",
            Self::Other => "data",
        }
    }

    /// What a type of CycloneDX is to us.
    fn of_cyclonedx(name: &str) -> Self {
        match name {
            "container" => Self::Container,
            "file" => Self::File,
            "operating-system" => Self::OperatingSystem,
            "library" | "framework" => Self::Library,
            "application" => Self::Application,
            _ => Self::Other,
        }
    }
}

/// All of several licenses hold.
fn joined(licenses: Vec<String>) -> String {
    match <[String; 1]>::try_from(licenses) {
        Ok([only]) => only,
        Err(licenses) => {
            let grouped = |it: &String| match it.contains(" OR ") {
                true => format!("({it})"),
                false => it.clone(),
            };
            licenses.iter().map(grouped).collect::<Vec<_>>().join(" AND ")
        }
    }
}
