//! Where an image is to be asked for: the registry itself, or mirrors before it, as
//! `registries.conf` says (containers-registries.conf(5), version 2).
//!
//! A name without a registry always means `docker.io`, as it does to Docker:
//! `unqualified-search-registries` is not followed, since a search would let the first registry
//! that answers decide which image was meant. This file must never open a connection.

use std::fs;
use std::path::{Path, PathBuf};

use model::{ImageRef, Problem, ProblemKind};
use serde::Deserialize;

use crate::Environment;

/// Configuration written by people is a few KiB.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Drop-in files read, in the order of their names.
const FILES_MAX: usize = 200;

/// One place to ask for an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// The image under the name it has there.
    pub(crate) image: ImageRef,
    /// Whether certificates are left unchecked and plain HTTP is spoken where TLS is not.
    pub(crate) insecure: bool,
}

/// What `registries.conf` says of registries.
#[derive(Debug, Default, Deserialize)]
pub struct Registries {
    #[serde(default, rename = "registry")]
    entries: Vec<Entry>,
}

#[derive(Debug, Default, Deserialize)]
struct Entry {
    /// What an image's name begins with; `location` where it is left out. `*.host` stands for
    /// any subdomain.
    #[serde(default)]
    prefix: String,
    /// What takes the prefix's place; the prefix itself where it is left out.
    #[serde(default)]
    location: String,
    #[serde(default)]
    insecure: bool,
    #[serde(default)]
    blocked: bool,
    #[serde(default, rename = "mirror-by-digest-only")]
    mirror_by_digest_only: bool,
    #[serde(default, rename = "mirror")]
    mirrors: Vec<Mirror>,
}

#[derive(Debug, Default, Deserialize)]
struct Mirror {
    #[serde(default)]
    location: String,
    #[serde(default)]
    insecure: bool,
    /// `all`, `digest-only` or `tag-only`; empty means all.
    #[serde(default, rename = "pull-from-mirror")]
    pull_from_mirror: String,
}

/// Why an image is not to be asked for at all.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Blocked {
    pub(crate) prefix: String,
}

impl Registries {
    /// Reads the user's file or else the system's, and the drop-ins beside them. A file that does
    /// not parse is left out and named in a Problem.
    pub(crate) fn load(environment: &Environment) -> (Self, Vec<Problem>) {
        let (mut registries, mut problems) = (Self::default(), Vec::new());
        for path in files(environment) {
            match read(&path) {
                Ok(more) => registries.add(more),
                Err(why) => {
                    let subject = path.display().to_string();
                    problems.push(Problem::new(ProblemKind::Notice, subject, why));
                }
            }
        }
        (registries, problems)
    }

    /// A later file speaks the last word on a prefix.
    fn add(&mut self, more: Self) {
        for entry in more.entries {
            self.entries.retain(|known| known.prefix() != entry.prefix());
            self.entries.push(entry);
        }
    }

    /// The places to ask for `image`, in order: mirrors first, the registry itself last.
    /// `insecure` names the hosts of which the user said so on the command line.
    pub(crate) fn endpoints(
        &self,
        image: &ImageRef,
        insecure: &[String],
    ) -> Result<Vec<Endpoint>, Blocked> {
        let asked = |image: &ImageRef| insecure.iter().any(|host| host == image.registry());
        let Some((entry, matched)) = self.entry_for(image) else {
            return Ok(vec![Endpoint { insecure: asked(image), image: image.clone() }]);
        };
        if entry.blocked {
            return Err(Blocked { prefix: entry.prefix().to_owned() });
        }
        let mut endpoints = Vec::new();
        for mirror in entry.mirrors.iter().filter(|mirror| mirror.serves(image, entry)) {
            endpoints.extend(at(image, matched, &mirror.location, mirror.insecure));
        }
        // A wildcard has no one place to stand for; the image stays where it is.
        let location = if entry.location.is_empty() { matched } else { &entry.location };
        endpoints.extend(at(image, matched, location, entry.insecure));
        for endpoint in &mut endpoints {
            endpoint.insecure |= asked(&endpoint.image);
        }
        Ok(endpoints)
    }

    /// The entry with the longest prefix that fits, and the part of the image's name it fits.
    fn entry_for<'a>(&'a self, image: &'a ImageRef) -> Option<(&'a Entry, &'a str)> {
        self.entries
            .iter()
            .filter_map(|entry| Some((entry, entry.matches(image)?)))
            .max_by_key(|(entry, _)| entry.prefix().len())
    }
}

impl Entry {
    fn prefix(&self) -> &str {
        if self.prefix.is_empty() { &self.location } else { &self.prefix }
    }
}
