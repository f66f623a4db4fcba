//! What honest machines do, and all that our rules say of it.
//!
//! `testdata/noise/day.lzr` is an excerpt of what a guard recorded while `cargo xtask noise` ran;
//! `alerts.txt` beside it lists the alerts about it, each with the reason why it is deserved. The
//! excerpt is cut anew, from a new recording, by
//! `LAZARET_NOISE=target/noise/noise.lzr cargo test --release -p detect --test noise`, which also holds
//! the list against the whole recording.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

mod excerpt;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use detect::recording::Reader;
use detect::{Detection, Engine, Relays, RuleFile, Ruleset};
use model::event::Event;

use excerpt::Excerpt;

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/detections");
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/noise");
/// Of an excerpt, so that the repository stays small: packed, a sixth.
const BYTES_MAX: usize = 2 << 20;
/// What would be a test of nothing has fewer.
const EVENTS_MIN: usize = 2_000;

#[test]
fn every_alert_about_what_honest_machines_do_is_deserved() {
    let ruleset = rules();
    let engine = Engine::new(&ruleset);
    let place = Path::new(FOLDER).join("day.lzr");
    let listed = listed();
    if let Some(path) = std::env::var_os("LAZARET_NOISE") {
        let whole = Reader::new(BufReader::new(File::open(&path).unwrap())).unwrap();
        let calls = ruleset.rules().iter().flat_map(|rule| rule.calls()).copied().collect();
        let mut excerpt = Excerpt::of(calls);
        let told = alerts(&engine, whole.map_while(Result::ok), |it, told| excerpt.see(it, told));
        let (bytes, alone) = excerpt.finish();
        fs::write(&place, bytes).unwrap();
        for (number, bytes) in alone.iter().enumerate() {
            let name = format!("alert-{number}.lzr");
            fs::write(Path::new(&path).with_file_name(name), bytes).unwrap();
        }
        hold(&told, &listed);
    }
    let bytes = fs::read(&place).unwrap();
    assert!(bytes.len() <= BYTES_MAX, "{} bytes", bytes.len());
    let mut count = 0;
    let events = Reader::new(&*bytes).unwrap().map(Result::unwrap);
    let told = alerts(&engine, events, |_, _| count += 1);
    assert!(count >= EVENTS_MIN, "{count} events");
    hold(&told, &listed);
}

/// Of alerts about the noise: `RULE CONTAINER PROGRAM`, and what the first one said.
fn alerts(
    engine: &Engine,
    events: impl Iterator<Item = Event>,
    mut each: impl FnMut(&Event, &[Detection]),
) -> BTreeMap<String, String> {
    let (mut alerts, mut relays) = (BTreeMap::new(), Relays::default());
    for event in events.filter(excerpt::is_of_noise) {
        let mut told = engine.judge(&event);
        told.extend(relays.follow(&event).iter().flat_map(|relay| engine.judge(relay)));
        each(&event, &told);
        for detection in told {
            let line = format!("{} {}", detection.rule.name, excerpt::who(&event));
            alerts.entry(line).or_insert(detection.message);
        }
    }
    alerts
}

fn hold(told: &BTreeMap<String, String>, listed: &BTreeSet<String>) {
    let unlisted: Vec<_> = told.iter().filter(|(line, _)| !listed.contains(*line)).collect();
    let untold: Vec<_> = listed.iter().filter(|line| !told.contains_key(*line)).collect();
    assert!(unlisted.is_empty(), "told and not listed: {unlisted:#?}");
    assert!(untold.is_empty(), "listed and not told: {untold:#?}");
}

/// The same, as the list has it; lines of `#` are for people.
fn listed() -> BTreeSet<String> {
    let text = fs::read_to_string(Path::new(FOLDER).join("alerts.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(str::to_owned).collect()
}

/// Those that come with lazaret.
fn rules() -> Ruleset {
    let mut paths = Vec::new();
    find(Path::new(RULES), &mut paths);
    let named: Vec<(String, Vec<u8>)> =
        paths.iter().map(|path| (path.display().to_string(), fs::read(path).unwrap())).collect();
    let files: Vec<RuleFile<'_>> =
        named.iter().map(|(name, bytes)| RuleFile { name, bytes }).collect();
    Ruleset::load(&files).0
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|it| it == "yaml") {
            files.push(path);
        }
    }
}
