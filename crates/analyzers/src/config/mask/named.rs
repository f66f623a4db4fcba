//! Secrets that a name tells of: assignments, headers, settings, fields of JSON.

use std::sync::LazyLock;

use regex::Regex;

use super::Places;
use super::telling::is_telling;

/// `NAME=`.
static NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?<name>[A-Za-z_][\w.-]*)=").expect("a test compiles it"));

/// A value as a shell reads it, up to the next blank; a quote that nothing closes runs to the end.
static VALUE: LazyLock<Regex> = LazyLock::new(|| {
    let value = r#"(?s)^(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\])+|^["'].*"#;
    Regex::new(value).expect("a test compiles it")
});

/// Each has a `name` and a `secret`.
static FORMS: LazyLock<[Regex; 7]> = LazyLock::new(|| {
    let forms = [
        // The older form of `ENV`: a name, and all that follows it.
        r"(?s)^(?:/bin/sh -c #\(nop\)\s+)?ENV\s+(?<name>[A-Za-z_][\w.-]*)\s+(?<secret>[^\s=].*)$",
        // Words that stand alone have `_` for their blanks.
        r#"\s(?:-H|--header)[\s=]*["']?(?<name>[\w-]+):[\s_]*(?:(?i:bearer|basic|token)[\s_]+)?(?<secret>[^"'\r\n]+)"#,
        r#"\b(?:config|configure)\s+(?:set\s+)?(?:-\S+\s+)*(?<name>[^\s=-][^\s=]*)[\s=]+(?<secret>"[^"]*"|'[^']*'|[^\s"'|;&]+)"#,
        r#""(?<name>[\w.-]+)"\s*:\s*"(?<secret>(?:[^"\\]|\\.)+)"#,
        // A setting: a line of a here-document, or what is written into a file.
        r"(?m)^[ \t]*(?<name>[A-Za-z_][\w.-]*)[ \t]*[:=][ \t]+(?<secret>\S[^\n]*)",
        r#"["'](?<name>[A-Za-z_][\w.-]*)\s*[:=]\s+(?:(?i:bearer|basic|token)\s+)?(?<secret>[^\s"'][^"'\n]*)"#,
        // A field of JSON within quotes.
        r#"\\"(?<name>[\w.-]+)\\"\s*:\s*\\"(?<secret>[^"\\]+)"#,
    ];
    forms.map(|form| Regex::new(form).expect("a test compiles it"))
});

pub(super) fn find(shape: &str, places: &mut Places) {
    assignments(shape, places);
    for form in &*FORMS {
        for captures in form.captures_iter(shape) {
            let (Some(name), Some(secret)) = (captures.name("name"), captures.name("secret"))
            else {
                continue;
            };
            if is_telling(name.as_str()) {
                places.push(secret.range());
            }
        }
    }
}

/// Only what tells is passed over as a whole: others may hold assignments in their values.
fn assignments(shape: &str, places: &mut Places) {
    let mut at = 0;
    while let Some(found) = NAME.find_at(shape, at) {
        at = found.end();
        let name = found.as_str().trim_end_matches('=');
        if !is_telling(name) {
            continue;
        }
        let rest = shape.get(at..).unwrap_or_default();
        let before = shape.get(..found.start()).unwrap_or_default();
        let length = match before.chars().next_back() {
            // `"NAME=value"`
            Some(quote @ ('"' | '\'')) => rest.find(quote).unwrap_or(rest.len()),
            _ => VALUE.find(rest).map_or(0, |value| value.len()),
        };
        let end = at.saturating_add(length);
        places.push(at..end);
        at = end;
    }
}
