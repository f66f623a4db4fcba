//! JSON documents, the long ones read one record at a time.
//!
//! A tracker of 70 MB never stands in memory as a tree, what precedes a cut is kept, and a record
//! that is not as expected costs itself only: each one reaches the caller unread. Only broken syntax
//! ends the walk. What a record may take once it is read is estimated before that, for an empty
//! object of three bytes becomes some hundred.

use std::fmt;
use std::io::BufReader;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::allowance::Allowance;
use crate::{Document, FeedError};

/// What one record may take, read (see [`weight`]). A CSAF file of 30 MB, as long as they get, is
/// put at some 120 MB.
const WEIGHT_LIMIT: usize = 192 << 20;
/// What an object or a list may take beyond its own bytes: those of a product tree are 150 bytes,
/// and the list they are in has grown to twice its need at worst.
const CONTAINER_WEIGHT: usize = 320;
/// What another value in a list may take: a text of 24 bytes, in a list as above.
const VALUE_WEIGHT: usize = 48;
/// How much of a long document is read at a time.
const BUFFER_BYTES: usize = 64 << 10;

/// Reads one value, if it is not too large to be held.
pub(crate) fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, serde_json::Error> {
    if weight(bytes) > WEIGHT_LIMIT {
        return Err(serde::de::Error::custom("one record has more parts than are read"));
    }
    serde_json::from_slice(bytes)
}

/// How many bytes of memory a document is put at, once it is read: more than it takes.
pub(crate) fn weight(bytes: &[u8]) -> usize {
    let containers = memchr::memchr2_iter(b'{', b'[', bytes).count();
    let values = memchr::memchr_iter(b',', bytes).count();
    let parts = containers * CONTAINER_WEIGHT + values * VALUE_WEIGHT;
    bytes.len().saturating_add(parts)
}

/// A record of a list, not yet read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'r>(&'r str);

impl<'r> Record<'r> {
    pub(crate) fn read<T: Deserialize<'r>>(self) -> Result<T, serde_json::Error> {
        read(self.0.as_bytes())
    }
}

/// Calls `each` for every element of the array under the top-level key `key`.
pub(crate) fn each_element(
    document: &Document<'_>,
    key: &str,
    each: &mut dyn FnMut(Record<'_>),
) -> Result<(), FeedError> {
    walk(document, Root::ArrayUnder(key), &mut |_, record| each(record))
}

/// Calls `each` for every element of a document that is one array.
pub(crate) fn each_item(
    document: &Document<'_>,
    each: &mut dyn FnMut(Record<'_>),
) -> Result<(), FeedError> {
    walk(document, Root::Array, &mut |_, record| each(record))
}

/// Calls `each` for every entry of a document that is one object.
pub(crate) fn each_entry(
    document: &Document<'_>,
    each: &mut dyn FnMut(&str, Record<'_>),
) -> Result<(), FeedError> {
    walk(document, Root::Object, each)
}

/// Calls `each` for every entry of the object under the top-level key `key`.
pub(crate) fn each_entry_under(
    document: &Document<'_>,
    key: &str,
    each: &mut dyn FnMut(&str, Record<'_>),
) -> Result<(), FeedError> {
    walk(document, Root::ObjectUnder(key), each)
}

/// The text under a top-level key; None if it is absent or no text.
pub(crate) fn text_at(document: &Document<'_>, key: &str) -> Option<String> {
    let mut found = None;
    // The walk ends where the text was found, or at a cut; what precedes counts.
    let _end = walk(document, Root::TextUnder(key), &mut |_, record| found = record.read().ok());
    found
}

fn walk(
    document: &Document<'_>,
    root: Root<'_>,
    each: &mut dyn FnMut(&str, Record<'_>),
) -> Result<(), FeedError> {
    let allowance = Allowance::new();
    let walk = Walk { root, each, allowance: &allowance };
    if let Some(bytes) = document.in_memory() {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        return walk.all(serde_json::Deserializer::from_slice(bytes));
    }
    let reader = BufReader::with_capacity(BUFFER_BYTES, allowance.reader(document.reader()));
    walk.all(serde_json::Deserializer::from_reader(reader))
}

#[derive(Clone, Copy)]
enum Root<'k> {
    Object,
    Array,
    ArrayUnder(&'k str),
    ObjectUnder(&'k str),
    TextUnder(&'k str),
}

struct Walk<'w> {
    root: Root<'w>,
    each: &'w mut dyn FnMut(&str, Record<'_>),
    allowance: &'w Allowance,
}

impl Walk<'_> {
    fn all<'de, R: serde_json::de::Read<'de>>(
        self,
        mut deserializer: serde_json::Deserializer<R>,
    ) -> Result<(), FeedError> {
        self.deserialize(&mut deserializer)?;
        Ok(deserializer.end()?)
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.root {
            Root::Array => deserializer.deserialize_seq(self),
            Root::Object | Root::ArrayUnder(_) | Root::ObjectUnder(_) | Root::TextUnder(_) => {
                deserializer.deserialize_map(self)
            }
        }
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.root {
            Root::Array => "an array",
            Root::Object | Root::ArrayUnder(_) | Root::ObjectUnder(_) | Root::TextUnder(_) => {
                "an object"
            }
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.allowance.renew();
        while let Some(raw) = items.next_element::<Box<RawValue>>()? {
            (self.each)("", Record(raw.get()));
            self.allowance.renew();
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(key) = entries.next_key::<String>()? {
            match self.root {
                Root::ArrayUnder(wanted) if wanted == key => {
                    let each = &mut *self.each;
                    let array = Walk { root: Root::Array, each, allowance: self.allowance };
                    entries.next_value_seed(array)?;
                }
                Root::ObjectUnder(wanted) if wanted == key => {
                    let each = &mut *self.each;
                    let object = Walk { root: Root::Object, each, allowance: self.allowance };
                    entries.next_value_seed(object)?;
                }
                Root::TextUnder(wanted) if wanted == key => {
                    let raw: Box<RawValue> = entries.next_value()?;
                    (self.each)(&key, Record(raw.get()));
                    return Ok(());
                }
                Root::ArrayUnder(_) | Root::ObjectUnder(_) | Root::TextUnder(_) => {
                    entries.next_value::<IgnoredAny>()?;
                }
                Root::Object | Root::Array => {
                    let raw: Box<RawValue> = entries.next_value()?;
                    (self.each)(&key, Record(raw.get()));
                }
            }
            self.allowance.renew();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::allowance::RECORD_BYTES;

    /// What a walk does with a document in memory and with the same in a file, which must be alike.
    fn in_both<T: PartialEq + fmt::Debug>(bytes: &[u8], walk: impl Fn(&Document<'_>) -> T) -> T {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let in_memory = walk(&Document::new("x", bytes));
        let in_file = walk(&Document::in_file("x", b"", &file, bytes.len() as u64));
        assert_eq!(in_memory, in_file);
        in_memory
    }

    #[test]
    fn what_precedes_a_cut_is_kept_and_a_bad_record_costs_itself() {
        let cut = br#"{"total": 3, "list": [1, "x", 3, {"a": "#;
        let seen = in_both(cut, |document| {
            let mut seen = Vec::new();
            let each = &mut |record: Record<'_>| seen.push(record.read::<u32>().ok());
            let end = each_element(document, "list", each);
            assert!(end.is_err_and(|error| error.to_string().contains("EOF")));
            seen
        });
        assert_eq!(seen, [Some(1), None, Some(3)]);
    }

    #[test]
    fn entries_and_items_are_walked_in_order() {
        let seen = in_both(br#"{"a": 1, "b": 2}"#, |document| {
            let mut seen = String::new();
            let each = &mut |key: &str, n: Record<'_>| {
                seen.extend([key, &n.read::<u32>().unwrap().to_string()]);
            };
            each_entry(document, each).unwrap();
            (seen, text_at(document, "b"), text_at(document, "a"))
        });
        assert_eq!(seen, ("a1b2".to_owned(), None, None));
        let items = |document: &Document<'_>| {
            let mut sum = 0;
            each_item(document, &mut |n| sum += n.read::<u32>().unwrap()).map(|()| sum).ok()
        };
        assert_eq!(in_both(b"[3,4]", items), Some(7));
        assert_eq!(in_both(b"{}", items), None);
        assert_eq!(in_both(b"[] []", items), None);
    }

    #[test]
    fn the_first_text_under_a_key_is_found_and_what_is_behind_it_is_not_read() {
        let text = |document: &Document<'_>| text_at(document, "b");
        let found = Some("x\n".to_owned());
        assert_eq!(in_both(br#"{"a": {"b": "no"}, "b": "x\n", !"#, text), found);
        assert_eq!(in_both(br#"{"a": 1, "b""#, text), None);
    }

    #[test]
    fn a_record_of_many_parts_is_refused_before_it_is_read() {
        let parts = WEIGHT_LIMIT / (CONTAINER_WEIGHT + VALUE_WEIGHT + 3);
        let mut record = format!("[{}{{}}]", "{},".repeat(parts / 2));
        assert!(read::<IgnoredAny>(record.as_bytes()).is_ok());
        record = format!("[{}{{}}]", "{},".repeat(parts + 1));
        let error = read::<IgnoredAny>(record.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("more parts"), "{error}");
    }

    #[test]
    fn a_record_without_an_end_ends_at_the_limit() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"[1,\"").unwrap();
        file.set_len(RECORD_BYTES * 4).unwrap();
        // What follows is zeros, which are no text: letters are.
        let letters = vec![b'a'; 1 << 20];
        (0..RECORD_BYTES >> 19).for_each(|_| file.write_all(&letters).unwrap());
        let mut seen = 0;
        let document = Document::in_file("x", b"", &file, RECORD_BYTES * 4);
        let end = each_item(&document, &mut |_| seen += 1).unwrap_err().to_string();
        assert!(seen == 1 && end.contains("more than 33554432 bytes"), "{end}");
    }
}
