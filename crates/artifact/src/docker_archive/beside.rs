//! The OCI index beside Docker's manifest: whether both mean the same image.
//!
//! Docker up to 24 reads `manifest.json`, containerd and Docker with its store read `index.json`
//! where there is one. Writers give both the same images. An archive in which they differ is made
//! to show one image to a scanner and another to who runs it, so that is never passed over, whichever
//! of the two was read.

use model::{Digest, ImageRef, Platform, Problem, ProblemKind};

use super::choice::configuration;
use super::{Entry, entries};
use crate::archive::Archive;
use crate::limits::{CONFIGURATIONS_MAX, MANIFEST_BYTES_MAX};
use crate::manifest::{self, Descriptor, Document, Resolved};
use crate::{ImageConfig, OpenError};

/// What the index says of the image that was chosen by the manifest.
#[derive(Default)]
pub(super) struct Beside {
    /// The digest of the OCI manifest that has its configuration.
    pub(super) manifest: Option<Digest>,
    /// That the index leads elsewhere.
    pub(super) problem: Option<Problem>,
}

/// The image that was chosen.
pub(super) struct Chosen<'a> {
    /// What the user called the archive.
    pub(super) name: &'a str,
    /// The names of the image.
    pub(super) tags: &'a [String],
    pub(super) config: &'a ImageConfig,
    pub(super) digest: &'a Digest,
    /// The platform that was asked for.
    pub(super) platform: Option<&'a Platform>,
}

impl Beside {
    /// Looks `chosen` up in the index of the archive.
    pub(super) fn look(archive: &Archive, chosen: &Chosen<'_>) -> Result<Self, OpenError> {
        let Chosen { name, digest, .. } = chosen;
        let Some(bytes) = archive.read("index.json", MANIFEST_BYTES_MAX)? else {
            return Ok(Self::default());
        };
        let problem = |message| Some(Problem::new(ProblemKind::Damaged, *name, message));
        let entries = match manifest::parse(name, &bytes) {
            Ok(Document::Index(entries)) => entries,
            Ok(Document::Manifest(_)) => {
                let message = "its `index.json` is no index".to_owned();
                return Ok(Self { manifest: None, problem: problem(message) });
            }
            Err(error) => {
                let message = format!("its `index.json`: {error}");
                return Ok(Self { manifest: None, problem: problem(message) });
            }
        };
        let mut fetch =
            |it: &Descriptor, limit| Ok(archive.read(&it.blob_path(), limit)?.unwrap_or_default());
        let manifest = manifest::find_by_config(name, entries.clone(), digest, &mut fetch);
        let elsewhere = chosen.elsewhere(entries, manifest.is_some(), &mut fetch);
        Ok(Self { manifest, problem: elsewhere.and_then(problem) })
    }
}

impl Chosen<'_> {
    /// Where the index leads instead, in words, if it does.
    fn elsewhere(
        &self,
        entries: Vec<Descriptor>,
        is_listed: bool,
        fetch: &mut manifest::Fetch<'_>,
    ) -> Option<String> {
        let Self { name, config, digest, .. } = self;
        let read = format!("the image `{digest}` of its `manifest.json`, which was read");
        if !is_listed {
            return Some(format!("its `index.json`, which containerd goes by, lacks {read}"));
        }
        let named: Vec<Descriptor> =
            entries.into_iter().filter(|it| is_named(self.tags, it)).collect();
        if named.is_empty() {
            return None;
        }
        let own = config.platform();
        let host = self.platform.cloned().unwrap_or_else(Platform::host);
        let mut resolve = |platform: &Platform| {
            manifest::resolve_entries(name, named.clone(), Some(platform), fetch)
        };
        let differs = |found: &Digest, platform: &Platform| {
            let message = format!(
                "its `index.json`, which containerd goes by, leads to the image `{found}` for \
                 `{platform}`, and not to {read}"
            );
            (found != *digest).then_some(message)
        };
        // An index tells variants apart that a configuration need not name.
        let is_vague = own.variant.is_none() && own.architecture == "arm";
        let at_own = match resolve(&own) {
            Ok(_) if is_vague => None,
            Ok(resolved) => differs(&resolved.config_digest, &own),
            Err(error) => Some(format!("its `index.json` cannot be compared: {error}")),
        };
        // What is listed for another platform is not always there.
        at_own.or_else(|| differs(&resolve(&host).ok()?.config_digest, &host))
    }
}

/// Whether an entry of the index has one of these names.
fn is_named(tags: &[String], entry: &Descriptor) -> bool {
    let full = |name: &str| name.parse::<ImageRef>().ok();
    let name = entry.annotation("io.containerd.image.name").or_else(|| entry.reference_name());
    name.is_some_and(|name| {
        tags.iter().any(|tag| {
            let bare = tag.rsplit_once(':').map(|(_, tag)| tag);
            tag == name || bare == Some(name) || full(tag).is_some_and(|it| Some(it) == full(name))
        })
    })
}

/// An image that was chosen by the index of an archive.
pub(crate) struct Indexed<'a> {
    /// What the user called the archive.
    pub(crate) name: &'a str,
    /// All that the index lists.
    pub(crate) index: &'a [Descriptor],
    pub(crate) resolved: &'a Resolved,
}

impl Indexed<'_> {
    /// That the archive's `manifest.json`, if it has one, leads elsewhere.
    pub(crate) fn look(&self, archive: &Archive) -> Option<Problem> {
        if !archive.contains("manifest.json") {
            return None;
        }
        let elsewhere = match entries(archive, self.name) {
            Ok(listed) if listed.len() > CONFIGURATIONS_MAX => Some(format!(
                "its `manifest.json`, which Docker goes by, lists {} images, more than the \
                 {CONFIGURATIONS_MAX} that are compared",
                listed.len()
            )),
            Ok(listed) => listed.iter().find_map(|it| self.elsewhere(archive, it)),
            Err(error) => Some(format!("its `manifest.json`: {error}")),
        };
        elsewhere.map(|message| Problem::new(ProblemKind::Damaged, self.name, message))
    }

    /// What an entry of `manifest.json` leads to instead, in words, if it does.
    fn elsewhere(&self, archive: &Archive, entry: &Entry) -> Option<String> {
        let Self { name, resolved, .. } = self;
        let (config, digest) = match configuration(archive, name, &entry.config) {
            Ok(configured) => configured,
            Err(error) => return Some(format!("its `manifest.json` cannot be compared: {error}")),
        };
        if digest == resolved.config_digest {
            return None;
        }
        let mut fetch =
            |it: &Descriptor, limit| Ok(archive.read(&it.blob_path(), limit)?.unwrap_or_default());
        let listed = manifest::find_by_config(name, self.index.to_vec(), &digest, &mut fetch);
        if listed.is_none() {
            return Some(format!(
                "its `manifest.json`, which Docker goes by, leads to the image `{digest}`, which its \
                 `index.json` lacks and which was not read"
            ));
        }
        let tags = entry.repo_tags.as_deref().unwrap_or_default();
        let platform = config.platform();
        let was_read = |it: &Descriptor| {
            it.digest == resolved.manifest_digest || resolved.indexes.contains(&it.digest)
        };
        let is_the_same = platform == resolved.config.platform()
            && self.index.iter().any(|it| was_read(it) && is_named(tags, it));
        is_the_same.then(|| {
            format!(
                "its `manifest.json`, which Docker goes by, leads to the image `{digest}` for \
                 `{platform}`, and not to the image `{}` of its `index.json`, which was read",
                resolved.config_digest
            )
        })
    }
}
