//! Hostile bytes: whatever is changed in a segment is detected or makes no difference, and
//! nothing panics.

use crate::random::Random;
use advisories::{Segment, SegmentError, SegmentErrorKind, SegmentMeta};
use model::Subject;

fn small_segment() -> Vec<u8> {
    let meta = SegmentMeta {
        stream: "alpine-3.20".to_owned(),
        source: "test".to_owned(),
        ..SegmentMeta::default()
    };
    Random::new(3).records(24).write(meta).into_bytes().unwrap()
}

/// Everything that a reader can learn, or why not.
fn everything(bytes: Vec<u8>) -> Result<String, SegmentError> {
    let segment = Segment::from_bytes(bytes, "test")?;
    segment.verify()?;
    let advisories = segment.all_advisories().collect::<Result<Vec<_>, _>>()?;
    let details = segment.all_details().collect::<Result<Vec<_>, _>>()?;
    let scores = segment.all_scores().collect::<Result<Vec<_>, _>>()?;
    let known = segment.all_known_exploited().collect::<Result<Vec<_>, _>>()?;
    let coordinates = segment.all_coordinates().collect::<Result<Vec<_>, _>>()?;
    let meta = segment.meta();
    Ok(format!("{meta:?} {advisories:?} {details:?} {scores:?} {known:?} {coordinates:?}"))
}

#[test]
fn every_changed_byte_is_detected_or_harmless() {
    let sound = small_segment();
    let wanted = everything(sound.clone()).unwrap();
    let mut detected = 0;
    for at in 0..sound.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut bytes = sound.clone();
            bytes[at] ^= change;
            match everything(bytes) {
                Ok(found) => assert_eq!(found, wanted, "byte {at} changed by {change:#x}"),
                Err(_) => detected += 1,
            }
        }
    }
    assert_eq!(detected, sound.len() * 3, "no byte of a segment is without meaning");
}

#[test]
fn every_truncation_and_extension_is_detected() {
    let sound = small_segment();
    for length in 0..sound.len() {
        let error = everything(sound[..length].to_vec()).unwrap_err();
        assert_ne!(error.kind, SegmentErrorKind::Unreadable, "{length}");
    }
    for extra in [1, 32, 5000] {
        let mut bytes = sound.clone();
        bytes.resize(sound.len() + extra, 0);
        assert!(everything(bytes).is_err(), "{extra}");
    }
}

/// Lookups on bytes whose damage `verify` was not asked about must not panic either.
#[test]
fn lookups_in_damaged_bytes_never_panic() {
    let sound = small_segment();
    let mut random = Random::new(9);
    for _ in 0..3000 {
        let mut bytes = sound.clone();
        for _ in 0..=random.below(4) {
            let at = usize::try_from(random.below(bytes.len() as u64)).unwrap();
            bytes[at] = u8::try_from(random.below(256)).unwrap();
        }
        let Ok(segment) = Segment::from_bytes(bytes, "test") else { continue };
        for package in ["lib0-1", "lib3-7", "", "zzz"] {
            drop(segment.advisories(package, Subject::Binary));
            drop(segment.details(package));
            drop(segment.score("CVE-2020-0001"));
            drop(segment.known_exploited("CVE-2020-0001"));
        }
    }
}

#[test]
fn damage_in_one_block_leaves_the_others() {
    let meta = SegmentMeta { stream: "debian-12".to_owned(), ..SegmentMeta::default() };
    let records = Random::new(5).records(30_000);
    let mut bytes = records.write(meta).into_bytes().unwrap();
    bytes[100] ^= 1;
    let segment = Segment::from_bytes(bytes, "test").unwrap();
    let error = segment.verify().unwrap_err();
    assert_eq!(
        error.to_string(),
        "segment `debian-12`: damaged, block 0 of the match table: its checksum is wrong"
    );
    assert!(error.hint().contains("lazaret db update debian-12"));
    let (read, failed): (Vec<_>, Vec<_>) = segment.all_advisories().partition(Result::is_ok);
    assert_eq!(failed.len(), 1);
    assert!(read.len() > 10_000, "{}", read.len());
    assert!(segment.advisories("lib8-9", Subject::Source).is_ok());
    assert!(segment.all_details().all(|details| details.is_ok()));
}

#[test]
fn a_newer_format_says_so() {
    let mut bytes = small_segment();
    bytes[8] = 9;
    let error = Segment::from_bytes(bytes, "debian-12").unwrap_err();
    assert_eq!(error.kind, SegmentErrorKind::UnknownVersion);
    let error = Segment::from_bytes(b"<html>not here</html>".repeat(9), "debian-12").unwrap_err();
    assert_eq!(error.kind, SegmentErrorKind::NotASegment);
}
