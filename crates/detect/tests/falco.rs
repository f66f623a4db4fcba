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
    let files: Option<Vec<_>> = FILES.into_iter().map(read).collect();
    files
}

fn load(files: &[(String, Vec<u8>)]) -> (Ruleset, Vec<Diagnostic>) {
    let files: Vec<_> = files.iter().map(|(name, bytes)| RuleFile { name, bytes }).collect();
    Ruleset::load(&files)
}

#[test]
fn each_file_loads_alone_and_with_the_others() {
    let Some(files) = files() else {
        return eprintln!("skipped: Falco's rule files are not beside the repository");
    };
    let counts = [(25, 0), (31, 0), (37, 0), (0, 48)];
    for (file, (syscall, audit)) in files.iter().zip(counts) {
        let (ruleset, diagnostics) = load(std::slice::from_ref(file));
        let errors: Vec<_> = diagnostics
            .iter()
            .filter(|it| it.level == Level::Error)
            .map(ToString::to_string)
            .collect();
        if file.0.starts_with("falco") {
            assert_eq!(errors, Vec::<String>::new(), "{}", file.0);
            let of = |source| ruleset.rules().iter().filter(|it| it.source == source).count();
            assert_eq!((of(Source::Syscall), of(Source::K8sAudit)), (syscall, audit), "{}", file.0);
        }
    }
    let (ruleset, diagnostics) = load(&files[..3]);
    for it in &diagnostics {
        eprintln!("{it}");
    }
    for rule in ruleset.rules() {
        let calls: Vec<_> = rule.calls().iter().map(|call| call.name()).collect();
        eprintln!("{}: {}", rule.name, calls.join(" "));
    }
    drop(Engine::new(&ruleset));
}
