//! A Maven project (`pom.xml`, POM 4.0.0), as far as one file tells: its coordinates, licences and
//! dependencies. Parents in other files are not looked up; a value that only they would give stays
//! unknown.

use std::borrow::Cow;
use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, Event};

use super::coordinates::Coordinates;

/// How deep elements may nest; plugin configurations reach about 20.
const DEPTH_MAX: usize = 128;

/// Properties may refer to each other; real ones do so three or four times.
const REFERENCES_MAX: usize = 8;

/// Bytes that a value may grow to by what it refers to: references that double each time would
/// otherwise fill the memory.
const VALUE_MAX: usize = 1024;

/// What one file says, references resolved.
#[derive(Default)]
pub(super) struct Pom {
    pub(super) own: Coordinates,
    /// Names in the order of the file.
    pub(super) licenses: Vec<String>,
    pub(super) dependencies: Vec<Dependency>,
    managed: HashMap<(String, String), Managed>,
    properties: HashMap<String, String>,
    parent: Coordinates,
}

/// What is said once of all dependencies on an artifact that do not say it themselves.
#[derive(Clone, Default)]
struct Managed {
    version: String,
    scope: String,
}

#[derive(Clone, Default)]
pub(super) struct Dependency {
    /// The version as written: a range, or empty if a parent decides.
    pub(super) coordinates: Coordinates,
    pub(super) classifier: String,
    /// `jar` if it is empty.
    pub(super) kind: String,
    scope: String,
    optional: String,
}

impl Dependency {
    /// Whether the built artifact needs it where it runs.
    pub(super) fn is_needed(&self) -> bool {
        let scope = matches!(self.scope.as_str(), "" | "compile" | "runtime");
        scope && self.optional != "true"
    }

    /// Whether only the project's tests need it.
    pub(super) fn is_of_tests(&self) -> bool {
        self.scope == "test"
    }
}

impl Pom {
    /// What was read before an error is kept beside it.
    pub(super) fn parse(text: &str) -> (Self, Option<String>) {
        let mut pom = Self::default();
        let error = pom.read(text).err();
        pom.resolve();
        (pom, error)
    }

    fn read(&mut self, text: &str) -> Result<(), String> {
        let mut reader = Reader::from_str(text);
        let mut path: Vec<String> = Vec::new();
        let mut value = String::new();
        let mut dependency = Dependency::default();
        loop {
            match reader.read_event().map_err(|error| error.to_string())? {
                Event::Start(tag) => {
                    if path.len() >= DEPTH_MAX {
                        return Err(format!("elements nest deeper than {DEPTH_MAX}"));
                    }
                    path.push(local(tag.name().into_inner()).to_owned());
                    value.clear();
                }
                Event::End(_) => {
                    self.take(&path, value.trim(), &mut dependency);
                    path.pop();
                    value.clear();
                }
                Event::Text(text) => value.push_str(&text),
                Event::CData(text) => value.push_str(&text),
                Event::GeneralRef(reference) => value.push_str(&resolved(&reference)),
                Event::Eof if path.is_empty() => return Ok(()),
                Event::Eof => return Err(format!("it ends inside `{}`", path.join("/"))),
                _ => {}
            }
        }
    }

    /// An element ends.
    fn take(&mut self, path: &[String], value: &str, dependency: &mut Dependency) {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["project", "parent", field] => set(&mut self.parent, field, value),
            ["project", "properties", key] => {
                self.properties.insert((*key).to_owned(), value.to_owned());
            }
            ["project", "licenses", "license", "name"] => self.licenses.push(value.to_owned()),
            ["project", "dependencies", "dependency"] => {
                self.dependencies.push(std::mem::take(dependency));
            }
            ["project", "dependencyManagement", "dependencies", "dependency"] => {
                let Dependency { coordinates, scope, .. } = std::mem::take(dependency);
                let Coordinates { group, artifact, version } = coordinates;
                self.managed.insert((group, artifact), Managed { version, scope });
            }
            ["project", "dependencies", "dependency", field]
            | ["project", "dependencyManagement", "dependencies", "dependency", field] => {
                match *field {
                    "scope" => value.clone_into(&mut dependency.scope),
                    "optional" => value.clone_into(&mut dependency.optional),
                    "classifier" => value.clone_into(&mut dependency.classifier),
                    "type" => value.clone_into(&mut dependency.kind),
                    field => set(&mut dependency.coordinates, field, value),
                }
            }
            ["project", field] => set(&mut self.own, field, value),
            _ => {}
        }
    }

    fn resolve(&mut self) {
        let parent = self.parent.clone();
        for (own, inherited) in
            [(&mut self.own.group, parent.group), (&mut self.own.version, parent.version)]
        {
            if own.is_empty() {
                *own = inherited;
            }
        }
        let own = self.filled(&self.own);
        let managed: HashMap<(String, String), Managed> = self
            .managed
            .iter()
            .map(|((group, artifact), Managed { version, scope })| {
                let managed = Managed { version: self.fill(version), scope: scope.clone() };
                ((self.fill(group), self.fill(artifact)), managed)
            })
            .collect();
        let mut dependencies = self.dependencies.clone();
        for dependency in &mut dependencies {
            let mut coordinates = self.filled(&dependency.coordinates);
            let key = (coordinates.group.clone(), coordinates.artifact.clone());
            let managed = managed.get(&key).cloned().unwrap_or_default();
            if coordinates.version.is_empty() {
                coordinates.version = managed.version;
            }
            if dependency.scope.is_empty() {
                dependency.scope = managed.scope;
            }
            dependency.classifier = self.fill(&dependency.classifier);
            dependency.kind = self.fill(&dependency.kind);
            dependency.coordinates = coordinates;
        }
        (self.own, self.dependencies) = (own, dependencies);
    }

    fn filled(&self, coordinates: &Coordinates) -> Coordinates {
        Coordinates {
            group: self.fill(&coordinates.group),
            artifact: self.fill(&coordinates.artifact),
            version: self.fill(&coordinates.version),
        }
    }

    /// The text with its references resolved; empty if one of them cannot be.
    fn fill(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for _ in 0..REFERENCES_MAX {
            let Some((before, rest)) = filled.split_once("${") else { return filled };
            let Some((key, after)) = rest.split_once('}') else { return String::new() };
            let Some(value) = self.property(key) else { return String::new() };
            filled = format!("{before}{value}{after}");
            if filled.len() > VALUE_MAX {
                return String::new();
            }
        }
        if filled.contains("${") { String::new() } else { filled }
    }

    fn property(&self, key: &str) -> Option<&str> {
        if let Some(value) = self.properties.get(key) {
            return Some(value);
        }
        let value = match key.strip_prefix("project.").or_else(|| key.strip_prefix("pom."))? {
            "groupId" => &self.own.group,
            "artifactId" => &self.own.artifact,
            "version" => &self.own.version,
            "parent.groupId" => &self.parent.group,
            "parent.version" => &self.parent.version,
            _ => return None,
        };
        Some(value)
    }
}

fn set(coordinates: &mut Coordinates, field: &str, value: &str) {
    let field = match field {
        "groupId" => &mut coordinates.group,
        "artifactId" => &mut coordinates.artifact,
        "version" => &mut coordinates.version,
        _ => return,
    };
    value.clone_into(field);
}

fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// Entities that a DTD would define are left out: DTDs are not read.
fn resolved(reference: &BytesRef<'_>) -> Cow<'static, str> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => character.to_string().into(),
        _ => resolve_predefined_entity(reference).unwrap_or_default().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_bounded() {
        let text = "<project><groupId>g</groupId><artifactId>a</artifactId><version>${a}</version>\
                    <properties><a>${b}${b}</a><b>${a}${a}</b></properties></project>";
        let (pom, error) = Pom::parse(text);
        assert_eq!((pom.own.version.as_str(), error), ("", None));
    }

    #[test]
    fn elements_nest_to_a_depth() {
        let (_, error) = Pom::parse(&"<a>".repeat(DEPTH_MAX + 1));
        assert!(error.is_some_and(|error| error.contains("deeper")));
    }
}
