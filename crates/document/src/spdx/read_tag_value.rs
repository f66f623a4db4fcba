//! SPDX read from tag-value, 2.2 and 2.3: line by line.

use std::collections::HashMap;

use super::read_hash;
use super::read_json::{called, declared, is_purl, properties, relate, source_info, supplier};
use crate::bill::{Component, ComponentKind, Property};
use crate::sbom::{Form, Reading};

/// Reads as far as it goes; the error is why not further.
pub(crate) fn read(text: &str, reading: &mut Reading) -> Result<(), String> {
    let mut part = Part::Document;
    let mut annotations: HashMap<String, Vec<Property>> = HashMap::new();
    let mut about = String::new();
    let mut rest = text;
    let mut outcome = Ok(());
    while let Some((tag, value)) = next(&mut rest) {
        let Some(value) = value else {
            outcome = Err(format!("the text of `{tag}` does not end"));
            break;
        };
        match tag {
            "SPDXVersion" => {
                reading.recognize(Form::Spdx);
                reading.of_version(value);
            }
            "DocumentName" => reading.title(value.to_owned()),
            "Created" => reading.created(value.to_owned()),
            "Relationship" => {
                let words: Vec<&str> = value.split_whitespace().collect();
                if let [from, relationship, to] = words.as_slice() {
                    relate(from, relationship, to, reading);
                }
            }
            "PackageName" => {
                let component = Component { name: value.to_owned(), ..Component::default() };
                part.replace(Part::Package(Box::new(component), Vec::new()), reading);
            }
            "FileName" | "SnippetSPDXID" | "Annotator" => part.replace(Part::Document, reading),
            "SPDXREF" => value.clone_into(&mut about),
            "AnnotationComment" => {
                annotations.entry(about.clone()).or_default().extend(properties(value));
            }
            "LicenseID" => part.replace(Part::License(value.to_owned()), reading),
            "ExtractedText" => {
                if let Part::License(id) = &part {
                    reading.license(id.clone(), value.to_owned());
                }
            }
            _ => part.take(tag, value),
        }
    }
    part.replace(Part::Document, reading);
    reading.annotate(annotations);
    outcome
}

/// What the lines are about.
enum Part {
    Document,
    /// With its package URLs.
    Package(Box<Component>, Vec<String>),
    /// A license by its name.
    License(String),
}

impl Part {
    /// Goes on with another part; a package that ends here is handed on.
    fn replace(&mut self, by: Self, reading: &mut Reading) {
        if let Self::Package(component, purls) = std::mem::replace(self, by) {
            called(*component, purls, reading);
        }
    }

    /// Takes what a tag says of a package.
    fn take(&mut self, tag: &str, value: &str) {
        let Self::Package(component, purls) = self else { return };
        match tag {
            "SPDXID" => value.clone_into(&mut component.reference),
            "PackageVersion" => value.clone_into(&mut component.version),
            "PackageSupplier" => component.publisher = supplier(value),
            "PackageLicenseDeclared" => component.license = declared(value.to_owned()),
            "PackageDescription" => value.clone_into(&mut component.description),
            "PrimaryPackagePurpose" => component.kind = ComponentKind::of_spdx(value),
            "PackageChecksum" => {
                let hash = value
                    .split_once(':')
                    .and_then(|(algorithm, digits)| read_hash(algorithm.trim(), digits.trim()));
                component.hashes.extend(hash);
            }
            "ExternalRef" => {
                let words: Vec<&str> = value.split_whitespace().collect();
                if let [_, kind, locator] = words.as_slice()
                    && is_purl(kind)
                {
                    purls.push((*locator).to_owned());
                }
            }
            "PackageSourceInfo" => component.properties.extend(source_info(value)),
            _ => {}
        }
    }
}

/// The next tag and its value, which is None if its text does not end.
fn next<'a>(rest: &mut &'a str) -> Option<(&'a str, Option<&'a str>)> {
    loop {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        if line.is_empty() && after.is_empty() {
            return None;
        }
        let tag = line.split_once(':').filter(|_| !line.starts_with('#'));
        let Some((tag, value)) = tag else {
            *rest = after;
            continue;
        };
        let tag = tag.trim();
        if !value.trim_start().starts_with("<text>") {
            *rest = after;
            return Some((tag, Some(value.trim())));
        }
        let (_, text) = rest.split_once("<text>")?;
        let Some((text, after)) = text.split_once("</text>") else {
            *rest = "";
            return Some((tag, None));
        };
        *rest = after;
        return Some((tag, Some(text)));
    }
}
