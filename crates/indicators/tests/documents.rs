//! Documents of `testdata`, and what becomes of each: `BLESS=1 cargo test -p indicators` writes it.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use indicators::{ALWAYS, Entry, Read};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata");
const NOW: &str = "2026-01-01T00:00:00Z";

#[test]
fn documents_give_what_can_be_used_of_them() {
    let mut wrong = String::new();
    let documents = documents();
    assert!(documents.len() > 10, "there are documents: {}", documents.len());
    for path in documents {
        let told = told(&indicators::read(&std::fs::read(&path).unwrap(), NOW.parse().unwrap()));
        let golden = path.with_extension("golden");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&golden, &told).unwrap();
        }
        let wanted = std::fs::read_to_string(&golden).unwrap_or_default();
        if told != wanted {
            write!(wrong, "{}:\n{told}\nnot\n{wanted}", path.display()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Whatever a document is cut to, and whatever one byte of it becomes.
#[test]
fn damage_never_gives_more_than_there_was() {
    for path in documents() {
        let whole = std::fs::read(&path).unwrap();
        let read = |bytes: &[u8]| indicators::read(bytes, NOW.parse().unwrap());
        let all = read(&whole);
        // Each place of a short document, some of a long one.
        for end in (0..whole.len()).step_by(1 + whole.len() / 300) {
            let cut = read(&whole[..end]);
            // A line that is cut is another line, and so is the last of several documents.
            let is_one = path.extension().is_some_and(|it| it == "json")
                && !path.ends_with("misp-stream.json");
            // Of what is cut off, another version may be the latest.
            if is_one && end > 0 && !path.ends_with("stix-versions.json") {
                assert!(
                    cut.indicators.len() <= all.indicators.len(),
                    "{end} of {}",
                    path.display()
                );
                let is_said = cut.damage.is_some() || cut.format.is_none() || cut == all;
                assert!(is_said, "{end} of {}", path.display());
            }
            let mut other = whole.clone();
            other[end] ^= 0x15;
            drop(read(&other));
        }
    }
}

/// Nobody's stack is as deep as a document may be.
#[test]
fn what_is_nested_without_end_is_read_in_vain() {
    let pattern = format!("[{}x:y = 1", "(".repeat(100_000));
    let indicator = format!(r#"{{"type": "indicator", "pattern": "{pattern}"}}"#);
    for text in [
        "[".repeat(500_000),
        "{\"Event\":".repeat(100_000),
        "{\"Object\":[".repeat(100_000) + &"]}".repeat(100_000),
        "{\"Object\":[{\"Attribute\":".repeat(100_000),
        "{\"response\":[".repeat(100_000) + &"]}".repeat(100_000),
        format!(r#"{{"objects": [{indicator}]}}"#),
    ] {
        let read = indicators::read(text.as_bytes(), NOW.parse().unwrap());
        assert!(read.indicators.is_empty());
    }
}

fn documents() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(Path::new(FOLDER)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_document =
        |path: &PathBuf| path.extension().is_some_and(|it| it == "txt" || it == "json");
    let mut paths: Vec<PathBuf> = paths.filter(is_document).collect();
    paths.sort();
    paths
}

fn told(read: &Read) -> String {
    let Read { format, indicators, left_out, damage } = read;
    let mut text = format!("{}\n", format.map_or("nothing that is known", |it| it.name()));
    let mut say = |what: String, until: u32| {
        match until {
            ALWAYS => writeln!(text, "{what}"),
            until => writeln!(text, "{what} until {until}"),
        }
        .unwrap();
    };
    for Entry { value, until } in &indicators.domains {
        say(format!("domain {value}"), *until);
    }
    for Entry { value, until } in &indicators.suffixes {
        say(format!("below {value}"), *until);
    }
    for Entry { value, until } in &indicators.addresses {
        say(format!("address {value}"), *until);
    }
    for Entry { value, until } in &indicators.networks {
        say(format!("network {value}"), *until);
    }
    for Entry { value, until } in &indicators.hashes {
        say(format!("hash {value}"), *until);
    }
    if !left_out.is_empty() {
        writeln!(text, "left out: {}", left_out.summary()).unwrap();
    }
    for example in &left_out.examples {
        writeln!(text, "  {example}").unwrap();
    }
    if let Some(damage) = damage {
        writeln!(text, "damage: {damage}").unwrap();
    }
    text
}
