//! An alert becomes an entry that allows it: the narrowest one that covers what happened.
//!
//! Who answers for it is left empty, so that a policy is refused until somebody does.

use model::event::Event;
use serde::Serialize;

use super::object::Objects;

/// An entry for `allow`, in the words of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Excuse {
    pub rules: Vec<String>,
    pub scope: ExcuseScope,
    pub processes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub destinations: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<String>,
    pub owner: String,
    pub reason: String,
}

/// The image, or the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExcuseScope {
    #[serde(skip_serializing_if = "Option::is_none", rename = "where")]
    pub place: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
}

impl Excuse {
    /// None where no entry could be so narrow: the image or the program is not known, or a name has
    /// characters that mean something else in a pattern, which somebody may have chosen for that.
    pub fn of(rule: &str, event: &Event) -> Option<Self> {
        let Objects { files, remote, domains } = Objects::of(event);
        let scope = match &event.container {
            None => ExcuseScope { place: Some("host".to_owned()), images: Vec::new() },
            Some(container) => {
                let image = literal(&container.image.as_ref()?.reference)?;
                ExcuseScope { place: None, images: vec![image] }
            }
        };
        let paths: Option<Vec<String>> = files.into_iter().map(|file| path(file)).collect();
        // Of a question the names are the object, not the server that is asked.
        let names: Option<Vec<String>> =
            domains.iter().map(|name| literal(std::str::from_utf8(name).ok()?)).collect();
        let mut destinations = names?;
        if destinations.is_empty() {
            destinations.extend(remote.map(|it| it.ip().to_canonical().to_string()));
        }
        let ports = remote.map(|address| address.port().to_string()).into_iter().collect();
        Some(Self {
            rules: vec![literal(rule)?],
            scope,
            processes: vec![path(&event.process.executable.path)?],
            files: paths?,
            destinations,
            ports,
            owner: String::new(),
            reason: String::new(),
        })
    }
}

/// A path that a pattern of paths may be made of.
fn path(path: &[u8]) -> Option<String> {
    let text = literal(std::str::from_utf8(path).ok()?)?;
    (text.starts_with('/') || text.starts_with("memfd:")).then_some(text)
}

/// A text that means itself.
fn literal(text: &str) -> Option<String> {
    let means_itself = !text.is_empty()
        && !text.contains(['*', '?'])
        && !text.starts_with("list:")
        && !text.contains(char::is_control);
    means_itself.then(|| text.to_owned())
}
