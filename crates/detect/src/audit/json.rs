//! Looking into a record's JSON: the one value at a place, or the many below lists.
//!
//! `null` is as good as nothing here, as it is to an API server.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::value::Value;

/// The value below `keys`, each of an object.
pub(super) fn at<'a>(json: &'a Json, keys: &[&str]) -> Option<&'a Json> {
    let mut json = json;
    for key in keys {
        json = json.get(*key)?;
    }
    Some(json).filter(|json| !json.is_null())
}

/// The values below `keys` in their order. Where a list stands on the way or at its end, those of
/// each item; of the first list only the given `item`, if there is one.
pub(super) fn each<'a>(json: &'a Json, keys: &[&str], item: Option<usize>) -> Vec<&'a Json> {
    let mut item = item;
    let mut values = vec![json];
    for key in keys {
        values = items(values, &mut item).into_iter().filter_map(|value| value.get(*key)).collect();
    }
    let mut found = items(values, &mut item);
    found.retain(|value| !value.is_null());
    found
}

/// The values with lists opened; an `item` is asked of the first one.
fn items<'a>(values: Vec<&'a Json>, item: &mut Option<usize>) -> Vec<&'a Json> {
    let mut found = Vec::with_capacity(values.len());
    for value in values {
        match value {
            Json::Array(items) => match item.take() {
                Some(item) => found.extend(items.get(item)),
                None => found.extend(items),
            },
            value => found.push(value),
        }
    }
    found
}

/// A text as it is, everything else as JSON.
pub(super) fn text(json: &Json) -> Cow<'_, str> {
    match json {
        Json::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// As rules see a part of a record: always a text.
pub(super) fn value(json: &Json) -> Value<'_> {
    match json {
        Json::String(text) => Value::text(text),
        other => Value::made(other.to_string()),
    }
}
