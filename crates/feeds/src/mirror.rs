//! Ready segments from a mirror: an index of what there is, and the segments that it lists.
//!
//! Any file server is a mirror, and so is an OCI registry (`lazaret db export` makes both). The
//! index says what there is and its digests; if keys are trusted it must be signed by one of
//! them. A segment is installed only when its bytes have the digest of the index and are sound, and
//! its publisher was heard no earlier than for what is installed.

mod files;
mod kept;
mod registry;

use std::sync::Arc;

use advisories::{Heard, Index, IndexEntry, PublicKey, Segment, Store, StoreError};
use model::{Digest, Problem, ProblemKind};
use sha2::{Digest as _, Sha256};

use self::files::Files;
use self::registry::Registry;
use crate::Options;
use crate::age::Age;
use crate::failure::Cause;
use crate::hosts::Patience;
use crate::http::Http;
use crate::update::UpdateReport;

/// Longest index or signature: a line of some 300 bytes for each of a few thousand streams.
const INDEX_LIMIT: u64 = 16 << 20;
/// How the URL of a mirror in an OCI registry begins.
const OCI: &str = "oci://";

/// Where a mirror is.
enum Mirror<'a> {
    Files(Files<'a>),
    Registry(Box<Registry<'a>>),
}

/// Brings the streams that differ from the mirror's. `url` is that of its folder, or
/// `oci://HOST/REPOSITORY[:TAG]`.
pub(crate) fn update(
    http: &Http<'_>,
    url: &str,
    streams: &[String],
    store: &Store,
    options: &Options,
    report: &mut UpdateReport,
) {
    let is_there = |stream: &String| matches!(store.segment(stream), Ok(Some(_)));
    let patience = if streams.iter().all(is_there) { Patience::Short } else { Patience::Long };
    let opened = Mirror::open(http, url, patience, options)
        .and_then(|mirror| mirror.index_once(url, store, options).map(|index| (mirror, index)));
    let (mirror, index) = match opened {
        Ok(opened) => opened,
        Err(cause) => {
            return streams.iter().for_each(|s| report.not_refreshed(s, &cause, store, options));
        }
    };
    for stream in streams {
        let outcome = match index.entry(stream) {
            _ if options.stop.is_stopped() => Err(Cause::stopped()),
            Some(entry) => mirror.bring(entry, store, options).and_then(|brought| {
                if !matches!(brought, Brought::Older(_)) {
                    heard(entry, store, options)?;
                }
                Ok(brought)
            }),
            None => Err(Cause::network(format!("the mirror `{url}` does not have it"))),
        };
        match outcome {
            Ok(Brought::New) => report.mirrored.push(stream.clone()),
            Ok(Brought::Same) => report.unchanged.push(stream.clone()),
            Ok(Brought::Older(why)) => {
                let message = format!("the mirror `{url}` is older than what is installed: {why}");
                let problem = Problem::new(ProblemKind::AdvisoriesStale, stream, message);
                report.imported.problems.push(problem);
                continue;
            }
            Err(cause) => {
                report.not_refreshed(stream, &cause, store, options);
                continue;
            }
        }
        report.imported.problems.extend(stale(stream, url, store, options));
    }
}

/// A mirror's word that its publisher had no news is worth as much as having asked oneself. That
/// the mirror has none says nothing of the publisher.
fn heard(entry: &IndexEntry, store: &Store, options: &Options) -> Result<(), Cause> {
    let Some(checked_at) = &entry.checked_at else { return Ok(()) };
    // Of the same bytes somebody may have heard later here.
    let installed = store.heard(&entry.stream);
    if installed.is_some_and(|it| it.is_newer_than(Heard::at_most(entry), options.now)) {
        return Ok(());
    }
    store.mark_checked(&entry.stream, checked_at).map_err(|error| Cause::local(error.to_string()))
}

/// A mirror that is not kept up to date.
fn stale(stream: &str, url: &str, store: &Store, options: &Options) -> Option<Problem> {
    let age = Age::of(stream, store, options.now).filter(|age| age.exceeds(options.max_age))?;
    let message = format!("the mirror `{url}` has nothing newer, so data {age} is used");
    Some(Problem::new(ProblemKind::AdvisoriesStale, stream, message))
}

enum Brought {
    New,
    Same,
    /// Left where it is, and why.
    Older(String),
}

/// Why what is installed stays: it is known to be newer than what is offered, as a mirror that was
/// left alone and a signed index that somebody replays have it.
fn older(
    stream: &str,
    offered: Option<Heard>,
    store: &Store,
    options: &Options,
) -> Option<Brought> {
    let installed = store.heard(stream).filter(|_| !options.allow_older)?;
    let is_older = installed.is_newer_than(offered, options.now);
    is_older.then(|| {
        let offered = offered.map_or_else(|| "no date".to_owned(), |it| it.to_string());
        Brought::Older(format!(
            "its data is of {offered}, ours of {installed} stays; hint: `lazaret db update \
             --allow-older {stream}` takes it all the same"
        ))
    })
}

impl<'a> Mirror<'a> {
    fn open(
        http: &'a Http<'a>,
        url: &'a str,
        patience: Patience,
        options: &'a Options,
    ) -> Result<Self, Cause> {
        match url.strip_prefix(OCI) {
            Some(name) => {
                Registry::open(name, options).map(|registry| Self::Registry(Box::new(registry)))
            }
            None => Ok(Self::Files(Files::new(http, url, patience))),
        }
    }

    /// The index, asked for once a run: a scan needs advisories first and metadata later.
    fn index_once(&self, url: &str, store: &Store, options: &Options) -> Result<Arc<Index>, Cause> {
        // Checked by these keys, and by no others.
        let checked = format!("{url} {:?}", options.db_keys);
        if let Some(index) = options.hosts.index(&checked) {
            return Ok(index);
        }
        let index = Arc::new(self.index(store, options)?);
        options.hosts.has_index(&checked, &index);
        Ok(index)
    }

    /// The index, signed by a key that is trusted where any is.
    fn index(&self, store: &Store, options: &Options) -> Result<Index, Cause> {
        let json = match self {
            Self::Files(files) => files.get_kept(Index::FILE_NAME, INDEX_LIMIT, store)?,
            Self::Registry(registry) => registry.index()?,
        };
        let named = |error: &dyn std::error::Error| Cause::damaged(format!("`{self}`: {error}"));
        if !options.db_keys.is_empty() {
            let signature = match self {
                Self::Files(files) => {
                    Some(files.get_kept(Index::SIGNATURE_FILE_NAME, INDEX_LIMIT, store)?)
                }
                Self::Registry(registry) => registry.signature()?,
            };
            PublicKey::check(&options.db_keys, &json, signature.as_deref())
                .map_err(|error| named(&error))?;
        }
        Index::parse(&json).map_err(|error| named(&error))
    }

    fn bring(
        &self,
        entry: &IndexEntry,
        store: &Store,
        options: &Options,
    ) -> Result<Brought, Cause> {
        let installed = store.sha256(&entry.stream).ok().flatten();
        if installed.as_ref() == Some(&entry.sha256) {
            return Ok(Brought::Same);
        }
        if let Some(older) = older(&entry.stream, Heard::at_most(entry), store, options) {
            return Ok(older);
        }
        let bytes = match self {
            Self::Files(files) => files.get(&entry.file, entry.size_bytes)?,
            Self::Registry(registry) => registry.segment(entry)?,
        };
        let digest = Digest::sha256(Sha256::digest(&bytes).into());
        if digest != entry.sha256 {
            let why =
                format!("`{}` has digest {digest}, the index says {}", entry.file, entry.sha256);
            return Err(Cause::damaged(why));
        }
        let unsound = |error| match error {
            StoreError::Write(error) => Cause::local(error.to_string()),
            other => Cause::damaged(other.to_string()),
        };
        // The segment may know less than the index could say: one that was built yesterday from an
        // old file.
        let segment =
            Segment::from_bytes(bytes.clone(), &entry.stream).map_err(|e| unsound(e.into()))?;
        let offered = Heard::of(segment.meta(), entry.checked_at.as_deref());
        if let Some(older) = older(&entry.stream, offered, store, options) {
            return Ok(older);
        }
        store.install(&entry.stream, &bytes).map_err(unsound)?;
        Ok(Brought::New)
    }
}

/// The URL of the index.
impl std::fmt::Display for Mirror<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Files(files) => f.write_str(&files.url(Index::FILE_NAME)),
            Self::Registry(registry) => f.write_str(registry.url),
        }
    }
}
