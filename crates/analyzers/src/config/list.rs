//! A list of texts in brackets: `["a", "b"]` as people write it, `["a" "b"]` as builders record it.
//!
//! What is not understood ends the list where it stands, so that a list which was cut off still gives
//! what is left of it.

use std::ops::Range;

/// One text of a list.
pub(super) struct Element {
    /// Where it stands, quotes included.
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

/// What follows a bracket.
pub(super) struct List {
    pub(super) elements: Vec<Element>,
    /// Behind the bracket that closes it, or where it could no longer be read.
    pub(super) end: usize,
    pub(super) is_closed: bool,
}

/// The list whose bracket stands at `begin`.
pub(super) fn at(text: &str, begin: usize) -> List {
    let mut list = List { elements: Vec::new(), end: begin.saturating_add(1), is_closed: false };
    loop {
        let rest = text.get(list.end..).unwrap_or_default();
        let item = rest.trim_start_matches([' ', '\t', '\r', '\n', ',']);
        let start = text.len().saturating_sub(item.len());
        if item.starts_with(']') {
            (list.end, list.is_closed) = (start.saturating_add(1), true);
            return list;
        }
        let Some(quoted) = quoted(item) else { return list };
        list.end = start.saturating_add(quoted.len());
        list.elements.push(Element { range: start..list.end, text: unquoted(quoted) });
    }
}

/// The texts of a list that is all of the text.
pub(super) fn texts(text: &str) -> Option<Vec<String>> {
    let text = text.trim();
    let list = text.starts_with('[').then(|| at(text, 0))?;
    let is_whole = list.is_closed && list.end == text.len();
    is_whole.then(|| list.elements.into_iter().map(|element| element.text).collect())
}

/// What stands in quotes at the beginning, up to the end if nothing closes it.
fn quoted(text: &str) -> Option<&str> {
    let mut characters = text.char_indices();
    characters.next().filter(|(_, first)| *first == '"')?;
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            '"' => return text.get(..=at),
            _ => {}
        }
    }
    Some(text)
}

/// The text itself. Go has escapes that JSON has not; of those the backslash goes.
fn unquoted(quoted: &str) -> String {
    serde_json::from_str(quoted).unwrap_or_else(|_| {
        let inner = quoted.strip_prefix('"').unwrap_or(quoted);
        let mut characters = inner.strip_suffix('"').unwrap_or(inner).chars();
        let mut text = String::with_capacity(inner.len());
        while let Some(character) = characters.next() {
            text.extend(if character == '\\' { characters.next() } else { Some(character) });
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms() {
        let cases: &[(&str, Option<&[&str]>)] = &[
            (r#"["a", "b c"]"#, Some(&["a", "b c"])),
            (r#" ["a" "b\"c"] "#, Some(&["a", "b\"c"])),
            (r#"["\x41"]"#, Some(&["x41"])),
            ("[]", Some(&[])),
            (r#"["a"] b"#, None),
            (r#"["a", b]"#, None),
            (r#"["a"#, None),
            ("[", None),
            ("a", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|texts| texts.iter().map(|it| (*it).to_owned()).collect());
            assert_eq!(texts(text), expected, "{text}");
        }
        assert_eq!(at(r#"["a", "b"#, 0).elements.len(), 2, "what is left of it counts");
    }
}
