//! The index of a Maven repository as it is transferred (`nexus-maven-repository-index.gz`): what
//! every archive is called, by the SHA-1 of its bytes.
//!
//! These are no statements on vulnerabilities. A scan asks them for archives that say nothing of
//! themselves but a file name. Streams are cut by the first byte of the digest (`maven-sha1-3f`):
//! one segment of a repository as large as Central would take more memory than any may.
//!
//! What a document says: `u` is `group|artifact|version|classifier|extension` (the classifier `NA` is
//! none; variants of an artifact are the artifact), `i` has the extension in its seventh part, `1` is
//! the SHA-1. A digest keeps its name for ever, so that an index adds to what is known and takes
//! nothing back: increments (`….763.gz`) and the index of another repository can be imported beside
//! the first.

mod index;
mod text;

use advisories::Coordinates;

use self::index::{Entry, Field, Index};
use crate::{Covers, Document, Feed, FeedError, Sample, Sink, stream, time};

pub(crate) use self::index::begins;

/// What archives are called that the analyzer of Java archives reads (`analyzers::java::archive`).
const EXTENSIONS: &[&str] =
    &["jar", "war", "ear", "par", "sar", "nar", "hpi", "jpi", "kar", "lpkg"];
/// A group, artifact or version. They are parts of paths, which have 255 bytes.
const PART_BYTES_MAX: usize = 255;
/// What of a record that makes no sense is shown.
const SHOWN_CHARS: usize = 80;
/// Records between two looks at whether to go on.
const RECORDS_A_LOOK: u64 = 4096;
/// As many streams as a byte has values.
const SHARDS: usize = 256;

/// The index as a feed.
pub(crate) struct RepositoryIndex;

impl Feed for RepositoryIndex {
    fn name(&self) -> &'static str {
        "maven-index"
    }

    fn license(&self) -> &'static str {
        ""
    }

    /// Of digests, which `install` never takes back.
    fn covers(&self) -> Covers {
        Covers::Package
    }

    fn recognizes(&self, sample: &Sample<'_>) -> bool {
        begins(sample.head())
    }

    /// Several gigabytes that most scans have no use for: imported where somebody wants them.
    fn urls(&self, _stream: &str) -> Vec<String> {
        Vec::new()
    }

    fn speaks_of(&self, stream: &str) -> bool {
        stream::release(stream, stream::MAVEN_SHA1).is_some()
    }

    fn import(&self, document: &Document<'_>, sink: &mut Sink) -> Result<(), FeedError> {
        let mut index = Index::open(document.reader())?;
        let mut shards = Shards::default();
        let outcome = read(&mut index, &mut shards, sink);
        if let Some(modified) = index.modified().and_then(time::of_milliseconds) {
            shards.touched().for_each(|stream| sink.modified(stream, &modified));
        }
        outcome
    }
}

fn read(index: &mut Index<'_>, shards: &mut Shards, sink: &mut Sink) -> Result<(), FeedError> {
    let mut number = 0_u64;
    while let Some(entry) = index.next()? {
        number = number.saturating_add(1);
        if number.is_multiple_of(RECORDS_A_LOOK) && sink.is_stopped() {
            return Err(FeedError::content("interrupted, or the time limit passed"));
        }
        match known(&entry) {
            Ok(Known { sha1, coordinates }) => {
                let [first, ..] = sha1;
                sink.coordinates(shards.name(first), sha1, coordinates);
            }
            Err(Left::Over(what)) => sink.passed_over(what),
            Err(Left::Damaged(why)) => sink.damaged(&shown(&entry, number), why),
        }
    }
    Ok(())
}

/// What one record tells of an archive.
struct Known {
    sha1: [u8; 20],
    coordinates: Coordinates,
}

/// Why it tells nothing.
enum Left {
    /// It is about something else.
    Over(&'static str),
    /// It makes no sense.
    Damaged(&'static str),
}

fn known(entry: &Entry) -> Result<Known, Left> {
    if entry.is_of_repository {
        return Err(Left::Over("descriptions and lists of groups"));
    }
    if entry.is_deletion {
        return Err(Left::Over("archives that were deleted"));
    }
    let unique = match &entry.unique {
        Field::Absent => return Err(Left::Over("records of other kinds")),
        Field::TooLong => return Err(Left::Damaged("its coordinates are longer than any may be")),
        Field::Text(bytes) => text::decode(bytes),
    };
    let unique = unique.ok_or(Left::Damaged("its coordinates are no modified UTF-8"))?;
    let info = match &entry.info {
        Field::Text(bytes) => text::decode(bytes).unwrap_or_default(),
        Field::Absent | Field::TooLong => String::new(),
    };
    let mut parts = unique.split('|');
    let mut part = || parts.next().unwrap_or_default();
    let (group, artifact, version) = (part(), part(), part());
    let (classifier, extension) = (part(), part());
    if !EXTENSIONS.contains(&extension_of(&info, classifier, extension)) {
        return Err(Left::Over("files that are no Java archives"));
    }
    if ![group, artifact, version].into_iter().all(is_coordinate) {
        return Err(Left::Damaged("its coordinates are none of Maven's"));
    }
    let sha1 = match &entry.sha1 {
        Field::Absent => return Err(Left::Over("archives without a SHA-1")),
        Field::Text(bytes) if bytes.trim_ascii().is_empty() => {
            return Err(Left::Over("archives without a SHA-1"));
        }
        Field::Text(bytes) => digest(bytes.trim_ascii()),
        Field::TooLong => None,
    };
    let sha1 = sha1.ok_or(Left::Damaged("its SHA-1 is none"))?;
    let [group, artifact, version] = [group, artifact, version].map(str::to_owned);
    Ok(Known { sha1, coordinates: Coordinates { group, artifact, version } })
}

/// As the index's own tools read it: what the file says of itself, else what stands beside its name,
/// else what its packaging stands for.
fn extension_of<'e>(info: &'e str, classifier: &str, beside: &'e str) -> &'e str {
    let mut info = info.split('|');
    let packaging = info.next().unwrap_or_default();
    let own = info.nth(5).unwrap_or_default();
    let is_plain = matches!(classifier, "" | "NA");
    match (own, beside) {
        ("", "") if is_plain && !matches!(packaging, "pom" | "war" | "ear") => "jar",
        ("", "") => packaging,
        ("", beside) => beside,
        (own, _) => own,
    }
}

/// Whether a text may be a part of coordinates; they become names of packages in reports.
fn is_coordinate(text: &str) -> bool {
    let is_odd = |c: char| c.is_control() || c.is_whitespace() || ":/\\|<>\"?*".contains(c);
    !text.is_empty() && text.len() <= PART_BYTES_MAX && !text.contains(is_odd)
}

fn digest(hexadecimal: &[u8]) -> Option<[u8; 20]> {
    let nibble = |byte: u8| char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let mut digest = [0; 20];
    let (pairs, rest) = hexadecimal.as_chunks::<2>();
    if pairs.len() != digest.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(digest)
}

/// What a record is called where it is said that it makes no sense.
fn shown(entry: &Entry, number: u64) -> String {
    let Field::Text(bytes) = &entry.unique else { return format!("number {number}") };
    String::from_utf8_lossy(bytes).chars().take(SHOWN_CHARS).collect()
}

/// The streams by their first byte; a name is made once.
struct Shards([Option<String>; SHARDS]);

impl Default for Shards {
    fn default() -> Self {
        Self([const { None }; SHARDS])
    }
}

impl Shards {
    fn name(&mut self, first: u8) -> &str {
        let Self(names) = self;
        let name = names.get_mut(usize::from(first)).expect("a byte has 256 values");
        name.get_or_insert_with(|| stream::of_sha1(first))
    }

    fn touched(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(Option::as_deref)
    }
}

#[cfg(test)]
mod tests;
