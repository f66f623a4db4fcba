//! What an API server posts: one list of records, of so many at most.

use core::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, SeqAccess, Visitor};
use thiserror::Error;

use super::{AuditProblem, Record, read};

/// An API server's batches hold 400 unless it is told otherwise.
pub const LIST_RECORDS_MAX: usize = 10_000;

/// Why something is no list of audit records.
#[derive(Debug, Error)]
pub enum ListError {
    #[error("it is not a list of audit records: {0}")]
    Shape(String),
    #[error("it holds more than {LIST_RECORDS_MAX} records")]
    TooMany,
}

/// Hands over every record of one `EventList` of `audit.k8s.io`, and a problem for whatever in it
/// is none. What is not such a list as a whole is refused before anything is handed over.
pub fn read_list(
    bytes: &[u8],
    each: &mut dyn FnMut(Result<Record, AuditProblem>),
) -> Result<(), ListError> {
    let shape = |what: &str| ListError::Shape(what.to_owned());
    let list: List = serde_json::from_slice(bytes).map_err(|error| {
        let told = error.to_string();
        if told.starts_with(TOO_MANY) { ListError::TooMany } else { ListError::Shape(told) }
    })?;
    if list.kind != "EventList" {
        return Err(shape("its `kind` is not `EventList`"));
    }
    if !list.version.starts_with("audit.k8s.io/") {
        return Err(shape("its `apiVersion` is not `audit.k8s.io/v1`"));
    }
    read(bytes, each);
    Ok(())
}

/// Enough of it to see what it is, and that it is JSON to its end.
#[derive(Deserialize)]
struct List {
    kind: String,
    #[serde(rename = "apiVersion")]
    version: String,
    #[serde(rename = "items")]
    _items: Counted,
}

/// How many there are is known before any is looked at.
struct Counted;

const TOO_MANY: &str = "too many records";

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Self)
    }
}

impl<'de> Visitor<'de> for Counted {
    type Value = Self;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        let mut count = 0;
        while items.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
            if count > LIST_RECORDS_MAX {
                return Err(de::Error::custom(TOO_MANY));
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"auditID":"a","stageTimestamp":"2026-01-02T03:04:05Z"}"#;

    fn list(items: &str) -> String {
        format!(r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{items}]}}"#)
    }

    fn count(text: &str) -> Result<(usize, usize), String> {
        let (mut records, mut problems) = (0, 0);
        let read = read_list(text.as_bytes(), &mut |record| match record {
            Ok(_) => records += 1,
            Err(_) => problems += 1,
        });
        read.map(|()| (records, problems)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_list_is_read_and_what_is_no_record_in_it_said() {
        assert_eq!(count(&list("")), Ok((0, 0)));
        assert_eq!(count(&list(&format!("{RECORD},{{}},{RECORD}"))), Ok((2, 1)));
        let most = vec![RECORD; LIST_RECORDS_MAX].join(",");
        assert_eq!(count(&list(&most)), Ok((LIST_RECORDS_MAX, 0)));
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(count(&list(&deep)), Ok((0, 1)), "nor does it take the stack");
    }

    #[test]
    fn what_is_no_list_is_refused_as_a_whole() {
        for (text, reason) in [
            (RECORD.to_owned(), "missing field `kind`"),
            ("[]".to_owned(), "invalid length"),
            ("nonsense".to_owned(), "expected"),
            (list(RECORD).replace("EventList", "Event"), "`kind` is not `EventList`"),
            (list(RECORD).replace("audit.k8s.io/v1", "v1"), "`apiVersion` is not"),
            (list(RECORD).replace("]}", "]"), "EOF"),
            (list(RECORD) + "{}", "trailing"),
            (list(&vec!["0"; LIST_RECORDS_MAX + 1].join(",")), "more than 10000 records"),
        ] {
            let error = count(&text).unwrap_err();
            assert!(error.contains(reason), "{error}: {text:.200}");
        }
    }
}
