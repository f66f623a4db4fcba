//! Reading one segment file.

use std::fs::File;
use std::path::Path;

use model::{Advisory, Details, Subject};

use crate::bytes::Malformed;
use crate::error::Fault;
use crate::file::SegmentFile;
use crate::layout::{self, Frame, Kind};
use crate::table::{Entry, Table};
use crate::{
    Coordinates, Counts, KnownExploited, Score, SegmentError, SegmentMeta, coordinates, details,
    group,
};

/// An open segment. Opening reads a few kilobytes; a lookup reads the index of its table once and
/// then the one block it needs. Shareable between threads.
#[derive(Debug)]
pub struct Segment {
    file: SegmentFile,
    meta: SegmentMeta,
    tables: Vec<(Kind, Table)>,
}

impl Segment {
    /// Opens a segment file: reads its header, footer and description, nothing else.
    pub fn open(path: &Path) -> Result<Self, SegmentError> {
        let file = File::open(path).map_err(Fault::Io);
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        file.and_then(|file| Self::read(SegmentFile::File(file))).map_err(|fault| fault.of(&stem))
    }

    /// The same with a file that is open already.
    pub(crate) fn of_file(file: File, name: &str) -> Result<Self, SegmentError> {
        Self::read(SegmentFile::File(file)).map_err(|fault| fault.of(name))
    }

    /// The same over bytes in memory (what a mirror sent, fuzz targets). `name` is what errors
    /// call it as long as it has not said its stream.
    pub fn from_bytes(bytes: Vec<u8>, name: &str) -> Result<Self, SegmentError> {
        Self::read(SegmentFile::Memory(bytes)).map_err(|fault| fault.of(name))
    }

    fn read(file: SegmentFile) -> Result<Self, Fault> {
        let Frame { meta, tables } = layout::read(&file)?;
        if !crate::is_stream_name(&meta.stream) {
            return Err(Fault::Damaged("its stream has an impossible name".to_owned()));
        }
        Ok(Self { file, meta, tables })
    }

    pub fn meta(&self) -> &SegmentMeta {
        &self.meta
    }

    /// What the source says of the package with exactly this name, CVEs by year and number first,
    /// then other ids. Cheapest when names are asked for in sorted order.
    pub fn advisories(
        &self,
        package: &str,
        subject: Subject,
    ) -> Result<Vec<Advisory>, SegmentError> {
        let decode = |value: &[u8]| group::decode(value, package, Some(subject));
        Ok(self.find(Kind::Match, package, decode)?.unwrap_or_default())
    }

    /// What is known of the vulnerability apart from packages.
    pub fn details(&self, id: &str) -> Result<Option<Details>, SegmentError> {
        self.find(Kind::Details, id, |value| details::decode(value, id))
    }

    pub fn score(&self, cve: &str) -> Result<Option<Score>, SegmentError> {
        self.find(Kind::Scores, cve, Score::decode)
    }

    pub fn known_exploited(&self, cve: &str) -> Result<Option<KnownExploited>, SegmentError> {
        self.find(Kind::KnownExploited, cve, KnownExploited::decode)
    }

    /// What an archive with this SHA-1 (lower-case hexadecimal) may be called, in order; nothing if it
    /// is not known, or is called too many things.
    pub fn coordinates(&self, sha1: &str) -> Result<Vec<Coordinates>, SegmentError> {
        Ok(self.find(Kind::Coordinates, sha1, coordinates::decode)?.unwrap_or_default())
    }

    /// Reads and checks every byte and every record; the first error is returned.
    pub fn verify(&self) -> Result<(), SegmentError> {
        let mut counts = Counts::default();
        for advisory in self.all_advisories() {
            advisory?;
            counts.advisories = counts.advisories.saturating_add(1);
        }
        counts.packages = self.key_count(Kind::Match)?;
        counts.details = count(self.all_details())?;
        counts.scores = count(self.all_scores())?;
        counts.known_exploited = count(self.all_known_exploited())?;
        counts.coordinates = count(self.all_coordinates())?;
        if counts == self.meta.counts {
            return Ok(());
        }
        let why = format!("it holds {counts:?} and says that it holds {:?}", self.meta.counts);
        Err(self.error(Fault::Damaged(why)))
    }

    /// Every advisory in order of package, then as [`Self::advisories`] gives them. A block that
    /// cannot be read is an error; the iteration goes on with the next.
    pub fn all_advisories(&self) -> impl Iterator<Item = Result<Advisory, SegmentError>> {
        self.all(Kind::Match, |entry, out| {
            out.extend(group::decode(entry.value, entry.key, None)?);
            Ok(())
        })
    }

    /// All details in order of id as text.
    pub fn all_details(&self) -> impl Iterator<Item = Result<Details, SegmentError>> {
        self.all(Kind::Details, |entry, out| {
            out.push(details::decode(entry.value, entry.key)?);
            Ok(())
        })
    }

    /// All scores in order of CVE as text.
    pub fn all_scores(&self) -> impl Iterator<Item = Result<(String, Score), SegmentError>> {
        self.all(Kind::Scores, |entry, out| {
            out.push((entry.key.to_owned(), Score::decode(entry.value)?));
            Ok(())
        })
    }

    /// All known exploited vulnerabilities in order of CVE as text.
    pub fn all_known_exploited(
        &self,
    ) -> impl Iterator<Item = Result<(String, KnownExploited), SegmentError>> {
        self.all(Kind::KnownExploited, |entry, out| {
            out.push((entry.key.to_owned(), KnownExploited::decode(entry.value)?));
            Ok(())
        })
    }

    /// All digests in order with what they are called: nothing where that is too many things.
    pub fn all_coordinates(
        &self,
    ) -> impl Iterator<Item = Result<(String, Vec<Coordinates>), SegmentError>> {
        self.all(Kind::Coordinates, |entry, out| {
            out.push((entry.key.to_owned(), coordinates::decode(entry.value)?));
            Ok(())
        })
    }

    fn table(&self, kind: Kind) -> Option<&Table> {
        self.tables.iter().find(|(other, _)| *other == kind).map(|(_, table)| table)
    }

    fn find<T>(
        &self,
        kind: Kind,
        key: &str,
        decode: impl FnOnce(&[u8]) -> Result<T, Malformed>,
    ) -> Result<Option<T>, SegmentError> {
        let Some(table) = self.table(kind) else { return Ok(None) };
        table.find(&self.file, key, decode).map_err(|fault| self.error(fault))
    }

    /// Everything in a table, block by block; what precedes damage in a block is kept.
    fn all<T>(
        &self,
        kind: Kind,
        decode: impl Fn(Entry<'_>, &mut Vec<T>) -> Result<(), Malformed>,
    ) -> impl Iterator<Item = Result<T, SegmentError>> {
        let table = self.table(kind);
        let blocks = table.map_or(Ok(0), |table| table.block_count(&self.file));
        let (blocks, broken_index) = match blocks {
            Ok(blocks) => (blocks, None),
            Err(fault) => (0, Some(Err(self.error(fault)))),
        };
        let read = move |number: usize| {
            let mut out = Vec::new();
            let walked = table.map_or(Ok(()), |table| {
                table.walk(&self.file, number, &mut |entry| decode(entry, &mut out))
            });
            let damage = walked.err().map(|fault| Err(self.error(fault)));
            out.into_iter().map(Ok).chain(damage)
        };
        broken_index.into_iter().chain((0..blocks).flat_map(read))
    }

    fn key_count(&self, kind: Kind) -> Result<u64, SegmentError> {
        let Some(table) = self.table(kind) else { return Ok(0) };
        table.key_count(&self.file).map_err(|fault| self.error(fault))
    }

    fn error(&self, fault: Fault) -> SegmentError {
        fault.of(&self.meta.stream)
    }
}

fn count<T>(mut all: impl Iterator<Item = Result<T, SegmentError>>) -> Result<u64, SegmentError> {
    all.try_fold(0_u64, |count, one| one.map(|_| count.saturating_add(1)))
}

/// Segments whose checksums are right and whose content is not: what a hostile mirror would serve.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::SegmentErrorKind;
    use crate::table::{Shape, build};

    const SHAPE: Shape = Shape { block_bytes: 64, dictionary_bytes: 0 };

    fn verify(kind: Kind, entries: &[(&str, &[u8])], counts: Counts) -> Result<(), SegmentError> {
        let stream = "debian-12".to_owned();
        let meta = SegmentMeta { stream, counts, ..SegmentMeta::default() };
        let tables = [(kind, build(entries.iter().copied(), SHAPE).unwrap())];
        let bytes = layout::encode(&tables, &serde_json::to_vec(&meta).unwrap());
        let read = Segment::from_bytes(bytes, "forged");
        read.and_then(|segment| segment.verify())
    }

    #[test]
    fn lies_under_right_checksums_are_found() {
        let scores = |scores| Counts { scores, ..Counts::default() };
        let packages = Counts { packages: 1, ..Counts::default() };
        // Two decimals of 0.
        let score: &[u8] = &[0, 0];
        let long_key = "k".repeat(70);
        verify(Kind::Scores, &[("a", score), ("b", score)], scores(2)).unwrap();
        type Entries<'a> = &'a [(&'a str, &'a [u8])];
        let cases: [(Kind, Entries<'_>, Counts, &str); 11] = [
            (Kind::Scores, &[("a", score)], scores(2), "says that it holds"),
            (Kind::Scores, &[("b", score), ("a", score)], scores(2), "not in order"),
            (Kind::Scores, &[("a", score), ("a", score)], scores(2), "not in order"),
            (Kind::Scores, &[("b", score), (&long_key, score), ("a", score)], scores(3), "order"),
            (Kind::Scores, &[("a", &[0])], scores(1), "cut off"),
            (Kind::Scores, &[("a", &[0, 0, 0])], scores(1), "too long"),
            (Kind::Coordinates, &[("00", &[9; 10])], Counts::default(), "more names"),
            (Kind::Match, &[("p", &[1, 0, 0, 0])], packages, "says nothing"),
            (Kind::Match, &[("p", &[0, 0, 9])], packages, "something else"),
            (Kind::Match, &[("p", &[200, 1, 0])], packages, "cut off"),
            (Kind::Match, &[("p", &[1, 0, 3, 0])], packages, "unknown way"),
        ];
        for (kind, entries, counts, wanted) in cases {
            let error = verify(kind, entries, counts).unwrap_err();
            assert_eq!(error.kind, SegmentErrorKind::Damaged);
            assert!(error.message.contains(wanted), "{}: {wanted}", error.message);
        }
    }
}
