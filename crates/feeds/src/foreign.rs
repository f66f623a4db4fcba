//! Documents that no feed knows: which of them are damaged, and not merely somebody else's.
//!
//! A document that was cut before the keys by which it is known looks like one of another kind. Where
//! its form shows that it does not end, it is damaged, whoever's it is. Whole documents of no feed (a
//! licence, a list of contents) are none of our business. This file must never guess whose it is.

use std::io::{BufReader, Read};

use artifact::Stop;

use crate::input::{Content, Unpacked};
use crate::{Document, Form, Sample, xml};

/// How much is read at a time.
const BUFFER_BYTES: usize = 64 << 10;

/// Why a document that no feed knows is taken for damaged.
pub(crate) fn damage(unpacked: &Unpacked, stop: &Stop) -> Option<String> {
    if let Some(cut) = &unpacked.cut {
        return cut.is_damage.then(|| cut.why.clone());
    }
    if matches!(unpacked.content, Content::Packed { .. }) {
        return None;
    }
    let document = unpacked.document();
    match Sample::new(document).form() {
        Form::JsonObject | Form::JsonArray if begins_as_json(document.head()) => {
            let is_cut = ends_within_json(&document, stop);
            is_cut.then(|| "the JSON ends early".to_owned())
        }
        Form::Xml if begins_as_xml(document.head()) => xml::damage(&document, stop),
        _ => None,
    }
}

fn text(head: &[u8]) -> &[u8] {
    head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start()
}

/// Text that happens to begin with a bracket (a template, a section of settings) is no JSON.
fn begins_as_json(head: &[u8]) -> bool {
    let (bracket, rest) = text(head).split_at_checked(1).unwrap_or_default();
    let next = rest.trim_ascii_start().first();
    match bracket {
        b"{" => matches!(next, None | Some(b'"')),
        _ => matches!(next, None | Some(b'"' | b'{')),
    }
}

/// Pages and texts with tags in them have no such beginning, and need not end.
fn begins_as_xml(head: &[u8]) -> bool {
    text(head).starts_with(b"<?xml")
}

/// Whether the first value of a document is not closed. Only brackets and texts are looked at, for
/// what a reader would keep of them has no bound.
fn ends_within_json(document: &Document<'_>, stop: &Stop) -> bool {
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, document.reader());
    let mut buffer = vec![0; BUFFER_BYTES];
    let (mut depth, mut in_text, mut is_escaped) = (0_u64, false, false);
    loop {
        let length = match reader.read(&mut buffer) {
            _ if stop.is_stopped() => return false,
            Ok(0) => return true,
            Ok(length) => length,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return true,
        };
        for byte in buffer.get(..length).unwrap_or_default() {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if in_text => is_escaped = true,
                b'"' => in_text = !in_text,
                _ if in_text => {}
                b'{' | b'[' => depth = depth.saturating_add(1),
                b'}' | b']' if depth <= 1 => return false,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_end_is_damaged_and_what_is_something_else_is_not() {
        // What a document is, and whether it is damaged.
        let cases = [
            ("{", true),
            ("[", true),
            (r#"{"a": 1}"#, false),
            (r#"{"a": "}"#, true),
            (r#"{"a": "\"}"}"#, false),
            (r#"{"threat_severity": "Moderate", "public_date": "2024-01-01T0"#, true),
            ("\u{feff} {\"a\": [1, 2, {\"b\": []}", true),
            ("{\"a\": 1}\n{\"b\"", false),
            ("{\"a\": 1\0\0\0\0", true),
            (r#"[{"a": 1}, {"b": 2}"#, true),
            (r#"["a", "b"]"#, false),
            ("[package]\nname = \"x\"\n", false),
            ("[[bin]]\nname = \"x\n", false),
            ("{{ template }}\n{", false),
            ("{% if x %}", false),
            ("<?xml version=\"1.0\"?><a><b/></a>", false),
            ("<?xml version=\"1.0\"?><a><b/>", true),
            ("<?xml version=\"1.0\"?><a><b", true),
            ("<?xml version=\"1.0\"?>", true),
            ("<p align=center><img src=x>\n# Title", false),
            ("<!doctype html><br>", false),
            ("Candidate: {", false),
            ("", false),
        ];
        for (content, wanted) in cases {
            let content = Content::Memory(content.as_bytes().to_vec());
            let unpacked = Unpacked { path: "x".to_owned(), content, cut: None };
            let damage = damage(&unpacked, &Stop::default());
            assert_eq!(damage.is_some(), wanted, "{:?}: {damage:?}", unpacked.content);
        }
    }
}
