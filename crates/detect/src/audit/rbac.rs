//! Whom a binding binds.

use serde_json::Value as Json;

use super::{Record, json};
use crate::value::Value;

/// The subjects of one kind.
fn subjects<'a>(record: &'a Record, kind: &str) -> Vec<&'a Json> {
    let mut subjects = json::each(&record.json, &["requestObject", "subjects"], None);
    subjects.retain(|subject| subject.get("kind").and_then(Json::as_str) == Some(kind));
    subjects
}

/// The names of those of one kind.
pub(super) fn names<'a>(record: &'a Record, kind: &str) -> Value<'a> {
    let subjects = subjects(record, kind).into_iter();
    Value::list(subjects.filter_map(|subject| json::at(subject, &["name"])).map(json::value))
}

/// Service accounts as `namespace:name`.
pub(super) fn accounts_in_namespaces(record: &Record) -> Value<'_> {
    let accounts = subjects(record, "ServiceAccount").into_iter();
    Value::list(accounts.filter_map(|subject| {
        let namespace = json::text(json::at(subject, &["namespace"])?);
        let name = json::text(json::at(subject, &["name"])?);
        Some(Value::made(format!("{namespace}:{name}")))
    }))
}
