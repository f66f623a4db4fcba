//! Conditions that are accepted and refused: a line is a case.

use super::*;
use crate::compile::{Compiler, Names};
use crate::source::Source;

/// `condition => ok`, or the mistake: `offset: message; hint`.
const CASES: &str = include_str!("../../testdata/filters.txt");

fn answer(text: &str) -> String {
    let tree = match parse(text) {
        Ok(tree) => tree,
        Err(FilterError { at, message, hint }) => return told(at, &message, hint),
    };
    let mut names = Names::default();
    for (name, text) in [("spawned", "evt.type in (execve, execveat)"), ("broken", "proc.pid = x")]
    {
        names.macros.insert(name.to_owned(), Some(parse(text).expect("a condition")));
    }
    for (name, texts) in [("shells", &["sh", "bash"][..]), ("only", &["one"]), ("none", &[])] {
        let literal = |text: &&str| Literal { text: (*text).into(), quoted: true, at: 0 };
        names.lists.insert(name.to_owned(), Some(texts.iter().map(literal).collect()));
    }
    match Compiler::new(Source::Syscall, &names).condition(&tree) {
        Ok(_) => "ok".to_owned(),
        Err(error) => told(error.at, &error.message, error.hint),
    }
}

fn told(at: usize, message: &str, hint: Option<String>) -> String {
    format!("{at}: {message}{}", hint.map(|hint| format!("; {hint}")).unwrap_or_default())
}

#[test]
fn mistakes_are_told_with_their_places() {
    let mut answers = String::new();
    for line in CASES.lines() {
        match line.rsplit_once(" => ").filter(|_| !line.starts_with('#')) {
            Some((text, _)) => answers.extend([text, " => ", &answer(text), "\n"]),
            None => answers.extend([line, "\n"]),
        }
    }
    if std::env::var_os("BLESS").is_some() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/filters.txt");
        std::fs::write(page, &answers).unwrap();
        return;
    }
    assert_eq!(answers, CASES);
}

#[test]
fn texts_are_what_is_written() {
    let text = |condition: &str| match parse(condition) {
        Ok(Expression::Check(Check { right: Right::One(literal), .. })) => literal.text,
        other => panic!("{condition}: {other:?}"),
    };
    for (condition, expected) in [
        (r#"a.b = "x y""#, &b"x y"[..]),
        (r#"a.b = 'x "y"'"#, b"x \"y\""),
        (r#"a.b = "x \"y\"""#, b"x \"y\""),
        (r#"a.b = "\t\n\r\\\/""#, b"\t\n\r\\/"),
        (r#"a.b = "\x41\xff""#, b"A\xff"),
        (r#"a.b = "\ ""#, b"\\"),
        (r#"a.b = "x\\""#, b"x\\"),
        ("a.b = runc:[0:PARENT]", b"runc:[0:PARENT]"),
        ("a.b = \\", b"\\"),
        ("a.b == x", b"x"),
        ("a.b=x", b"x"),
    ] {
        assert_eq!(text(condition), expected, "{condition}");
    }
}

#[test]
fn hostile_conditions_end() {
    let many = |part: &str, count: usize| part.repeat(count);
    let texts = [
        many("(", 100_000),
        many("not ", 60_000),
        many("not (", 50_000),
        many("len(", 50_000),
        many("join((", 40_000),
        format!("a.b in ({}", many("x,", 120_000)),
        format!("a.b = {}", many("\"\\", 100_000)),
        many("a.b=x or ", 20_000),
        many("a.b=x and (c.d=y or ", 10_000),
        many("a.", 120_000),
        many("x", BYTES_MAX + 1),
        format!("{}a.b=x{}", many("(", DEPTH_MAX + 1), many(")", DEPTH_MAX + 1)),
    ];
    for text in texts {
        assert!(parse(&text).is_err(), "{:.40}", text);
    }
    assert!(parse(&format!("{}a.b=x{}", many("(", DEPTH_MAX), many(")", DEPTH_MAX))).is_ok());
    assert!(parse(&format!("{} a.b=x", many("not", 1))).is_ok());
}
