//! The list of segments that a mirror serves (`index.json`) and that a bundle begins with.
//!
//! ```json
//! { "format": "lazaret-segments", "version": 1,
//!   "segments": [ { "stream": "debian-12", "file": "debian-12.seg", "sha256": "sha256:…",
//!                   "size_bytes": 1048576, "source": "debian-tracker",
//!                   "built_at": "2026-11-22T00:00:00Z" } ] }
//! ```

use std::fs::File;

use model::{Algorithm, Digest};
use serde::{Deserialize, Serialize};

use crate::store::{EXTENSION, sha256};
use crate::{Segment, Store, StoreError, is_stream_name};

const FORMAT: &str = "lazaret-segments";
const VERSION: u32 = 1;

/// Most bytes of an index: sixteen thousand segments.
pub(crate) const INDEX_LIMIT: usize = 4 << 20;

/// Most segments of an index; there are some two hundred streams, and 256 of what archives are called.
const SEGMENT_LIMIT: usize = 4096;

/// Most bytes of a time.
pub(crate) const TIME_LIMIT: usize = 64;

/// Most bytes of one segment; the largest real ones have some 20 MB.
pub const SEGMENT_SIZE_LIMIT: u64 = 1 << 30;

/// What a mirror has. A mirror is a directory of static files: `index.json`, optionally
/// `index.json.sig` (a signature over the exact bytes of `index.json`), and the segments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// Sorted by stream, each once.
    pub segments: Vec<IndexEntry>,
}

/// One segment file of a mirror.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexEntry {
    pub stream: String,
    /// The file's name beside the index; always `<stream>.seg`.
    pub file: String,
    pub sha256: Digest,
    /// At most [`SEGMENT_SIZE_LIMIT`].
    pub size_bytes: u64,
    pub source: String,
    /// RFC 3339.
    pub built_at: String,
    /// When the publisher last had nothing newer (RFC 3339), if that was after the segment was
    /// built: what says how old the data is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<String>,
}

/// Why a document is not an index.
#[derive(Debug, thiserror::Error)]
#[error("index of segments: {0}")]
pub struct IndexError(pub String);

/// The document as it is written.
#[derive(Serialize, Deserialize)]
struct Document {
    format: String,
    version: u32,
    segments: Vec<IndexEntry>,
}

impl Index {
    /// The conventional file name.
    pub const FILE_NAME: &str = "index.json";
    /// The conventional name of the signature beside it.
    pub const SIGNATURE_FILE_NAME: &str = "index.json.sig";

    /// Whether a document begins as an index does.
    pub fn recognizes(head: &[u8]) -> bool {
        let format = format!("\"{FORMAT}\"");
        let mut parts = head.windows(format.len());
        head.trim_ascii_start().starts_with(b"{") && parts.any(|part| part == format.as_bytes())
    }

    /// Describes these streams of a store (all if empty), reading every byte of them and checking
    /// every record. A stream that is not installed is left out.
    pub fn of_store(store: &Store, streams: &[String]) -> Result<Self, StoreError> {
        let mut streams = match streams {
            [] => store.list()?.into_iter().map(|installed| installed.stream).collect(),
            some => some.to_vec(),
        };
        streams.sort();
        streams.dedup();
        let mut segments = Vec::new();
        for stream in streams {
            segments.extend(IndexEntry::of_store(store, &stream)?.map(|(entry, _)| entry));
        }
        Ok(Self { segments })
    }

    /// Reads an index, checking names, digests and limits.
    pub fn parse(json: &[u8]) -> Result<Self, IndexError> {
        let refuse = |why: String| Err(IndexError(why));
        if json.len() > INDEX_LIMIT {
            return refuse(format!("it has {} bytes, {INDEX_LIMIT} are allowed", json.len()));
        }
        let document = serde_json::from_slice(json);
        let Document { format, version, mut segments } =
            document.map_err(|error| IndexError(error.to_string()))?;
        if format != FORMAT || version != VERSION {
            return refuse(format!("it is not `{FORMAT}` version {VERSION}"));
        }
        if segments.len() > SEGMENT_LIMIT {
            return refuse(format!("it lists more than {SEGMENT_LIMIT} segments"));
        }
        segments.iter().try_for_each(IndexEntry::check)?;
        segments.sort_by(|a, b| a.stream.cmp(&b.stream));
        if let Some([twice, _]) = segments.array_windows().find(|[a, b]| a.stream == b.stream) {
            return refuse(format!("it lists `{}` twice", twice.stream));
        }
        Ok(Self { segments })
    }

    /// Deterministic, ends with a newline.
    pub fn to_json(&self) -> Vec<u8> {
        let segments = self.segments.clone();
        let document = Document { format: FORMAT.to_owned(), version: VERSION, segments };
        let mut json = serde_json::to_vec_pretty(&document)
            .expect("strings and numbers are always valid JSON");
        json.push(b'\n');
        json
    }

    pub fn entry(&self, stream: &str) -> Option<&IndexEntry> {
        self.segments.iter().find(|entry| entry.stream == stream)
    }
}

impl IndexEntry {
    /// Describes an installed segment, with the open file that it describes.
    pub(crate) fn of_store(
        store: &Store,
        stream: &str,
    ) -> Result<Option<(Self, File)>, StoreError> {
        let name = format!("{stream}.{EXTENSION}");
        if !is_stream_name(stream) || !store.dir().join(&name).exists() {
            return Ok(None);
        }
        let path = store.dir().join(&name);
        let unreadable = |source| StoreError::Read { path: path.clone(), source };
        let file = File::open(&path).map_err(unreadable)?;
        let segment = Segment::of_file(file.try_clone().map_err(unreadable)?, stream)?;
        segment.verify()?;
        let meta = segment.meta();
        let entry = Self {
            stream: stream.to_owned(),
            file: name,
            sha256: sha256(&file).map_err(unreadable)?,
            size_bytes: file.metadata().map_err(unreadable)?.len(),
            source: meta.source.clone(),
            built_at: meta.built_at.clone(),
            checked_at: store.checked_at(stream),
        };
        Ok(Some((entry, file)))
    }

    fn check(&self) -> Result<(), IndexError> {
        let shown: String = self.stream.chars().take(80).collect();
        let refuse = |why: &str| Err(IndexError(format!("`{shown}` {why}")));
        if !is_stream_name(&self.stream) {
            return refuse("is not a stream name");
        }
        if self.file.strip_suffix(".seg") != Some(&self.stream) {
            return refuse("has a file of another name than `<stream>.seg`");
        }
        if self.sha256.algorithm() != Algorithm::Sha256 {
            return refuse("has no SHA-256 digest");
        }
        if self.size_bytes > SEGMENT_SIZE_LIMIT {
            return refuse("is larger than a segment may be");
        }
        if self.checked_at.as_ref().is_some_and(|time| time.len() > TIME_LIMIT) {
            return refuse("has a time that is too long to be one");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(stream: &str) -> IndexEntry {
        IndexEntry {
            stream: stream.to_owned(),
            file: format!("{stream}.seg"),
            sha256: Digest::sha256([7; 32]),
            size_bytes: 12,
            source: "test".to_owned(),
            built_at: "2026-11-22T00:00:00Z".to_owned(),
            checked_at: None,
        }
    }

    #[test]
    fn reads_what_it_writes() {
        let index = Index { segments: vec![entry("alpine-3.20"), entry("debian-12")] };
        assert_eq!(Index::parse(&index.to_json()).unwrap(), index);
        assert_eq!(index.entry("debian-12"), Some(&entry("debian-12")));
    }

    #[test]
    fn refuses_what_could_harm() {
        let long = "x".repeat(200);
        let sha512 = format!("sha512:{}", "0".repeat(128)).parse().unwrap();
        let cases = [
            vec![entry("../escape")],
            vec![entry(".hidden")],
            vec![entry("")],
            vec![entry(&long)],
            vec![entry("twice"), entry("twice")],
            vec![IndexEntry { file: "/etc/passwd".to_owned(), ..entry("a") }],
            vec![IndexEntry { file: "b.seg".to_owned(), ..entry("a") }],
            vec![IndexEntry { size_bytes: SEGMENT_SIZE_LIMIT + 1, ..entry("a") }],
            vec![IndexEntry { checked_at: Some("2".repeat(65)), ..entry("a") }],
            vec![IndexEntry { sha256: sha512, ..entry("a") }],
        ];
        for segments in cases {
            let json = Index { segments }.to_json();
            let text = String::from_utf8_lossy(&json).into_owned();
            assert!(Index::parse(&json).is_err(), "{text}");
        }
        let sound = Index { segments: vec![entry("a")] }.to_json();
        let text = String::from_utf8(sound).unwrap();
        for broken in [
            text.replace(FORMAT, "other"),
            text.replace("\"version\": 1", "\"version\": 2"),
            text.replace("sha256:07", "sha256:0x"),
            text.replace('}', ""),
            String::new(),
        ] {
            assert!(Index::parse(broken.as_bytes()).is_err(), "{broken}");
        }
        assert!(Index::parse(&vec![b' '; INDEX_LIMIT + 1]).is_err());
    }
}
