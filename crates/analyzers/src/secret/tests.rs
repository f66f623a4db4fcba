//! Every kind on its own fixtures, and the finder on hostile input.

use std::time::Instant;

use super::content::{Fixtures, descriptions};
use super::*;
use crate::secret::shape::Shape;

/// The fixture as it really is.
fn whole(fixture: &str) -> String {
    fixture.replace("{}", "")
}

fn kinds_in(path: &str, text: &str) -> Vec<&'static str> {
    FINDER.find(path, text.as_bytes()).0.iter().map(|hit| hit.kind).collect()
}

#[test]
fn every_kind_finds_its_secrets_and_nothing_harmless() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for (id, description) in descriptions() {
        let description = description.unwrap_or_else(|error| panic!("{id}: {error}"));
        let Fixtures { secret, harmless, file } = &description.fixtures;
        assert!(!secret.is_empty() && !harmless.is_empty(), "{id} lacks fixtures");
        let path = file.as_deref().unwrap_or("srv/app/settings.conf");
        for text in secret {
            assert!(text.contains("{}"), "{id}: `{text}` is not inert");
            let found = kinds_in(path, &whole(text));
            if found != [id] {
                wrong.push(format!("{found:?} and not {id} in `{text}`"));
            }
        }
        for text in harmless {
            let found = kinds_in(path, &whole(text));
            if !found.is_empty() {
                wrong.push(format!("{found:?} in the harmless `{text}` of {id}"));
            }
        }
        count += 1;
    }
    assert_eq!(count, FINDER.kinds.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_kind_is_well_described() {
    for kind in &FINDER.kinds {
        assert!(!kind.keywords.is_empty(), "{} has no key word", kind.id);
        assert!(kind.keywords.iter().all(|word| word.len() >= 3), "{}", kind.id);
        assert_ne!(kind.severity, Severity::Unknown, "{}", kind.id);
        kind.expression.regex();
        kind.allow.iter().for_each(|allow| drop(allow.regex().clone()));
    }
    for (id, description) in descriptions() {
        let shape = description.unwrap().shape;
        assert!(shape.is_none_or(|name| Shape::from_name(&name).is_some()), "{id}");
    }
}

#[test]
fn a_line_of_megabytes_full_of_key_words_costs_linear_time() {
    for kind in &FINDER.kinds {
        let word = kind.keywords.first().expect("a key word");
        let line = format!("{word}='{word} ").repeat(50_000 / word.len());
        let begin = Instant::now();
        FINDER.find("srv/app/settings.conf", line.as_bytes());
        assert!(begin.elapsed().as_secs() < 20, "{} took {:?}", kind.id, begin.elapsed());
    }
}

#[test]
fn hits_are_counted_by_line_and_bounded() {
    let key = whole("AK{}IAQ4VZ7MLDPWXN2RTB");
    let text = format!("{}\nkey = {key}\r\n", "x\n".repeat(41));
    let (hits, more) = FINDER.find("a", text.as_bytes());
    assert_eq!(
        (hits[0].line, hits[0].excerpt.as_str(), more),
        (43, "AKIA… (20 characters)", false)
    );

    let many: String = (0..1000).map(|n| format!("AK{}IAQ4VZ7MLDPWXN{n:04}\n", "")).collect();
    let (hits, more) = FINDER.find("a", many.replace(['0', '1', '8', '9'], "Z").as_bytes());
    assert!(hits.len() == HITS_MAX && more);
}

/// Not a test but the way to judge the kinds by what they say about real files:
/// `TREE=folder cargo test --release -p analyzers -- --ignored --nocapture a_tree`.
#[test]
#[ignore = "needs a folder"]
fn a_tree_is_searched() {
    let Ok(root) = std::env::var("TREE") else { return eprintln!("skipped: no TREE") };
    let begin = Instant::now();
    let finder = &*FINDER;
    let start = begin.elapsed();
    let (mut bytes, mut files, mut took, mut hashing) = (0, 0, [0.0; 2], 0.0);
    let mut folders = vec![std::path::PathBuf::from(&root)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            }
            let Ok(content) = (if kind.is_file() { std::fs::read(entry.path()) } else { continue })
            else {
                continue;
            };
            if content.iter().take(8192).any(|&byte| byte == 0) {
                continue;
            }
            let path = entry.path();
            let path = path.strip_prefix(&root).unwrap().to_str().unwrap_or_default();
            let begin = Instant::now();
            std::hint::black_box(blake3::hash(&content));
            hashing += begin.elapsed().as_secs_f64();
            let begin = Instant::now();
            let (hits, _) = finder.find(path, &content);
            took[0] += begin.elapsed().as_secs_f64();
            let begin = Instant::now();
            let lines = memchr::memchr_iter(b'\n', &content).count();
            took[1] += begin.elapsed().as_secs_f64();
            std::hint::black_box(lines);
            bytes += content.len();
            files += 1;
            for hit in hits {
                eprintln!("HIT {} {path}:{} {}", hit.kind, hit.line, hit.excerpt);
            }
        }
    }
    let rate = |seconds: f64| bytes as f64 / 1e6 / seconds;
    eprintln!(
        "{files} files, {} MB; ready after {start:?}; find {:.0} MB/s, blake3 {:.0} MB/s, lines {:.0} MB/s",
        bytes / 1_000_000,
        rate(took[0]),
        rate(hashing),
        rate(took[1])
    );
}
