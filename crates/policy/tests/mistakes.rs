//! Mistakes in policies: each with its line and column, and what was probably meant.

use policy::{Ignored, Policy};

/// A policy and, after `---`, the errors it gives; `===` between cases. BLESS=1 writes the errors
/// anew; read them.
const CASES: &str = include_str!("../testdata/mistakes.txt");

fn told(policy: &str) -> String {
    let Err(errors) = Policy::parse(policy, "policy.yaml") else { return "none\n".to_owned() };
    let said = errors.iter().map(|error| {
        let hint = error.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        format!("{error}{hint}\n")
    });
    said.collect()
}

#[test]
fn mistakes_are_told_with_their_place() {
    let mut answers = Vec::new();
    for case in CASES.split("===\n") {
        let (policy, _) = case.split_once("---\n").expect("a policy and its errors");
        answers.push(format!("{policy}---\n{}", told(policy)));
    }
    let answers = answers.join("===\n");
    if std::env::var_os("BLESS").is_some() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/mistakes.txt");
        std::fs::write(page, &answers).unwrap();
        return;
    }
    assert_eq!(answers, CASES);
}

/// Whatever is cut off or put into a file, the mistakes in it are told, and one at least where there is one.
#[test]
fn damaged_files_are_told_of() {
    let (case, _) =
        CASES.split("===\n").max_by_key(|case| case.len()).unwrap().split_once("---\n").unwrap();
    let places: Vec<usize> = case.char_indices().map(|(at, _)| at).step_by(5).collect();
    for at in places {
        let (before, after) = case.split_at(at);
        drop(Policy::parse(before, "x"));
        for odd in ["{", "}", "- ", ":", "\n", "\"", "é", "\t", "&a ", "#", "''"] {
            let errors = Policy::parse(&format!("{before}{odd}{after}"), "x").unwrap_err();
            assert!(!errors.is_empty(), "{at} {odd}");
            let places: Vec<(u64, u64)> = errors.iter().map(|it| (it.line, it.column)).collect();
            assert!(places.is_sorted(), "{at} {odd}: {places:?}");
        }
    }
}

#[test]
fn hostile_files_end() {
    let anchors = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]\n";
    let cases = [
        String::new(),
        "\u{0}".to_owned(),
        "[".repeat(100_000),
        "- ".repeat(100_000),
        "{a: ".repeat(50_000),
        format!("version: 1\n{}", anchors.repeat(3)),
        "a:\n".repeat(100_000),
        format!("version: 1\nrules:\n{}", "  - {id: a, wen: b}\n".repeat(50_000)),
        format!("version: 1\nrules:\n  - id: a\n{}", "    wen: b\n".repeat(5_000)),
        format!("version: 1\nrules: [{}]", "{id: a},".repeat(200_000)),
        format!("version: 1\n{}", "#".repeat(5 << 20)),
        "version: 1\nexceptions: [{path: '".to_owned()
            + &"*".repeat(1 << 20)
            + "', owner: a, reason: b}]",
    ];
    for text in cases {
        let start = text.get(..40.min(text.len())).unwrap_or_default().to_owned();
        assert!(Policy::parse(&text, "x").is_err(), "{start}");
        drop(Ignored::parse(&text, "x"));
    }
}
