//! Collecting records and writing them as one segment file.

use std::collections::BTreeMap;
use std::path::Path;

use model::{Advisory, Details, Problem, ProblemKind};

use crate::intern::Interner;
use crate::layout::{self, Kind};
use crate::name::Name;
use crate::table::{self, Builder, Built, Overflow, Shape};
use crate::{
    Coordinates, Counts, KnownExploited, Score, SegmentMeta, WriteError, coordinates, details,
    group, is_stream_name, name, replace, statement,
};

/// Most bytes of one encoded record and of a package's name. Real ones are a thousandth of it.
const RECORD_LIMIT: usize = 1 << 20;

/// What a record under its id takes beside its bytes.
const RECORD_OVERHEAD: usize = 80;

/// Collects one stream. Records may come in any order and repeat; the bytes written depend only
/// on the records and the meta. What is collected stays encoded, every name and statement once:
/// some 40 bytes an advisory.
#[derive(Debug)]
pub struct SegmentWriter {
    meta: SegmentMeta,
    packages: Interner,
    names: Interner,
    statements: Interner,
    rows: Vec<Row>,
    details: BTreeMap<String, Vec<u8>>,
    scores: BTreeMap<String, Vec<u8>>,
    known_exploited: BTreeMap<String, Vec<u8>>,
    coordinates: BTreeMap<String, Vec<u8>>,
    /// What the four above take.
    kept_bytes: usize,
    bytes_max: usize,
    /// There was no room for a record, so that there will be no segment.
    is_full: bool,
    problems: Vec<Problem>,
    scratch: Vec<u8>,
}

/// What a source says of a package under a name: the numbers of all three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    package: u32,
    name: u32,
    statement: u32,
}

impl SegmentWriter {
    /// Bytes that the records of one segment may take while they are collected. A year of CVE metadata,
    /// 40 000 records with their texts, takes some 60 MB; the longest streams of statements, those of Red
    /// Hat's releases, less than 115 MB at 3 million rows. A document made to fill memory has a million
    /// tiny records, and more.
    pub const BYTES_MAX: usize = 128 << 20;

    /// `meta.counts` is ignored and filled at the end.
    pub fn new(meta: SegmentMeta) -> Self {
        Self {
            meta,
            packages: Interner::default(),
            names: Interner::default(),
            statements: Interner::default(),
            rows: Vec::new(),
            details: BTreeMap::new(),
            scores: BTreeMap::new(),
            known_exploited: BTreeMap::new(),
            coordinates: BTreeMap::new(),
            kept_bytes: 0,
            bytes_max: Self::BYTES_MAX,
            is_full: false,
            problems: Vec::new(),
            scratch: Vec::new(),
        }
    }

    pub fn meta(&self) -> &SegmentMeta {
        &self.meta
    }

    /// For what is known only after the records were read (`upstream_modified`, `origins`).
    pub fn meta_mut(&mut self) -> &mut SegmentMeta {
        &mut self.meta
    }

    /// Records that were not taken because they are larger than any may be.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Equal advisories are kept once.
    pub fn advisory(&mut self, advisory: &Advisory) {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        name::key(&advisory.id, &advisory.aliases, &mut scratch);
        let name_length = scratch.len();
        statement::encode(advisory, &mut scratch);
        if self.takes(&advisory.id, scratch.len().saturating_add(advisory.package.len())) {
            let (name, statement) = scratch.split_at(name_length);
            self.rows.push(Row {
                package: self.packages.number(advisory.package.as_bytes()),
                name: self.names.number(name),
                statement: self.statements.number(statement),
            });
        }
        self.scratch = scratch;
    }

    /// One record an id: later details of the same id win.
    pub fn details(&mut self, details: &Details) {
        let mut value = Vec::new();
        details::encode(details, &mut value);
        if self.takes(&details.id, value.len().saturating_add(details.id.len())) {
            keep(&mut self.details, &mut self.kept_bytes, &details.id, value);
        }
    }

    /// Later scores of the same CVE win.
    pub fn score(&mut self, cve: &str, score: Score) {
        let mut value = Vec::new();
        score.encode(&mut value);
        if self.takes(cve, cve.len()) {
            keep(&mut self.scores, &mut self.kept_bytes, cve, value);
        }
    }

    /// Later entries of the same CVE win.
    pub fn known_exploited(&mut self, cve: &str, entry: &KnownExploited) {
        let mut value = Vec::new();
        entry.encode(&mut value);
        if self.takes(cve, value.len().saturating_add(cve.len())) {
            keep(&mut self.known_exploited, &mut self.kept_bytes, cve, value);
        }
    }

    /// What an archive with this SHA-1 (lower-case hexadecimal) is called, beside what was said before;
    /// no names say that it has too many to tell it by.
    pub fn coordinates(&mut self, sha1: &str, of: &[Coordinates]) {
        let known = self.coordinates.get(sha1).map(|known| coordinates::decode(known));
        let mut names = match (known, of) {
            (Some(known), _) => known.unwrap_or_default(),
            (None, [first, ..]) => vec![first.clone()],
            (None, []) => Vec::new(),
        };
        coordinates::add(&mut names, of);
        let mut value = Vec::new();
        coordinates::encode(&names, &mut value);
        if self.takes(sha1, value.len().saturating_add(sha1.len())) {
            keep(&mut self.coordinates, &mut self.kept_bytes, sha1, value);
        }
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
            && self.details.is_empty()
            && self.scores.is_empty()
            && self.known_exploited.is_empty()
            && self.coordinates.is_empty()
    }

    /// The segment as bytes; deterministic.
    pub fn into_bytes(self) -> Result<Vec<u8>, WriteError> {
        self.finish().map(|(bytes, _)| bytes)
    }

    /// Writes the segment to `path`, replacing what is there in one step: a temporary file in the
    /// same directory, synced, then renamed. Returns the meta as written.
    pub fn write(self, path: &Path) -> Result<SegmentMeta, WriteError> {
        let (bytes, meta) = self.finish()?;
        replace::file(path, &bytes)?;
        Ok(meta)
    }

    /// For whoever had no room for the records before they came here: nothing more is taken, and no
    /// segment written.
    pub fn refuse(&mut self) {
        self.is_full = true;
    }

    /// What was collected so far takes about so many bytes of memory.
    fn bytes(&self) -> usize {
        let rows = self.rows.len().saturating_mul(size_of::<Row>());
        let texts = [&self.packages, &self.names, &self.statements].map(Interner::bytes);
        texts.into_iter().chain([rows]).fold(self.kept_bytes, usize::saturating_add)
    }

    fn takes(&mut self, id: &str, length: usize) -> bool {
        self.is_full |= self.bytes() > self.bytes_max;
        if self.is_full {
            return false;
        }
        if length <= RECORD_LIMIT {
            return true;
        }
        let shown: String = id.chars().take(80).collect();
        let message = format!("a record of {length} bytes is left out, {RECORD_LIMIT} are allowed");
        self.problems.push(Problem::new(ProblemKind::LimitReached, shown, message));
        false
    }

    /// The segment's bytes and its meta with the counts.
    pub(crate) fn finish(mut self) -> Result<(Vec<u8>, SegmentMeta), WriteError> {
        if !is_stream_name(&self.meta.stream) {
            return Err(WriteError::StreamName(self.meta.stream));
        }
        if self.is_full {
            let limit = self.bytes_max >> 20;
            let what = format!(
                "its records take more than {limit} MiB of memory, and those of no publisher do; \
                 hint: look at what its source serves"
            );
            return Err(too_large(&self.meta, Overflow(what)));
        }
        let tables = self.tables().map_err(|overflow| too_large(&self.meta, overflow))?;
        let meta = serde_json::to_vec(&self.meta)
            .map_err(|error| too_large(&self.meta, Overflow(error.to_string())))?;
        if !layout::fits(&meta) {
            let what = "its description is larger than any may be".to_owned();
            return Err(too_large(&self.meta, Overflow(what)));
        }
        Ok((layout::encode(&tables, &meta), self.meta))
    }

    /// Those that have records, and in the meta what all have.
    fn tables(&mut self) -> Result<Vec<(Kind, Built)>, Overflow> {
        self.meta.counts = Counts {
            packages: 0,
            advisories: 0,
            details: self.details.len() as u64,
            scores: self.scores.len() as u64,
            known_exploited: self.known_exploited.len() as u64,
            coordinates: self.coordinates.len() as u64,
        };
        let mut tables = Vec::new();
        if !self.rows.is_empty() {
            tables.push((Kind::Match, self.matches()?));
        }
        let others = [
            (Kind::Details, &self.details),
            (Kind::Scores, &self.scores),
            (Kind::KnownExploited, &self.known_exploited),
            (Kind::Coordinates, &self.coordinates),
        ];
        for (kind, records) in others.into_iter().filter(|(_, records)| !records.is_empty()) {
            let records = records.iter().map(|(key, value)| (key.as_str(), value.as_slice()));
            tables.push((kind, table::build(records, shape(kind))?));
        }
        Ok(tables)
    }

    /// The table of packages, which takes what was collected of them: one package after the other, so
    /// that nothing stands beside it but the table itself.
    fn matches(&mut self) -> Result<Built, Overflow> {
        let texts = [&mut self.packages, &mut self.names, &mut self.statements]
            .map(|interner| std::mem::take(interner).into_texts());
        let [packages, names, statements] = texts;
        let places = packages.places();
        let place = |row: &Row| places.get(row.package as usize).copied();
        self.rows.sort_unstable_by_key(|row| (place(row), *row));
        self.rows.dedup();
        self.meta.counts.advisories = self.rows.len() as u64;
        let mut builder = Builder::new(shape(Kind::Match), &[])?;
        let mut value = Vec::new();
        for rows in self.rows.chunk_by(|a, b| a.package == b.package) {
            let name = |row: &Row| name::from_key(names.get(row.name));
            let read: Result<Vec<Name>, _> = rows.iter().map(name).collect();
            let read = read.map_err(|why| Overflow(why.0.into()))?;
            let said = rows.iter().map(|row| statements.get(row.statement));
            let mut group: Vec<(&Name, &[u8])> = read.iter().zip(said).collect();
            group.sort_unstable();
            value.clear();
            group::encode(&group, &mut value);
            let package = rows.first().map_or(&[][..], |row| packages.get(row.package));
            let package = String::from_utf8_lossy(package);
            if !group::fits(&value, &package) {
                return Err(Overflow(format!("`{package}` has {} advisories", rows.len())));
            }
            self.meta.counts.packages = self.meta.counts.packages.saturating_add(1);
            builder.push(&package, &value)?;
        }
        builder.finish()
    }
}

/// Keeps a record in the place of an older one under the same id, and counts its bytes.
fn keep(records: &mut BTreeMap<String, Vec<u8>>, bytes: &mut usize, id: &str, value: Vec<u8>) {
    let size =
        |value: &Vec<u8>| id.len().saturating_add(value.len()).saturating_add(RECORD_OVERHEAD);
    *bytes = bytes.saturating_add(size(&value));
    if let Some(old) = records.insert(id.to_owned(), value) {
        *bytes = bytes.saturating_sub(size(&old));
    }
}

/// How each table is cut, by measurement (docs/segments.md). A scan reads most blocks of a match
/// table and few of the others.
fn shape(kind: Kind) -> Shape {
    match kind {
        Kind::Match => Shape { block_bytes: 64 << 10, dictionary_bytes: 0 },
        // The keys are digests, so neighbours have nothing in common: groups repeat in the dictionary.
        Kind::Details | Kind::Coordinates => {
            Shape { block_bytes: 32 << 10, dictionary_bytes: 112 << 10 }
        }
        Kind::Scores | Kind::KnownExploited => Shape { block_bytes: 8 << 10, dictionary_bytes: 0 },
    }
}

fn too_large(meta: &SegmentMeta, overflow: Overflow) -> WriteError {
    WriteError::TooLarge { stream: meta.stream.clone(), what: overflow.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_beyond_the_limit_leave_the_old_segment_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cve-2024.seg");
        let write = |records: u32| {
            let meta = SegmentMeta { stream: "cve-2024".to_owned(), ..SegmentMeta::default() };
            let mut writer = SegmentWriter::new(meta);
            writer.bytes_max = 10_000;
            for number in 0..records {
                let id = format!("CVE-2024-{number:05}");
                writer.details(&Details { id, ..Details::default() });
            }
            writer.write(&path).map(|meta| meta.counts.details).map_err(|error| error.to_string())
        };
        assert_eq!(write(10), Ok(10));
        let before = std::fs::read(&path).unwrap();
        let error = write(1000).unwrap_err();
        assert!(error.contains("`cve-2024`") && error.contains("hint: "), "{error}");
        let mut refused = SegmentWriter::new(SegmentMeta::default());
        refused.meta_mut().stream = "cve-2024".to_owned();
        refused.refuse();
        assert!(refused.write(&path).unwrap_err().to_string().contains("hint: "));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}
