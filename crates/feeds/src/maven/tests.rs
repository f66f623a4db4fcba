//! Indexes as they are, as they are not, and cut at every byte.

use std::collections::BTreeMap;

use testkit::MavenIndex;

use super::*;
use crate::sink::{Statement, statements};

const TIDE: &str = "3f786850e387550fdab836ed7e6dc881de23001b";
const ROPE: &str = "89e6c98d92887913cadf06b2adb97f26cde4849b";

/// What an index says, a line a digest, and how its reading ended.
fn said(bytes: &[u8]) -> (Vec<String>, Sink, Result<(), FeedError>) {
    let mut sink = Sink::default();
    let ended = RepositoryIndex.import(&Document::new("index", bytes), &mut sink);
    let mut lines = Vec::new();
    for (stream, pending) in &sink.streams {
        lines.extend(statements(&pending.encoded).map(|statement| match statement {
            Statement::Coordinates { sha1, group, artifact, version } => {
                let [a, b, ..] = sha1;
                format!("{stream} {a:02x}{b:02x} {group}:{artifact}:{version}")
            }
            other => panic!("{other:?}"),
        }));
    }
    (lines, sink, ended)
}

fn is_index(bytes: &[u8]) -> bool {
    RepositoryIndex.recognizes(&Sample::new(Document::new("index", bytes)))
}

#[test]
fn archives_are_called_what_the_index_says() {
    let index = MavenIndex::default()
        .record(&[("DESCRIPTOR", b"NexusIndex"), ("IDXINFO", b"1.0|central")])
        .archive("org.example|tide|1.0|NA", "jar", TIDE)
        .archive("org.example|tide|1.0|jdk8|jar", "jar", &ROPE.to_uppercase())
        .archive("org.example|tide|1.0|NA|pom", "pom", ROPE)
        // Extensions told beside the name, or by the packaging alone.
        .record(&[("u", b"a|b|1|tests|war"), ("i", b"war|1|2|0|0|0"), ("1", TIDE.as_bytes())])
        .record(&[("u", b"a|c|1|NA"), ("i", b"bundle|1|2|0|0|0"), ("1", TIDE.as_bytes())])
        .record(&[("u", b"a|d|1|NA"), ("i", b"pom|1|2|0|0|0"), ("1", TIDE.as_bytes())])
        .record(&[("u", b"a|e|1|NA|jar"), ("i", b"jar|1|2|0|0|0|jar")])
        .record(&[("del", b"a|f|1|NA"), ("m", b"1704067200000")])
        .record(&[("allGroups", b"allGroups"), ("allGroupsList", b"a|org.example")])
        .bytes();
    assert!(is_index(&index));
    let (lines, sink, ended) = said(&index);
    ended.unwrap();
    assert_eq!(
        lines,
        [
            "maven-sha1-3f 3f78 org.example:tide:1.0",
            "maven-sha1-3f 3f78 a:b:1",
            "maven-sha1-3f 3f78 a:c:1",
            "maven-sha1-89 89e6 org.example:tide:1.0",
        ]
    );
    let passed_over = BTreeMap::from([
        ("archives that were deleted".to_owned(), 1),
        ("archives without a SHA-1".to_owned(), 1),
        ("descriptions and lists of groups".to_owned(), 2),
        ("files that are no Java archives".to_owned(), 2),
    ]);
    assert_eq!((sink.passed_over, sink.damaged), (passed_over, 0));
    let modified = sink.streams.values().map(|pending| pending.modified.as_deref());
    assert!(modified.into_iter().all(|time| time == Some("2024-01-01T00:00:00Z")));
}

#[test]
fn records_that_make_no_sense_are_left_out_and_said() {
    let long = "x".repeat(300);
    let index = MavenIndex::default()
        .archive("org.example|tide|1.0|NA", "jar", TIDE)
        .archive("org.example|rope|1.0|NA", "jar", "3f78")
        .archive("org.example|rope|1.0|NA", "jar", &TIDE.replace('3', "g"))
        .archive("org.example|rope", "jar", ROPE)
        .archive("org example|rope|1|NA", "jar", ROPE)
        .archive("../../etc|rope|1|NA", "jar", ROPE)
        .archive(&format!("{long}|rope|1|NA"), "jar", ROPE)
        .archive(&format!("{}|rope|1|NA", long.repeat(10)), "jar", ROPE)
        .record(&[("u", b"org.ex\xffample|rope|1|NA"), ("1", ROPE.as_bytes())])
        .archive("org.example|mast|1.0|NA", "jar", ROPE)
        .bytes();
    let (lines, sink, ended) = said(&index);
    ended.unwrap();
    assert_eq!(
        lines,
        ["maven-sha1-3f 3f78 org.example:tide:1.0", "maven-sha1-89 89e6 org.example:mast:1.0"]
    );
    assert_eq!((sink.damaged, sink.problems.len()), (8, 8));
}

/// What precedes a cut or a lie is kept, and the end is said to be missing.
#[test]
fn a_cut_or_a_length_that_lies_costs_what_follows() {
    let first = MavenIndex::default().archive("org.example|tide|1.0|NA", "jar", TIDE);
    let length = first.clone().bytes().len();
    let both = first.clone().archive("org.example|rope|1.0|NA", "jar", ROPE).bytes();
    for cut in length + 1..both.len() {
        let (lines, _, ended) = said(&both[..cut]);
        assert_eq!(lines.len(), 1, "{cut}");
        assert!(ended.unwrap_err().to_string().starts_with("ends early, in record 2"), "{cut}");
    }
    for cut in 0..9 {
        assert!(said(&both[..cut]).2.is_err(), "{cut}");
    }
    let negative = (-1_i32).to_be_bytes();
    let large = i32::MAX.to_be_bytes();
    let field = [&[0, 0, 0, 1, 5, 0, 1, b'd'][..], &large].concat();
    let within = [&[0, 0, 0, 1, 5, 0, 1, b'd'][..], &(1_000_000_i32).to_be_bytes()].concat();
    let below = [&[0, 0, 0, 1, 5, 0, 1, b'u'][..], &negative].concat();
    let cases: [(&[u8], &str); 6] = [
        (&[0; 4], "record 2 says that it has 0 fields"),
        (&negative, "record 2 says that it has -1 fields"),
        (&large, "record 2 says that it has 2147483647 fields"),
        (&field, "record 2 says that it has a value of 2147483647 bytes"),
        (&within, "ends early, in record 2"),
        (&below, "record 2 says that it has a value of -1 bytes"),
    ];
    for (lie, why) in cases {
        let lying = first.clone().raw(lie).archive("a|b|1|NA", "jar", ROPE).bytes();
        let (lines, _, ended) = said(&lying);
        assert_eq!(lines, ["maven-sha1-3f 3f78 org.example:tide:1.0"]);
        let error = ended.unwrap_err().to_string();
        assert!(error.starts_with(why), "{error}");
    }
}

#[test]
fn other_versions_are_known_for_what_they_are_and_not_read() {
    let next = MavenIndex::of_version(2).archive("a|b|1|NA", "jar", TIDE).bytes();
    assert!(is_index(&next));
    let (lines, _, ended) = said(&next);
    assert_eq!(lines, [] as [&str; 0]);
    assert_eq!(ended.unwrap_err().to_string(), "an index of version 2, and 1 is known");
    for other in [&b"{}"[..], b"", b"\x01", b"\x01\x00\x00\x00\x00\x00\x00\x00\x00", &[1; 64]] {
        assert!(!is_index(other), "{other:?}");
    }
}

#[test]
fn who_is_asked_to_stop_does() {
    let mut index = MavenIndex::default();
    for _ in 0..RECORDS_A_LOOK {
        index = index.archive("a|b|1|NA", "jar", TIDE);
    }
    let bytes = index.bytes();
    let stop = artifact::Stop::default();
    let mut sink = Sink::default().stopped_by(&stop);
    let document = Document::new("index", &bytes);
    RepositoryIndex.import(&document, &mut sink).unwrap();
    stop.stop();
    assert!(RepositoryIndex.import(&document, &mut sink).is_err());
}
