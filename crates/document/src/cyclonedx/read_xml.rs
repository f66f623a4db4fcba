//! CycloneDX read from XML, 1.2 to 1.6: element by element, nothing is kept but components.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

use super::{joined, read_hash};
use crate::bill::{Component, ComponentKind, Property};
use crate::sbom::{Form, Reading};

/// How deep elements may nest; components within components reach 20.
const DEPTH_MAX: usize = 256;

/// Elements that hold components or names which are not parts of what is described.
const SKIPPED: [&str; 10] = [
    "annotations",
    "declarations",
    "evidence",
    "externalReferences",
    "formulation",
    "pedigree",
    "releaseNotes",
    "services",
    "tools",
    "vulnerabilities",
];

/// Reads as far as it goes; the error is why not further.
pub(crate) fn read(text: &str, reading: &mut Reading) -> Result<(), String> {
    let mut reader = Reader::from_str(text);
    let mut walk = Walk {
        reading,
        open: Vec::new(),
        components: Vec::new(),
        attribute: String::new(),
        text: String::new(),
    };
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(tag) => {
                if SKIPPED.contains(&tag.local_name().into_inner()) {
                    reader.read_to_end(tag.name()).map_err(|error| error.to_string())?;
                } else {
                    walk.open(&tag)?;
                }
            }
            Event::Empty(tag) => {
                if !SKIPPED.contains(&tag.local_name().into_inner()) {
                    walk.open(&tag)?;
                    walk.close();
                }
            }
            Event::End(_) => walk.close(),
            Event::Text(text) => walk.text.push_str(&text),
            Event::CData(data) => walk.text.push_str(&data),
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(character)) => walk.text.push(character),
                // Entities that only a DTD could define are left out: DTDs are not read.
                _ => walk.text.push_str(resolve_predefined_entity(&reference).unwrap_or_default()),
            },
            Event::Eof if walk.open.is_empty() => return Ok(()),
            Event::Eof => return Err("it ends in the middle".to_owned()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

/// Where in the document reading stands.
struct Walk<'a> {
    reading: &'a mut Reading,
    /// The names of the elements that are open.
    open: Vec<String>,
    /// The components that are open, the innermost last.
    components: Vec<(Component, Vec<String>)>,
    /// The attribute of the innermost element that tells what its text means.
    attribute: String,
    text: String,
}

impl Walk<'_> {
    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), String> {
        if self.open.len() >= DEPTH_MAX {
            return Err(format!("elements nest deeper than {DEPTH_MAX}"));
        }
        let name = tag.local_name().into_inner().to_owned();
        self.text.clear();
        match name.as_str() {
            "bom" if self.open.is_empty() => {
                let namespace = attribute(tag, "xmlns");
                if let Some(version) = namespace.strip_prefix("http://cyclonedx.org/schema/bom/") {
                    self.reading.recognize(Form::CycloneDx);
                    self.reading.of_version(version);
                }
            }
            "component" => {
                let component = Component {
                    kind: ComponentKind::of_cyclonedx(&attribute(tag, "type")),
                    reference: attribute(tag, "bom-ref"),
                    ..Component::default()
                };
                self.components.push((component, Vec::new()));
            }
            "hash" => self.attribute = attribute(tag, "alg"),
            "property" => self.attribute = attribute(tag, "name"),
            "dependency" => {
                let needed = attribute(tag, "ref");
                if self.parent() == "dependency" {
                    self.reading.edge(&self.attribute, &needed);
                } else {
                    self.attribute = needed;
                }
            }
            _ => {}
        }
        self.open.push(name);
        Ok(())
    }

    fn close(&mut self) {
        let Some(name) = self.open.pop() else { return };
        let text = std::mem::take(&mut self.text).trim().to_owned();
        let parent = self.open.last().cloned().unwrap_or_default();
        if name == "component" {
            self.close_component(&parent);
        } else if name == "aggregate" && text.starts_with("incomplete") {
            self.reading.incomplete();
        } else if name == "timestamp" && parent == "metadata" {
            self.reading.created(text);
        } else if let Some((component, licenses)) = self.components.last_mut() {
            match (parent.as_str(), name.as_str()) {
                ("component", "group") => component.group = text,
                ("component", "name") => component.name = text,
                ("component", "version") => component.version = text,
                ("component", "publisher") => component.publisher = text,
                ("component", "description") => component.description = text,
                ("component", "purl") => component.purl = text,
                ("license", "id" | "name") | ("licenses", "expression") => licenses.push(text),
                ("hashes", "hash") => component.hashes.extend(read_hash(&self.attribute, &text)),
                ("properties", "property") => {
                    let name = self.attribute.clone().into();
                    component.properties.push(Property { name, value: text });
                }
                _ => {}
            }
        }
    }

    fn close_component(&mut self, parent: &str) {
        let Some((mut component, licenses)) = self.components.pop() else { return };
        component.license = joined(licenses);
        if parent == "metadata" {
            self.reading.subject(component);
        } else {
            self.reading.component(component);
        }
    }

    fn parent(&self) -> &str {
        self.open.last().map_or("", String::as_str)
    }
}

/// The value of an attribute; empty if there is none that can be read.
fn attribute(tag: &BytesStart<'_>, name: &str) -> String {
    let found =
        tag.attributes().with_checks(false).flatten().find(|it| it.key.into_inner() == name);
    let value = found.and_then(|it| it.normalized_value(XmlVersion::Implicit1_0).ok());
    value.map(std::borrow::Cow::into_owned).unwrap_or_default()
}
