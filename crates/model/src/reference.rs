//! An image name as people type it, made explicit.
//!
//! `alpine:3.20` means `docker.io/library/alpine:3.20`: the rules are those of the OCI
//! distribution spec's grammar and of Docker's defaults. A reference that exists is well-formed,
//! so its parts may go into a URL path as they are.

use std::fmt;
use std::str::FromStr;

use crate::{Digest, DigestError};

/// The registry that a name without one means.
const DEFAULT_REGISTRY: &str = "docker.io";
/// Longest repository name that the distribution spec allows, registry included.
const NAME_LIMIT: usize = 255;
/// Longest tag that the distribution spec allows.
const TAG_LIMIT: usize = 128;

/// A parsed image reference. At least one of `tag` and `digest` is set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageRef {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is not an image reference.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    #[error("image name `{0}` is empty or has an empty part")]
    Empty(String),
    #[error("image name `{0}` has characters outside a-z, 0-9, `.`, `_`, `-` and `/`")]
    Characters(String),
    #[error("image name is longer than {NAME_LIMIT} characters")]
    TooLong,
    #[error("tag `{0}` is not 1 to {TAG_LIMIT} word characters, dots and dashes")]
    Tag(String),
    #[error(transparent)]
    Digest(#[from] DigestError),
}

impl ImageRef {
    /// Host, and port if one was given.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path under the registry, `library/` included where Docker implies it.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// What a manifest is asked for by: the digest if there is one, else the tag.
    pub fn manifest_reference(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => "latest".to_owned(),
        }
    }

    /// The same image served by another registry under another repository (a mirror).
    #[must_use]
    pub fn relocated(&self, registry: &str, repository: &str) -> Self {
        Self { registry: registry.to_owned(), repository: repository.to_owned(), ..self.clone() }
    }
}

impl FromStr for ImageRef {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse()?)),
            None => (text, None),
        };
        let (name, tag) = split_tag(rest)?;
        if name.len() > NAME_LIMIT {
            return Err(ReferenceError::TooLong);
        }
        let (registry, repository) = split_registry(name);
        check_repository(&repository, text)?;
        check_host(&registry, text)?;
        let tag = tag.or_else(|| digest.is_none().then(|| "latest".to_owned()));
        Ok(Self { registry, repository, tag, digest })
    }
}

fn split_tag(text: &str) -> Result<(&str, Option<String>), ReferenceError> {
    match text.rsplit_once(':') {
        // A colon before a slash belongs to the registry's port.
        Some((name, tag)) if !tag.contains('/') => {
            let starts_well = tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            let fits = tag.len() <= TAG_LIMIT
                && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
            if !starts_well || !fits {
                return Err(ReferenceError::Tag(tag.chars().take(TAG_LIMIT).collect()));
            }
            Ok((name, Some(tag.to_owned())))
        }
        _ => Ok((text, None)),
    }
}

fn split_registry(name: &str) -> (String, String) {
    match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => {
            let host = if host == "index.docker.io" { DEFAULT_REGISTRY } else { host };
            if host == DEFAULT_REGISTRY && !path.contains('/') {
                return (host.to_owned(), format!("library/{path}"));
            }
            (host.to_owned(), path.to_owned())
        }
        Some(_) => (DEFAULT_REGISTRY.to_owned(), name.to_owned()),
        None => (DEFAULT_REGISTRY.to_owned(), format!("library/{name}")),
    }
}

fn check_repository(repository: &str, whole: &str) -> Result<(), ReferenceError> {
    let well_formed = |part: &str| {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        part.bytes().all(|b| inner(b) || b"._-".contains(&b))
            && part.bytes().next().is_some_and(inner)
            && part.bytes().last().is_some_and(inner)
            && !part.contains("..")
    };
    let shown = || whole.chars().take(NAME_LIMIT).collect::<String>();
    let mut parts = repository.split('/');
    if parts.clone().any(str::is_empty) {
        return Err(ReferenceError::Empty(shown()));
    }
    if !parts.all(well_formed) {
        return Err(ReferenceError::Characters(shown()));
    }
    Ok(())
}

fn check_host(host: &str, whole: &str) -> Result<(), ReferenceError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b".-:[]".contains(&b);
    if host.bytes().all(allowed) {
        return Ok(());
    }
    Err(ReferenceError::Characters(whole.chars().take(NAME_LIMIT).collect()))
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        self.tag.iter().try_for_each(|tag| write!(f, ":{tag}"))?;
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_explicit() {
        let hex = "0".repeat(64);
        let cases = [
            ("alpine", "docker.io/library/alpine:latest".to_owned()),
            ("alpine:3.20", "docker.io/library/alpine:3.20".to_owned()),
            ("team/app", "docker.io/team/app:latest".to_owned()),
            ("docker.io/alpine", "docker.io/library/alpine:latest".to_owned()),
            ("localhost/app", "localhost/app:latest".to_owned()),
            ("localhost:5000/a/b:v1", "localhost:5000/a/b:v1".to_owned()),
            (&format!("q.io/a@sha256:{hex}"), format!("q.io/a@sha256:{hex}")),
            (&format!("q.io/a:t@sha256:{hex}"), format!("q.io/a:t@sha256:{hex}")),
        ];
        for (typed, explicit) in cases {
            let parsed = typed.parse::<ImageRef>();
            assert_eq!(parsed.map(|r| r.to_string()), Ok(explicit), "{typed}");
        }
    }

    #[test]
    fn what_could_leave_a_url_path_is_refused() {
        for broken in ["", ":", "a//b", "a/../b", "A", "a:b c", "a@sha256:zz", "é", "x.io/a?b"] {
            assert!(broken.parse::<ImageRef>().is_err(), "{broken}");
        }
    }
}
