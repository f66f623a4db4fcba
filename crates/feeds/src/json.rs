//! Long JSON documents read one record at a time.
//!
//! A tracker of 70 MB never stands in memory as a tree, what precedes a cut is kept, and a record
//! that is not as expected costs itself only: each one reaches the caller as a `Result`. Only
//! broken syntax ends the walk.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Calls `each` for every element of the array under the top-level key `key`.
pub(crate) fn each_element<'a, T: serde::Deserialize<'a>>(
    bytes: &'a [u8],
    key: &str,
    mut each: impl FnMut(Result<T, serde_json::Error>),
) -> Result<(), serde_json::Error> {
    let mut each = |_: &str, raw: &'a RawValue| each(serde_json::from_str(raw.get()));
    walk(bytes, Root::ArrayUnder(key), &mut each)
}

/// Calls `each` for every element of a document that is one array.
pub(crate) fn each_item<'a, T: serde::Deserialize<'a>>(
    bytes: &'a [u8],
    mut each: impl FnMut(Result<T, serde_json::Error>),
) -> Result<(), serde_json::Error> {
    let mut each = |_: &str, raw: &'a RawValue| each(serde_json::from_str(raw.get()));
    walk(bytes, Root::Array, &mut each)
}

/// Calls `each` for every entry of a document that is one object.
pub(crate) fn each_entry<'a, T: serde::Deserialize<'a>>(
    bytes: &'a [u8],
    mut each: impl FnMut(&str, Result<T, serde_json::Error>),
) -> Result<(), serde_json::Error> {
    let mut each = |key: &str, raw: &'a RawValue| each(key, serde_json::from_str(raw.get()));
    walk(bytes, Root::Object, &mut each)
}

/// The text under a top-level key; None if it is absent or no text. Nothing behind it is read.
pub(crate) fn text_at(bytes: &[u8], key: &str) -> Option<String> {
    let mut found = None;
    // The walk ends early at a cut; what precedes counts.
    let _cut = each_entry(bytes, |name, value: Result<String, _>| {
        if name == key && found.is_none() {
            found = value.ok();
        }
    });
    found
}

fn walk<'a>(
    bytes: &'a [u8],
    root: Root<'_>,
    each: &mut dyn FnMut(&str, &'a RawValue),
) -> Result<(), serde_json::Error> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    Walk { root, each }.deserialize(&mut deserializer)?;
    deserializer.end()
}

#[derive(Clone, Copy)]
enum Root<'k> {
    Object,
    Array,
    ArrayUnder(&'k str),
}

struct Walk<'k, 'f, 'a> {
    root: Root<'k>,
    each: &'f mut dyn FnMut(&str, &'a RawValue),
}

impl<'a> DeserializeSeed<'a> for Walk<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.root {
            Root::Array => deserializer.deserialize_seq(self),
            Root::Object | Root::ArrayUnder(_) => deserializer.deserialize_map(self),
        }
    }
}

impl<'a> Visitor<'a> for Walk<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.root {
            Root::Array => "an array",
            Root::Object | Root::ArrayUnder(_) => "an object",
        })
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(raw) = items.next_element::<&RawValue>()? {
            (self.each)("", raw);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(key) = entries.next_key::<String>()? {
            match self.root {
                Root::ArrayUnder(wanted) if wanted == key => {
                    entries.next_value_seed(Walk { root: Root::Array, each: &mut *self.each })?;
                }
                Root::ArrayUnder(_) => {
                    entries.next_value::<IgnoredAny>()?;
                }
                Root::Object | Root::Array => (self.each)(&key, entries.next_value()?),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_precedes_a_cut_is_kept_and_a_bad_record_costs_itself() {
        let mut seen = Vec::new();
        let cut = br#"{"total": 3, "list": [1, "x", 3, {"a": "#;
        let end = each_element(cut, "list", |n: Result<u32, _>| seen.push(n.ok()));
        assert!(end.is_err_and(|error| error.is_eof()));
        assert_eq!(seen, [Some(1), None, Some(3)]);
    }

    #[test]
    fn entries_and_items_are_walked_in_order() {
        let mut seen = String::new();
        each_entry(br#"{"a": 1, "b": 2}"#, |key, n: Result<u32, _>| {
            seen.push_str(key);
            seen.push_str(&n.unwrap().to_string());
        })
        .unwrap();
        each_item(b"[3,4]", |n: Result<u32, _>| seen.push_str(&n.unwrap().to_string())).unwrap();
        assert_eq!(seen, "a1b234");
        assert!(each_item(b"{}", |_: Result<u32, _>| {}).is_err());
        assert!(each_item(b"[] []", |_: Result<u32, _>| {}).is_err());
    }
}
