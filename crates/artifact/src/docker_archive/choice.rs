//! Which image of several in an archive is read: the one that was named, for the platform that was
//! asked for, else the first, which is worth a notice.

use model::{Algorithm, Digest, ImageRef, Platform, Problem, ProblemKind};

use super::{Entry, damaged, member_path};
use crate::archive::Archive;
use crate::digest::digest_of;
use crate::error::OpenErrorKind;
use crate::limits::{CONFIG_BYTES_MAX, CONFIGURATIONS_MAX};
use crate::manifest::{self, check_digest};
use crate::{ImageConfig, OpenError, config};

/// Names of images shown when one has to be chosen.
const TAGS_SHOWN_MAX: usize = 20;

/// An image with its configuration.
pub(super) struct Choice {
    pub(super) entry: Entry,
    pub(super) config: ImageConfig,
    pub(super) digest: Digest,
    /// That there are others.
    pub(super) notice: Option<Problem>,
}

/// Chooses among `entries`, which the archive called `name` lists: by the `REPO:TAG` or tag `wanted`
/// and by `platform`.
pub(super) fn choose(
    archive: &Archive,
    name: &str,
    entries: Vec<Entry>,
    wanted: Option<&str>,
    platform: Option<&Platform>,
) -> Result<Choice, OpenError> {
    let mut tags: Vec<String> =
        entries.iter().flat_map(|it| it.repo_tags.iter().flatten().cloned()).collect();
    tags.truncate(TAGS_SHOWN_MAX);
    let tags = tags.join(", ");
    let not_found = |message| OpenError::new(OpenErrorKind::NotFound, message);
    // By a tag alone only where nothing has that name.
    let is_name = wanted.is_some_and(|wanted| entries.iter().any(|it| it.is_called(wanted)));
    let is_meant = |it: &Entry| {
        wanted
            .is_none_or(|wanted| if is_name { it.is_called(wanted) } else { it.is_tagged(wanted) })
    };
    let meant: Vec<Entry> = entries.into_iter().filter(is_meant).collect();
    let called = wanted.map_or_else(String::new, |wanted| format!(" `{wanted}`"));
    let count = meant.len();
    if count == 0 {
        let error = not_found(format!("`{name}` holds no image{called}"));
        return Err(if wanted.is_some() { error.hint(format!("it holds {tags}")) } else { error });
    }
    let (chosen, which) = match platform.filter(|_| count > 1) {
        Some(platform) => {
            (for_platform(archive, name, meant, platform)?, format!("the first for `{platform}`"))
        }
        None => (first(archive, name, meant)?, "the first".to_owned()),
    };
    let (entry, (config, digest)) = chosen;
    let message = format!("it holds {count} images{called}, of which {which} is read: {tags}");
    let notice = (count > 1).then(|| Problem::new(ProblemKind::Notice, name, message));
    Ok(Choice { entry, config, digest, notice })
}

type Configured = (Entry, (ImageConfig, Digest));

fn first(archive: &Archive, name: &str, entries: Vec<Entry>) -> Result<Configured, OpenError> {
    let first = entries.into_iter().next();
    let entry = first.ok_or_else(|| damaged(format!("`{name}` holds no image")))?;
    let configuration = configuration(archive, name, &entry.config)?;
    Ok((entry, configuration))
}

/// The entry whose configuration is for exactly this platform, else the first that serves it.
fn for_platform(
    archive: &Archive,
    name: &str,
    entries: Vec<Entry>,
    platform: &Platform,
) -> Result<Configured, OpenError> {
    let count = entries.len();
    let mut configured = Vec::new();
    for entry in entries.into_iter().take(CONFIGURATIONS_MAX) {
        let configuration = configuration(archive, name, &entry.config)?;
        configured.push((entry, configuration));
    }
    let platforms: Vec<Platform> =
        configured.iter().map(|(_, (config, _))| config.platform()).collect();
    if let Some(chosen) = manifest::best_for(platform, platforms.iter()) {
        return Ok(configured.swap_remove(chosen));
    }
    let beyond = if count > CONFIGURATIONS_MAX {
        format!(" among the first {CONFIGURATIONS_MAX} of {count}")
    } else {
        String::new()
    };
    let message = format!("`{name}` has no image for `{platform}`{beyond}");
    Err(manifest::with_platforms(OpenError::new(OpenErrorKind::NotFound, message), platforms))
}

/// The configuration and its digest, which its name in the archive promises too.
pub(super) fn configuration(
    archive: &Archive,
    name: &str,
    path: &str,
) -> Result<(ImageConfig, Digest), OpenError> {
    let path = member_path(name, path)?;
    let Some(bytes) = archive.read(&path, CONFIG_BYTES_MAX)? else {
        return Err(damaged(format!("`{name}` lacks the configuration `{path}`")));
    };
    if let Some(promised) = digest_in(&path) {
        check_digest(&bytes, &promised)?;
    }
    Ok((config::parse(&bytes)?, digest_of(Algorithm::Sha256, &bytes)))
}

/// The digest that a configuration's path promises: `HEX.json`, or a blob's.
fn digest_in(path: &str) -> Option<Digest> {
    let hex = path.strip_suffix(".json").unwrap_or(path);
    super::blob_digest(path).or_else(|| format!("sha256:{hex}").parse().ok())
}

impl Entry {
    /// Whether one of its names ends with this tag.
    fn is_tagged(&self, wanted: &str) -> bool {
        let mut names = self.repo_tags.iter().flatten();
        names.any(|name| name.rsplit_once(':').is_some_and(|(_, tag)| tag == wanted))
    }

    /// Whether one of its names is `wanted`.
    fn is_called(&self, wanted: &str) -> bool {
        let explicit = |name: &str| name.parse::<ImageRef>().ok();
        self.repo_tags.iter().flatten().any(|tag| {
            tag == wanted || explicit(tag).is_some_and(|tag| Some(tag) == explicit(wanted))
        })
    }
}
