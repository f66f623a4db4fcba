//! The size floor of segments: the same records as JSON, one document a stream, packed by zstd.
//!
//! The level is that of a segment's own blocks; level 19 takes minutes. Such a file can
//! only be read whole, which a segment need not be.

use std::io::{self, Write};
use std::path::Path;

use advisories::{Segment, SegmentError, Store};
use serde::Serialize;
use serde_json::json;

const LEVEL: i32 = 9;

/// Prints bytes, floor and ratio of every segment in a store, and of all together.
pub(super) fn compare(db: &Path) -> Result<(), String> {
    let store = Store::open(db);
    let installed = store.list().map_err(|error| error.to_string())?;
    println!("| stream | segment, bytes | JSON, zstd -{LEVEL}, bytes | ratio |\n|---|---|---|---|");
    let (mut bytes, mut floor) = (0, 0);
    for one in installed {
        let segment = store.segment(&one.stream).map_err(|error| error.to_string())?;
        let packed = segment.map_or(Ok(0), |segment| packed(&segment));
        let packed = packed.map_err(|error| format!("{}: {error}", one.stream))?;
        row(&one.stream, one.size_bytes, packed);
        bytes += one.size_bytes;
        floor += packed;
    }
    row("all", bytes, floor);
    Ok(())
}

fn row(stream: &str, bytes: u64, floor: u64) {
    let ratio = bytes as f64 / floor.max(1) as f64;
    println!("| {stream} | {bytes} | {floor} | {ratio:.2} |");
}

/// The length of all records of a segment as one packed JSON document.
fn packed(segment: &Segment) -> Result<u64, SegmentError> {
    let mut writer = zstd::Encoder::new(Length(0), LEVEL).expect("the level is one of zstd's");
    let mut write = |text: &[u8]| writer.write_all(text).expect("counting bytes cannot fail");
    write(b"{\"advisories\":");
    array(segment.all_advisories(), &mut write)?;
    write(b",\"details\":");
    array(segment.all_details(), &mut write)?;
    write(b",\"scores\":");
    let score = |(id, score): (String, advisories::Score)| json!({ "id": id, "epss": score.epss, "percentile": score.percentile });
    array(segment.all_scores().map(|one| one.map(score)), &mut write)?;
    write(b",\"known_exploited\":");
    let entry = |(id, entry): (String, advisories::KnownExploited)| {
        let advisories::KnownExploited { added, due, ransomware } = entry;
        json!({ "id": id, "added": added, "due": due, "ransomware": ransomware })
    };
    array(segment.all_known_exploited().map(|one| one.map(entry)), &mut write)?;
    write(b"}");
    Ok(writer.finish().expect("counting bytes cannot fail").0)
}

fn array<T: Serialize>(
    records: impl Iterator<Item = Result<T, SegmentError>>,
    write: &mut dyn FnMut(&[u8]),
) -> Result<(), SegmentError> {
    let mut before: &[u8] = b"[";
    for record in records {
        write(before);
        write(&serde_json::to_vec(&record?).expect("records have no other keys than texts"));
        before = b",";
    }
    write(if before == b"[" { b"[]" } else { b"]" });
    Ok(())
}

/// Only counts.
struct Length(u64);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
