//! Falco's own rule files load without a mistake, and what of them can never fire here is listed.
//!
//! They are not part of the repository; without them these tests say so and pass.

use std::fs;
use std::path::PathBuf;

use detect::{Diagnostic, Engine, Level, RuleFile, Ruleset, Source};

const FILES: [&str; 4] = [
    "falco_rules.yaml",
    "falco-incubating_rules.yaml",
    "falco-sandbox_rules.yaml",
    "k8s_audit_rules.yaml",
];

/// The files beside the repository, or None.
fn files() -> Option<Vec<(String, Vec<u8>)>> {
    let folder =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/falco/rules"));
    let read = |name: &str| Some((name.to_owned(), fs::read(folder.join(name)).ok()?));
    FILES.into_iter().map(read).collect()
}

fn load(files: &[(String, Vec<u8>)]) -> (Ruleset, Vec<Diagnostic>) {
    let files: Vec<_> = files.iter().map(|(name, bytes)| RuleFile { name, bytes }).collect();
    Ruleset::load(&files)
}

fn of_level(diagnostics: &[Diagnostic], level: Level) -> Vec<String> {
    diagnostics.iter().filter(|it| it.level == level).map(ToString::to_string).collect()
}

#[test]
fn each_file_loads_alone() {
    let Some(files) = files() else {
        return eprintln!("skipped: Falco's rule files are not beside the repository");
    };
    for (file, count) in files.iter().zip([25, 31, 37, 48]) {
        let (ruleset, diagnostics) = load(std::slice::from_ref(file));
        assert_eq!(of_level(&diagnostics, Level::Error), Vec::<String>::new(), "{}", file.0);
        assert_eq!(ruleset.rules().len(), count, "{}", file.0);
    }
}

/// Every rule about system calls with the calls of which it is asked, and everything that is said of
/// the files.
#[test]
fn calls_and_doubts_are_as_recorded() {
    let Some(files) = files() else {
        return eprintln!("skipped: Falco's rule files are not beside the repository");
    };
    let (ruleset, diagnostics) = load(&files);
    let mut told = String::new();
    for rule in ruleset.rules().iter().filter(|rule| rule.source == Source::Syscall) {
        let calls: Vec<_> = rule.calls().iter().map(|call| call.name()).collect();
        told.extend([&rule.name, ": ", &calls.join(" "), "\n"]);
    }
    told.push('\n');
    for diagnostic in &diagnostics {
        let Diagnostic { level, place, subject, message, .. } = diagnostic;
        told.extend([level.name(), " ", &place.file, ": ", subject, ": ", message, "\n"]);
    }
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/falco.txt");
    if std::env::var_os("BLESS").is_some() {
        fs::write(page, &told).unwrap();
    }
    assert_eq!(told, fs::read_to_string(page).unwrap());
    assert_eq!(ruleset.rules().len(), 93 + 48);
    drop(Engine::new(&ruleset));
}
