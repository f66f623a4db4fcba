//! Random records go through a segment and come back; the bytes depend on nothing but the records.

use std::collections::BTreeMap;

use crate::random::Random;
use advisories::{Segment, SegmentMeta, SegmentWriter};
use model::{Advisory, Subject};

fn meta() -> SegmentMeta {
    SegmentMeta {
        stream: "debian-12".to_owned(),
        source: "test".to_owned(),
        built_at: "2026-11-22T00:00:00Z".to_owned(),
        ..SegmentMeta::default()
    }
}

#[test]
fn every_record_comes_back() {
    for seed in 0..24 {
        let mut random = Random::new(seed);
        let records = random.records(1 << (seed % 12));
        let bytes = records.write(meta()).into_bytes().unwrap();
        let segment = Segment::from_bytes(bytes, "test").unwrap();
        segment.verify().unwrap();

        let mut packages: BTreeMap<&str, Vec<&Advisory>> = BTreeMap::new();
        for advisory in &records.advisories {
            packages.entry(&advisory.package).or_default().push(advisory);
        }
        for (package, mut wanted) in packages {
            let mut found: Vec<Advisory> = [Subject::Source, Subject::Binary]
                .iter()
                .flat_map(|subject| segment.advisories(package, *subject).unwrap())
                .collect();
            found.sort();
            wanted.sort();
            wanted.dedup();
            assert!(found.iter().eq(wanted), "seed {seed} package {package:?}");
        }
        for (id, details) in &records.details {
            let found = segment.details(id).unwrap();
            assert_eq!(format!("{found:?}"), format!("{:?}", Some(details)), "seed {seed}");
        }
        for (cve, score) in &records.scores {
            assert_eq!(segment.score(cve).unwrap(), Some(*score), "seed {seed}");
        }
        for (cve, entry) in &records.known_exploited {
            assert_eq!(segment.known_exploited(cve).unwrap().as_ref(), Some(entry));
        }
        for (sha1, names) in &records.coordinates {
            assert_eq!(segment.coordinates(sha1).unwrap(), *names, "seed {seed} {sha1}");
        }
        assert_eq!(segment.coordinates(&"0".repeat(40)).unwrap(), []);
        assert_eq!(segment.advisories("no such package", Subject::Source).unwrap(), []);
        assert_eq!(segment.details("no such id").unwrap(), None);

        let all: Vec<Advisory> = segment.all_advisories().map(Result::unwrap).collect();
        assert_eq!(all.len() as u64, segment.meta().counts.advisories);
        assert_eq!(segment.all_details().count(), records.details.len());
        assert_eq!(segment.all_scores().count(), records.scores.len());
        assert_eq!(segment.all_known_exploited().count(), records.known_exploited.len());
        assert_eq!(segment.all_coordinates().count(), records.coordinates.len());
    }
}

#[test]
fn order_and_repetition_do_not_matter() {
    for seed in 0..10 {
        let records = Random::new(seed).records(300);
        let forwards = records.write(meta()).into_bytes().unwrap();
        let mut backwards = SegmentWriter::new(meta());
        for advisory in records.advisories.iter().rev().chain(&records.advisories) {
            backwards.advisory(advisory);
        }
        records.known_exploited.iter().rev().for_each(|(c, e)| backwards.known_exploited(c, e));
        records.scores.iter().rev().for_each(|(cve, score)| backwards.score(cve, *score));
        records.details.values().rev().for_each(|details| backwards.details(details));
        for (sha1, names) in records.coordinates.iter().rev() {
            let each = names.iter().rev().chain(names).map(std::slice::from_ref);
            each.for_each(|name| backwards.coordinates(sha1, name));
            if names.is_empty() {
                backwards.coordinates(sha1, &[]);
            }
        }
        assert!(forwards == backwards.into_bytes().unwrap(), "seed {seed}");
    }
}

#[test]
fn an_empty_segment_is_a_segment() {
    let writer = SegmentWriter::new(meta());
    assert!(writer.is_empty());
    let segment = Segment::from_bytes(writer.into_bytes().unwrap(), "test").unwrap();
    segment.verify().unwrap();
    assert_eq!(segment.meta(), &meta());
    assert_eq!(segment.advisories("bash", Subject::Source).unwrap(), []);
}

#[test]
fn a_record_that_is_too_large_is_left_out_and_said() {
    let mut writer = SegmentWriter::new(meta());
    let mut advisory = Random::new(1).advisory();
    advisory.notices = vec!["x".repeat(2 << 20)];
    writer.advisory(&advisory);
    assert!(writer.is_empty());
    assert_eq!(writer.problems().len(), 1);
}
