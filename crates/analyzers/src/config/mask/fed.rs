//! Passwords that a command reads: from a pipe, a here-string, a here-document.

use std::sync::LazyLock;

use regex::Regex;

use super::Places;
use super::telling::is_literal;
use super::word::operand;

/// Programs that read passwords, and nothing that their names are a part of.
const READERS: &str = r#"(?:\S*/)?(?:ch|smb|vnc)?passwd(?:[\s;&|)"'<]|$)"#;

/// Programs that are told to read one.
const TAKERS: &str = r"openssl\s+passwd\s|cryptsetup\s|sudo(?:\s+-\S+(?:\s+[^\s|;&-]\S*)?)*?\s+-[A-Za-z]*S\b|[\w./-]+\s[^|;&\n]*--?(?:password-stdin\b|with-token\b|passphrase-fd[\s=]+0)";

/// What is written into a pipe that ends in such a program.
static PIPED: LazyLock<[Regex; 3]> = LazyLock::new(|| {
    let into = format!(
        r"\s*\|(?:[^|;&\n]*\|){{0,4}}?\s*(?:[(\{{]\s*)?(?:sudo\s+(?:-\S+\s+)*)?(?:{READERS}|{TAKERS})"
    );
    let forms = [
        r#"\b(?:echo|printf|yes)\s+(?:-[neE]+\s+|--\s+)*(?<secret>(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^"'|;&\n\\])+?)"#,
        r"\((?<secret>[^()|\n]*)\)",
        r"\{(?<secret>[^{}|\n]*)\}",
    ];
    forms.map(|form| Regex::new(&format!("{form}{into}")).expect("a test compiles it"))
});

static HERE_STRING: LazyLock<Regex> = LazyLock::new(|| {
    let reader = format!(r"(?:passwd(?:\s[^|;&\n<]*)?|(?:{TAKERS})[^|;&\n<]*)");
    Regex::new(&format!(r"{reader}<<<\s*(?<secret>{})", operand())).expect("a test compiles it")
});

/// A line that begins a here-document.
static DOCUMENT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"<<-?\s*["']?(?<end>[A-Za-z_]\w*)"#).expect("a test compiles it")
});

static READER: LazyLock<Regex> = LazyLock::new(|| {
    let reader = format!(r#"(?:^|[\s/"'(;&|])(?:{READERS}|{TAKERS})"#);
    Regex::new(&reader).expect("a test compiles it")
});

pub(super) fn find(shape: &str, places: &mut Places) {
    for captures in PIPED.iter().chain([&*HERE_STRING]).flat_map(|form| form.captures_iter(shape)) {
        let secret = captures.name("secret").filter(|it| is_password(it.as_str()));
        places.extend(secret.map(|it| it.range()));
    }
    documents(shape, places);
}

/// The passwords of here-documents, line by line.
fn documents(shape: &str, places: &mut Places) {
    let mut end: Option<&str> = None;
    let mut begin = 0_usize;
    for line in shape.split_inclusive('\n') {
        let text = line.trim();
        match end {
            Some(word) if word == text => end = None,
            Some(_) if is_password(text) => {
                let text = text.split_once(':').map_or(text, |(_, password)| password);
                let indent = line.trim_end().len().saturating_sub(text.len());
                let at = begin.saturating_add(indent);
                places.push(at..at.saturating_add(text.len()));
            }
            Some(_) => {}
            None if READER.is_match(line) => {
                end = DOCUMENT.captures(line).and_then(|it| it.name("end")).map(|it| it.as_str());
            }
            None => {}
        }
        begin = begin.saturating_add(line.len());
    }
}

/// Whether what a program reads, `user:password` or the password alone, gives something away.
fn is_password(text: &str) -> bool {
    is_literal(text.split_once(':').map_or(text, |(_, password)| password))
}
