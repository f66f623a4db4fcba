//! Ready segments from a static mirror: an `index.json`, and the segments beside it.
//!
//! Any file server is a mirror (`lazaret db export` makes one). The index says what there is and
//! its digests; if keys are trusted it must be signed by one of them. A segment is installed only
//! when its bytes have the digest of the index and are sound.

use std::io::Read;

use advisories::{Index, IndexEntry, PublicKey, Store};
use model::Digest;
use sha2::{Digest as _, Sha256};

use crate::Options;
use crate::http::{Answer, Http};
use crate::update::{UpdateReport, mark_checked, not_refreshed};

/// Longest index or signature: a line of some 300 bytes for each of a few thousand streams.
const INDEX_LIMIT: u64 = 16 << 20;

/// Brings the streams that differ from the mirror's. `base` is the URL of its folder.
pub(crate) fn update(
    http: &Http<'_>,
    base: &str,
    streams: &[String],
    store: &Store,
    options: &Options,
    report: &mut UpdateReport,
) {
    let base = base.trim_end_matches('/');
    let index = match index(http, base, options) {
        Ok(index) => index,
        Err(cause) => {
            let problems = streams.iter().map(|s| not_refreshed(s, &cause, store, options));
            return report.imported.problems.extend(problems);
        }
    };
    for stream in streams {
        let outcome = match index.entry(stream) {
            Some(entry) => bring(http, base, entry, store),
            None => Err(format!("the mirror `{base}` does not have it")),
        };
        match outcome {
            Ok(Brought::New) => report.mirrored.push(stream.clone()),
            Ok(Brought::Same) => {
                mark_checked(stream, store, options, &mut report.imported.problems);
                report.unchanged.push(stream.clone());
            }
            Err(cause) => {
                report.imported.problems.push(not_refreshed(stream, &cause, store, options));
            }
        }
    }
}

enum Brought {
    New,
    Same,
}

fn bring(
    http: &Http<'_>,
    base: &str,
    entry: &IndexEntry,
    store: &Store,
) -> Result<Brought, String> {
    let installed = store.sha256(&entry.stream).ok().flatten();
    if installed.as_ref() == Some(&entry.sha256) {
        return Ok(Brought::Same);
    }
    let bytes = body(http, &format!("{base}/{}", entry.file), entry.size_bytes)?;
    let digest = Digest::sha256(Sha256::digest(&bytes).into());
    if digest != entry.sha256 {
        return Err(format!(
            "`{}` has digest {digest}, the index says {}",
            entry.file, entry.sha256
        ));
    }
    store.install(&entry.stream, &bytes).map_err(|error| error.to_string())?;
    Ok(Brought::New)
}

fn index(http: &Http<'_>, base: &str, options: &Options) -> Result<Index, String> {
    if base.starts_with("oci:") {
        return Err(format!("`{base}`: segments in an OCI registry are not supported yet"));
    }
    let url = format!("{base}/{}", Index::FILE_NAME);
    let json = body(http, &url, INDEX_LIMIT)?;
    if !options.db_keys.is_empty() {
        let signature = body(http, &format!("{base}/{}", Index::SIGNATURE_FILE_NAME), INDEX_LIMIT)?;
        PublicKey::check(&options.db_keys, &json, Some(&signature))
            .map_err(|error| format!("`{url}`: {error}"))?;
    }
    Index::parse(&json).map_err(|error| format!("`{url}`: {error}"))
}

/// A body as it is, of at most `limit` bytes.
fn body(http: &Http<'_>, url: &str, limit: u64) -> Result<Vec<u8>, String> {
    let fetched = match http.get_exact(url).map_err(|error| format!("`{url}`: {error}"))? {
        Answer::Body(body) => body,
        Answer::Unchanged => return Err(format!("`{url}`: the server answered without a body")),
    };
    if fetched.bytes > limit {
        return Err(format!("`{url}` is longer than {limit} bytes"));
    }
    let mut bytes = Vec::new();
    let read = fetched.file.take(limit).read_to_end(&mut bytes);
    read.map_err(|error| format!("`{url}`: {error}"))?;
    Ok(bytes)
}
