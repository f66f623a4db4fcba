//! What a feed sees of a document when asked whether it is its own.
//!
//! Recognition is by content and must stay cheap, for it runs on every one of tens of thousands
//! of documents: the form is decided once, the top-level keys of a JSON object are listed once and
//! only if asked for. It must never parse a document whole.

use std::cell::OnceCell;

use memchr::memmem;

use crate::Document;

/// How much of a document [`Sample::head`] shows. Long enough for the first package of a tracker
/// document with a long description.
const HEAD_BYTES: usize = 16 << 10;
/// How far top-level keys are looked for; a key behind this is not seen. OSV records put `affected`
/// (long) before `id`.
const KEYS_BYTES: usize = 4 << 20;
/// No feed has more top-level keys that matter; a map of packages has tens of thousands.
const KEYS_LIMIT: usize = 64;

/// The outer form of a document, decided from its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    JsonObject,
    JsonArray,
    Xml,
    /// Anything else that is text: YAML, CSV, a tracker's own form.
    Text,
    /// Neither text nor an archive we know.
    Binary,
}

/// A document seen from outside.
pub struct Sample<'a> {
    document: Document<'a>,
    form: Form,
    keys: OnceCell<Vec<&'a [u8]>>,
}

impl<'a> Sample<'a> {
    pub fn new(document: Document<'a>) -> Self {
        Self { document, form: form(document.head()), keys: OnceCell::new() }
    }

    pub fn form(&self) -> Form {
        self.form
    }

    /// The last part of the document's path.
    pub fn file_name(&self) -> &'a str {
        self.document.file_name()
    }

    /// The first 16 KiB at most.
    pub fn head(&self) -> &'a [u8] {
        let bytes = self.bytes();
        bytes.get(..HEAD_BYTES).unwrap_or(bytes)
    }

    /// All of the document, for what the head cannot tell; of a long one the first megabytes.
    pub fn bytes(&self) -> &'a [u8] {
        self.document.head()
    }

    /// Whether the head contains `needle`, as bytes.
    pub fn contains(&self, needle: &str) -> bool {
        memmem::find(self.head(), needle.as_bytes()).is_some()
    }

    /// Whether the document is a JSON object with all of these top-level keys (escapes in keys
    /// are not decoded; the first 64 keys within 4 MiB are looked at).
    pub fn has_keys(&self, wanted: &[&str]) -> bool {
        let keys = self.keys.get_or_init(|| match self.form {
            Form::JsonObject => top_level_keys(self.bytes()),
            _ => Vec::new(),
        });
        wanted.iter().all(|key| keys.contains(&key.as_bytes()))
    }
}

fn form(bytes: &[u8]) -> Form {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let head = text.get(..HEAD_BYTES).unwrap_or(text);
    match text.first() {
        Some(b'{') => Form::JsonObject,
        Some(b'[') => Form::JsonArray,
        Some(b'<') => Form::Xml,
        _ if head.contains(&0) => Form::Binary,
        _ => Form::Text,
    }
}

/// The keys at depth one of a JSON object. Broken JSON gives the keys before the break.
fn top_level_keys(bytes: &[u8]) -> Vec<&[u8]> {
    let bytes = bytes.get(..KEYS_BYTES).unwrap_or(bytes);
    let mut keys = Vec::new();
    let mut depth = 0_u32;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let end = string_end(bytes, at);
                let text = bytes.get(at..end).unwrap_or_default();
                at = end.saturating_add(1);
                if depth == 1 && followed_by_colon(bytes, at) {
                    keys.push(text);
                    if keys.len() == KEYS_LIMIT {
                        break;
                    }
                }
            }
            _ => {}
        }
    }
    keys
}

/// The index of the quote that ends the string beginning at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(rest) = bytes.get(at..) {
        match memchr::memchr2(b'"', b'\\', rest) {
            Some(found) if rest.get(found) == Some(&b'"') => return at + found,
            Some(found) => at += found + 2,
            None => break,
        }
    }
    bytes.len()
}

fn followed_by_colon(bytes: &[u8], at: usize) -> bool {
    bytes.get(at..).and_then(|rest| rest.trim_ascii_start().first()) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn top_level_keys_are_seen_and_nested_ones_are_not() {
        let text = br#" {"a\"b": {"in": ["x:", {"y": 1}]}, "list": [1], "id" : "v", "cut": "#;
        let sample = Sample::new(Document::new("x", text));
        assert_eq!(sample.form(), Form::JsonObject);
        assert!(sample.has_keys(&["list", "id", "cut"]));
        assert!(!sample.has_keys(&["in"]) && !sample.has_keys(&["v"]) && !sample.has_keys(&["y"]));
    }

    #[test]
    fn broken_strings_end_the_search() {
        for text in [&b"{\"a"[..], b"{\"a\\", b"{", b"", b"}}}{\"a\":"] {
            let sample = Sample::new(Document::new("x", text));
            assert!(!sample.has_keys(&["a\\"]), "{text:?}");
        }
    }
}
