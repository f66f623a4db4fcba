//! What a request asks in its query, and any part of a record.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::{Record, json};
use crate::field::Argument;
use crate::value::Value;

/// What stood in brackets, as text.
fn key(argument: &Argument) -> Cow<'_, str> {
    match argument {
        Argument::None => Cow::Borrowed(""),
        Argument::Index(number) => Cow::Owned(number.to_string()),
        Argument::Key(key) => Cow::Borrowed(key),
    }
}

/// The value at a JSON pointer (RFC 6901); its first slash may be left out.
pub(super) fn pointer<'a>(record: &'a Record, argument: &'a Argument) -> Value<'a> {
    let mut pointer = key(argument);
    if !pointer.is_empty() && !pointer.starts_with('/') {
        pointer = Cow::Owned(format!("/{pointer}"));
    }
    let found = record.json.pointer(&pointer).filter(|value| !value.is_null());
    found.map_or(Value::Absent, json::value)
}

/// Larger records stay on one line: indented, lists in lists could take a hundred times as much.
const INDENTED_BYTES_MAX: usize = 256 << 10;

/// Indented, as Falco has it.
pub(super) fn whole(record: &Record) -> Value<'_> {
    let text = record.json.to_string();
    if text.len() > INDENTED_BYTES_MAX {
        return Value::made(text);
    }
    serde_json::to_string_pretty(&record.json).map_or(Value::Absent, Value::made)
}

pub(super) fn time(record: &Record) -> Value<'_> {
    Value::made(record.time.to_string())
}

/// The first value of a parameter of the query.
pub(super) fn parameter<'a>(record: &'a Record, argument: &'a Argument) -> Value<'a> {
    let uri = json::at(&record.json, &["requestURI"]).and_then(Json::as_str);
    let Some((_, query)) = uri.and_then(|uri| uri.split_once('?')) else { return Value::Absent };
    let name = key(argument);
    let mut parameters = query.split('&').map(|part| part.split_once('=').unwrap_or((part, "")));
    match parameters.find(|(key, _)| decode(key) == name) {
        Some((_, value)) => Value::made(decode(value).into_owned()),
        None => Value::Absent,
    }
}

/// `%2F` and `+`; what is no code stands for itself.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = match (first, after) {
            (b'%', [high, low, ..]) => digit(*high).zip(digit(*low)),
            _ => None,
        };
        bytes.push(match (code, first) {
            (Some((high, low)), _) => high * 16 + low,
            (None, b'+') => b' ',
            (None, other) => *other,
        });
        rest = if code.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_does_not_grow_without_bound() {
        let list = format!("{}{}0{}", "[".repeat(100), "0,".repeat(1 << 20), "]".repeat(100));
        let record =
            |list: &str| Record { number: 1, time: 0, json: list.parse().unwrap(), bytes: 0 };
        let shown = |record: &Record| whole(record).shown().map_or(0, |shown| shown.len());
        assert_eq!(shown(&record(&list)), list.len());
        assert_eq!(shown(&record("[0]")), "[\n  0\n]".len());
    }

    #[test]
    fn a_query_is_decoded() {
        for (text, decoded) in [
            ("bash", "bash"),
            ("a+b%20c", "a b c"),
            ("%2Fbin%2fsh", "/bin/sh"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("%c3%a9", "é"),
            ("%ff", "\u{fffd}"),
        ] {
            assert_eq!(decode(text), decoded);
        }
    }
}
