//! One audit record: a JSON object that is known to be one, and when it was made.

use jiff::Timestamp;
use serde_json::Value as Json;
use thiserror::Error;

use super::json;

/// One `Event` of `audit.k8s.io`.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Counts the records of one reading from 1.
    pub number: u64,
    /// Nanoseconds since the Unix epoch at which the stage was reached.
    pub time: u64,
    /// An object, as it was sent; its keys sorted.
    pub json: Json,
    /// Of its text; what it takes in memory is a few times that.
    pub bytes: usize,
}

/// Why something is no audit record.
#[derive(Debug, Error)]
pub enum AuditError {
    /// Why; where, whoever knows where the text begins says.
    #[error("it is not JSON: {0}")]
    Json(String),
    #[error("it is damaged in too many places: the rest is not read")]
    TooDamaged,
    #[error("it is not UTF-8")]
    Encoding,
    #[error("{0}")]
    Shape(&'static str),
    #[error("it is larger than {} MiB", Record::MAX_BYTES / 1024 / 1024)]
    TooLarge,
    #[error("lists in lists, deeper than {}", Record::MAX_LISTS)]
    TooDeep,
    #[error("`{0}` is not a time")]
    Time(String),
}

impl AuditError {
    /// Lines that the reader of JSON counts are those of a document, which nobody can find.
    pub(super) fn json(error: &serde_json::Error) -> Self {
        let told = error.to_string();
        let why = told.split_once(" at line ").map_or(told.as_str(), |(why, _)| why);
        Self::Json(why.to_owned())
    }
}

impl Record {
    /// An object is at most 1.5 MiB in etcd; a record holds one as it was sent and one as it was
    /// stored. What an API server lists can be larger, and is what audit policies leave out.
    pub const MAX_BYTES: usize = 8 * 1024 * 1024;

    /// Lists of lists that nobody makes; each costs one more look at the same bytes.
    pub(super) const MAX_LISTS: usize = 4;

    /// Where the time of a record stands; the last is that of `v1alpha1` and `v1beta1`.
    const TIMES: [&str; 3] = ["stageTimestamp", "requestReceivedTimestamp", "timestamp"];

    /// Reads one record. The depth of JSON is limited by its reader (128).
    pub fn read(text: &str) -> Result<Self, AuditError> {
        if text.len() > Self::MAX_BYTES {
            return Err(AuditError::TooLarge);
        }
        let json: Json = serde_json::from_str(text).map_err(|error| AuditError::json(&error))?;
        if !json.is_object() {
            return Err(AuditError::Shape("it is not an object"));
        }
        // Events of the core API have the same kind and no such id.
        if json::at(&json, &["auditID"]).is_none_or(|id| !id.is_string()) {
            return Err(AuditError::Shape("it is not an audit record: it has no `auditID`"));
        }
        let time = Self::time_of(&json)?;
        Ok(Self { number: 1, time, json, bytes: text.len() })
    }

    fn time_of(json: &Json) -> Result<u64, AuditError> {
        let stated = Self::TIMES.iter().find_map(|name| json.get(*name)?.as_str());
        let stated =
            stated.ok_or(AuditError::Shape("it does not say when: it has no `stageTimestamp`"))?;
        let time: Option<Timestamp> = stated.parse().ok();
        let since_epoch = time.and_then(|time| u64::try_from(time.as_nanosecond()).ok());
        since_epoch.ok_or_else(|| AuditError::Time(stated.chars().take(64).collect()))
    }

    /// What the API server calls the request; its stages share it.
    pub fn id(&self) -> &str {
        json::at(&self.json, &["auditID"]).and_then(Json::as_str).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_an_id_and_a_time() {
        let text = r#"{"auditID":"a1","stageTimestamp":"2026-01-02T03:04:05.000006Z"}"#;
        let record = Record::read(text).unwrap();
        assert_eq!((record.id(), record.time), ("a1", 1_767_323_045_000_006_000));
    }

    #[test]
    fn what_is_no_record_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "it is not JSON: EOF while parsing a value"),
            ("{", "it is not JSON: EOF while parsing an object"),
            ("[]", "it is not an object"),
            (r#"{"kind":"Event"}"#, "it is not an audit record: it has no `auditID`"),
            (r#"{"auditID":7}"#, "it is not an audit record: it has no `auditID`"),
            (r#"{"auditID":"a"}"#, "it does not say when: it has no `stageTimestamp`"),
            (r#"{"auditID":"a","stageTimestamp":"noon"}"#, "`noon` is not a time"),
            (
                r#"{"auditID":"a","stageTimestamp":"1969-01-01T00:00:00Z"}"#,
                "`1969-01-01T00:00:00Z` is not a time",
            ),
        ] {
            assert_eq!(Record::read(text).unwrap_err().to_string(), reason, "{text}");
        }
        let deep = format!("{}1{}", r#"{"auditID":"#.repeat(200), "}".repeat(200));
        assert!(matches!(Record::read(&deep), Err(AuditError::Json(_))));
        let long = format!(r#"{{"auditID":"{}"}}"#, "x".repeat(Record::MAX_BYTES));
        assert!(matches!(Record::read(&long), Err(AuditError::TooLarge)));
    }
}
