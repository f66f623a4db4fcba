//! Every analyzer on its cases: `testdata/<analyzer>/<case>/input` is a root file system, and
//! `expected.json` the inventory that it gives. A new case is a new folder and needs no code.
//!
//! With `BLESS=1` the expected inventories are written instead of compared; read them before they
//! are committed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use analyzers::config::{CheckSet, Scope, judge};
use analyzers::{Checks, LayerCollector, LayerFacts, squash};
use model::{Entry, EntryKind, HEAD_BYTES, Inventory, Visitor, Want};
use serde_json::Value;

/// The cases, with the analyzers they belong to.
fn cases() -> Vec<PathBuf> {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let mut cases = Vec::new();
    for analyzer in analyzers::ALL {
        cases.extend(entries(&testdata.join(analyzer.name())));
    }
    assert!(cases.len() > analyzers::ALL.len());
    cases
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort_unstable();
    paths
}

/// The files below a directory, with paths relative to it.
fn files(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut ahead = vec![root.to_owned()];
    while let Some(path) = ahead.pop() {
        if path.is_dir() {
            ahead.extend(entries(&path));
        } else {
            let relative = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            files.push((relative, whole(std::fs::read(&path).unwrap())));
        }
    }
    files
}

/// A secret lies here with an `INERT` in it, so that nobody takes it for one of ours.
fn whole(bytes: Vec<u8>) -> Vec<u8> {
    match String::from_utf8(bytes) {
        Ok(text) => text.replace("INERT", "").into_bytes(),
        Err(error) => error.into_bytes(),
    }
}

/// Everything but what is wrong with settings, which has cases of its own.
const INVENTORY: Checks =
    Checks { secrets: true, malware: false, misconfigurations: false, sources: false };
/// Malware is looked for in its own cases alone: others would take minutes.
const MALWARE: Checks =
    Checks { secrets: true, malware: true, misconfigurations: false, sources: false };
const SETTINGS: Checks =
    Checks { secrets: false, malware: false, misconfigurations: true, sources: true };

/// The checks that a case is made for.
fn checks(case: &Path) -> Checks {
    let name = case.parent().and_then(Path::file_name).unwrap();
    let analyzer = analyzers::ALL.iter().find(|analyzer| *analyzer.name() == *name).unwrap();
    match analyzer.check() {
        Some(analyzers::Check::Misconfigurations | analyzers::Check::Sources) => SETTINGS,
        Some(analyzers::Check::Malware | analyzers::Check::Published) => MALWARE,
        _ => INVENTORY,
    }
}

/// The inventory of one layer, settings judged.
fn inventory(facts: LayerFacts, checks: Checks) -> Inventory {
    let layers = [facts];
    let mut inventory = squash(&layers, false);
    if checks.misconfigurations {
        let scope = Scope { has_layers: false, is_system: true };
        let judged = judge(&layers, None, scope, &CheckSet::default());
        inventory.misconfigurations = judged.misconfigurations;
        inventory.problems.extend(judged.problems);
    }
    inventory
}

fn collect(files: &[(String, Vec<u8>)], checks: Checks) -> LayerFacts {
    let mut collector = LayerCollector::new(checks);
    for (path, bytes) in files {
        let size = bytes.len() as u64;
        let entry = Entry { path, kind: EntryKind::File, mode: 0o755, uid: 0, gid: 0, size };
        let want = collector.entry(&entry);
        assert_ne!(want, Want::Nothing, "`{path}` is not selected");
        let head = &bytes[..bytes.len().min(HEAD_BYTES)];
        if want == Want::Content || collector.head(&entry, head) == Want::Content {
            collector.content(&entry, bytes);
        }
    }
    collector.finish()
}

#[test]
fn every_case_gives_its_expected_inventory() {
    for case in cases() {
        let checks = checks(&case);
        let found = inventory(collect(&files(&case.join("input")), checks), checks);
        let found = meaningful(serde_json::to_value(&found).unwrap()).unwrap_or_default();
        let found = format!("{found:#}\n");
        let expected = case.join("expected.json");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&expected, found).unwrap();
            continue;
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(found, expected, "{}", case.display());
    }
}

/// What is left without the fields that say nothing; most of a package's do.
fn meaningful(value: Value) -> Option<Value> {
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::String(text) if text.is_empty() || text == "Record" => None,
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => Some(items.into_iter().filter_map(meaningful).collect()),
        Value::Object(fields) => {
            let fields =
                fields.into_iter().filter_map(|(key, value)| Some((key, meaningful(value)?)));
            Some(Value::Object(fields.collect())).filter(|object| object != &serde_json::json!({}))
        }
        other => Some(other),
    }
}

#[test]
fn facts_outlive_a_store() {
    for case in cases() {
        let facts = collect(&files(&case.join("input")), checks(&case));
        let stored = postcard::to_stdvec(&facts).unwrap();
        let read: LayerFacts = postcard::from_bytes(&stored).unwrap();
        assert_eq!(squash(&[read], true), squash(&[facts], true), "{}", case.display());
    }
}

/// Whatever is cut off or overwritten, there is an answer: no panic, no endless loop.
#[test]
fn no_damage_to_any_case_is_fatal() {
    let mut random = Random(1);
    for case in cases() {
        for (path, whole) in files(&case.join("input")) {
            let checks = checks(&case);
            let damaged = |bytes: Vec<u8>| {
                squash(&[collect(&[(path.clone(), bytes)], checks)], true);
            };
            for _ in 0..10 {
                damaged(whole[..random.below(whole.len() + 1)].to_vec());
            }
            for _ in 0..60 {
                let mut bytes = whole.clone();
                for _ in 0..=random.below(4) {
                    let at = random.below(bytes.len().max(1));
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = [0, 1, 0x7f, 0x80, 0xff, b'\n', b':'][random.below(7)];
                    }
                }
                damaged(bytes);
            }
        }
    }
}

/// Numbers that look random and are the same in every run (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }
}
