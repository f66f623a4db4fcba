//! Rule files and what comes of them: a section of the page is a case.

use model::event::Call;

use super::*;
use crate::engine::Engine;

/// `== name`, a file's text, `~~`, and what is loaded and said. `-- next file` begins another file.
const CASES: &str = include_str!("../../testdata/rules.txt");

fn answer(text: &str) -> String {
    let texts: Vec<&str> = text.split("-- next file\n").collect();
    let names: Vec<String> = (1..=texts.len()).map(|number| format!("{number}.yaml")).collect();
    let files: Vec<_> = names
        .iter()
        .zip(texts)
        .map(|(name, text)| RuleFile { name, bytes: text.as_bytes() })
        .collect();
    let (ruleset, diagnostics) = Ruleset::load(&files);
    let rules = ruleset.rules().iter().map(|rule| {
        let off = if rule.enabled { "" } else { ", off" };
        format!(
            "{} ({}, {}, [{}]{off}): {} -> {}\n",
            rule.name,
            rule.priority,
            rule.description,
            rule.tags.join(", "),
            rule.text.trim_end(),
            rule.output()
        )
    });
    rules.chain(diagnostics.iter().map(|it| format!("{it}\n"))).collect()
}

#[test]
fn files_give_rules_and_mistakes() {
    let mut answers = String::new();
    for case in CASES.split("== ").skip(1) {
        let (name, rest) = case.split_once('\n').expect("a name");
        let (text, _) = rest.split_once("~~\n").expect("a file");
        let line = if text.ends_with('\n') { "" } else { "\n" };
        answers.extend(["== ", name, "\n", text, line, "~~\n", &answer(text)]);
    }
    if std::env::var_os("BLESS").is_some() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/rules.txt");
        std::fs::write(page, &answers).unwrap();
        return;
    }
    assert_eq!(answers, CASES);
}

fn load(text: &[u8]) -> (Ruleset, Vec<Diagnostic>) {
    Ruleset::load(&[RuleFile { name: "r", bytes: text }])
}

fn errors(text: &str) -> usize {
    let (_, diagnostics) = load(text.as_bytes());
    diagnostics.iter().filter(|it| it.level == Level::Error).count()
}

#[test]
fn hostile_files_reach_a_limit() {
    let doubling: String =
        (1..64).map(|n| format!("- list: l{n}\n  items: [l{0}, l{0}, x{n}]\n", n - 1)).collect();
    assert!(errors(&format!("- list: l0\n  items: [a, b]\n{doubling}")) > 0);
    let deep: String = (1..400)
        .map(|n| {
            format!(
                "- macro: m{n}\n  condition: (m{} or proc.pid = {n}) and proc.ppid = {n}\n",
                n - 1
            )
        })
        .collect();
    let rule = "- rule: r\n  desc: d\n  output: o\n  priority: info\n  condition: ";
    assert!(errors(&format!("- macro: m0\n  condition: proc.pid = 0\n{deep}{rule}m399\n")) > 0);
    let cyclic = "- macro: a\n  condition: b\n- macro: b\n  condition: a\n";
    assert!(errors(&format!("{cyclic}{rule}a\n")) > 0);
    let lists = "- list: a\n  items: [b]\n- list: b\n  items: [a]\n";
    assert!(errors(lists) > 0);
    let regexes = (0..600).map(|n| format!("proc.name regex a{n}")).collect::<Vec<_>>();
    assert!(errors(&format!("{rule}{}\n", regexes.join(" or "))) > 0);
    assert!(errors(&format!("a: {}", "[".repeat(100_000))) > 0);
    for bytes in [&b"- rule: \xff"[..], &vec![b'x'; FILE_BYTES_MAX + 1]] {
        let (_, diagnostics) = load(bytes);
        assert_eq!(diagnostics.len(), 1);
    }
}

/// Macros of macros, each used twice: written in lines, and standing for 2^30 checks.
#[test]
fn what_is_shared_is_asked_once() {
    let doubling: String = (1..200)
        .map(|n| {
            format!("- macro: m{n}\n  condition: m{0} and not (proc.pid = {n} and m{0})\n", n - 1)
        })
        .collect();
    let text = format!(
        "- macro: m0\n  condition: proc.pid = 0\n{doubling}- rule: r\n  desc: d\n  output: o\n  \
         priority: info\n  condition: m30\n"
    );
    let (ruleset, diagnostics) = load(text.as_bytes());
    let errors: Vec<_> = diagnostics.iter().filter(|it| it.level == Level::Error).collect();
    assert_eq!((ruleset.rules().len(), errors.len()), (1, 0), "{errors:?}");
    drop(Engine::new(&ruleset));
}

/// Conditions, the calls of which an event may make them hold, and those of an event that asks for no name.
const UNASKED: &[(&str, &str, &str)] = &[
    ("evt.type in (sendto, write) and dns.names endswith .example", "sendto write", ""),
    ("evt.type = sendto and (dns.names exists or fd.sport = 53)", "sendto", "sendto"),
    ("evt.type = sendto and not dns.names endswith .example", "sendto", "sendto"),
    ("(evt.type = write and dns.types = 16) or evt.type = close", "close write", "close"),
    ("evt.type in (close, sendto) and dns.names exists", "sendto", ""),
];

#[test]
fn questions_for_names_are_known_from_conditions() {
    for (condition, calls, unasked) in UNASKED {
        let text = format!(
            "- rule: r\n  desc: d\n  output: o\n  priority: info\n  condition: {condition}\n"
        );
        let (ruleset, diagnostics) = load(text.as_bytes());
        let [rule] = ruleset.rules() else { panic!("{condition}: {diagnostics:?}") };
        let names = |calls: &[Call]| calls.iter().map(|it| it.name()).collect::<Vec<_>>().join(" ");
        assert_eq!(names(rule.calls()), *calls, "{condition}");
        assert_eq!(names(rule.calls_unasked()), *unasked, "{condition}");
    }
}
