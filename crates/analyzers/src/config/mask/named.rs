//! Secrets that a name tells of: assignments, options, headers, settings, fields of JSON.
//!
//! Which names tell is said by `telling` alone, whatever the form is that they stand in.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::Places;
use super::telling::{is_literal, is_telling};
use super::word::{PIECES, operand};

/// `NAME=`, or an option whose value is the next word.
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    let name =
        r#"(?<name>[A-Za-z_][\w.-]*)=|(?:^|[\s"'(])--?(?<option>[A-Za-z][\w.-]*)(?:\s|\\\n)+"#;
    Regex::new(name).expect("a test compiles it")
});

/// A value behind `=`, up to the next blank. Outside of shells what ends a command is part of it, so
/// it does so only twice, or before a blank. A quote that nothing closes runs to the end.
static VALUE: LazyLock<Regex> = LazyLock::new(|| {
    let value = format!(r#"(?s)^(?:{PIECES}|[|;&][^\s"'|;&\\])+|^["'].*"#);
    Regex::new(&value).expect("a test compiles it")
});

/// A value as a shell reads it.
static WORD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&format!("^(?:{PIECES})+")).expect("a test compiles it"));

static OPERAND: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&format!("^{}", operand())).expect("a test compiles it"));

/// Each has a `name` and a `secret`.
static FORMS: LazyLock<[Regex; 11]> = LazyLock::new(|| {
    let forms = [
        // The older form of `ENV`: a name, and all that follows it.
        r"(?s)^(?:/bin/sh -c #\(nop\)\s+)?ENV\s+(?<name>[A-Za-z_][\w.-]*)\s+(?<secret>[^\s=].*)$",
        r#"\s(?:-H|--header)[\s=]*"(?<name>[\w-]+):\s*{scheme}(?<secret>[^"\r\n]+)"#,
        r"\s(?:-H|--header)[\s=]*'(?<name>[\w-]+):\s*{scheme}(?<secret>[^'\r\n]+)",
        // Words that stand alone have `_` for their blanks.
        r"\s(?:-H|--header)[\s=]*(?<name>[\w-]+):[\s_]*{scheme}(?<secret>{word})",
        r"\b(?:config|configure)\s+(?:set\s+)?(?:-\S+\s+)*(?<name>[^\s=-][^\s=]*)[\s=]+(?<secret>{word})",
        r#""(?<name>[\w.-]+)"\s*:\s*"(?<secret>(?:[^"\\]|\\.)+)"#,
        // A setting: a line of a here-document, or what is written into a file.
        r"(?m)^[ \t]*(?<name>[A-Za-z_][\w.-]*)[ \t]*[:=][ \t]+(?<secret>\S[^\n]*)",
        r#"["'](?<name>[A-Za-z_][\w.-]*)\s*[:=]\s+{scheme}(?<secret>[^\s"'][^"'\n]*)"#,
        // PowerShell's, and options of programs of Windows.
        r#"\$(?i:env:)?(?<name>[A-Za-z_]\w*)\s+=\s*(?<secret>"[^"\n]+"|'[^'\n]+')"#,
        r"(?:^|\s)[-/](?<name>[A-Za-z][\w.-]*):(?<secret>{word})",
        // A field of JSON within quotes.
        r#"\\"(?<name>[\w.-]+)\\"\s*:\s*\\"(?<secret>[^"\\]+)"#,
    ];
    forms.map(|form| {
        let form = form.replace("{scheme}", r"(?:(?i:bearer|basic|token)[\s_]+)?");
        Regex::new(&form.replace("{word}", &operand())).expect("a test compiles it")
    })
});

pub(super) fn find(shape: &str, places: &mut Places) {
    words(shape, places);
    for captures in FORMS.iter().flat_map(|form| form.captures_iter(shape)) {
        let (Some(name), Some(secret)) = (captures.name("name"), captures.name("secret")) else {
            continue;
        };
        if is_telling(name.as_str()) {
            places.push(secret.range());
        }
    }
}

/// Bytes of values that are looked into once more, of one text: values of references that hold the
/// next name each would otherwise be read over and over.
const AGAIN_BYTES_MAX: usize = 64 << 10;

/// Assignments and options. Only what tells is passed over as a whole: others may hold some in their
/// values.
fn words(shape: &str, places: &mut Places) {
    let (mut at, mut again) = (0, AGAIN_BYTES_MAX);
    while let Some(found) = NAME.captures_at(shape, at) {
        let Some((begin, length)) = value(shape, &found) else { break };
        at = begin;
        if length > 0 {
            let end = begin.saturating_add(length);
            let rest = again.checked_sub(length);
            places.push(begin..end);
            if shape.get(begin..end).is_some_and(is_literal) {
                at = end;
            } else if let Some(rest) = rest {
                again = rest;
            } else {
                at = end;
            }
        }
    }
}

/// Where the value of something named begins, and how long it is: not at all if its name does not
/// tell.
fn value(shape: &str, found: &Captures<'_>) -> Option<(usize, usize)> {
    let (whole, name) = (found.get(0)?, found.name("name").or_else(|| found.name("option"))?);
    let rest = shape.get(whole.end()..)?;
    if !is_telling(name.as_str()) {
        // The blank behind an option may be the one before the next.
        return Some((name.end(), 0));
    }
    if found.name("option").is_some() {
        return Some((whole.end(), OPERAND.find(rest).map_or(0, |value| value.len())));
    }
    let before = shape.get(..whole.start())?.chars().next_back();
    let length = match before {
        // A version is asked for.
        _ if rest
            .strip_prefix('=')
            .is_some_and(|it| it.starts_with(|c: char| c.is_ascii_digit())) =>
        {
            0
        }
        // `"NAME=value"`
        Some(quote @ ('"' | '\'')) => closed(rest, quote),
        // What is put in for a word ends with the word: then comes another command.
        _ => match WORD.find(rest).filter(|word| !is_literal(word.as_str())) {
            Some(word) => word.len(),
            None => VALUE.find(rest).map_or(0, |value| value.len()),
        },
    };
    Some((whole.end(), length))
}

/// Where the quote is closed, at the end if nowhere.
fn closed(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    let is_end = |c: char| {
        let ends = c == quote && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        ends
    };
    rest.find(is_end).unwrap_or(rest.len())
}
