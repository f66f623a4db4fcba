//! What facts are made of in an expression: types, known before anything is scanned, and values.
//!
//! `Null` is no value among others: it is a fact that is not known, and whatever is computed from
//! it is not known either, unless the rest settles the matter (`false && null` is false).

use std::fmt;

use jiff::civil::Date;
use model::Severity;

/// The type of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// Of the literal `null` alone; every fact may be null.
    Null,
    Bool,
    Number,
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    Severity,
    Date,
    /// A list of texts.
    List,
    /// Texts by name.
    Map,
    /// Something with facts of its own, by the name of its table.
    Object(&'static str),
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("true or false"),
            Self::Number => f.write_str("a number"),
            Self::Text => f.write_str("a text"),
            Self::Word(_) => f.write_str("one of a few words"),
            Self::Severity => f.write_str("a severity"),
            Self::Date => f.write_str("a date"),
            Self::List => f.write_str("a list"),
            Self::Map => f.write_str("a map"),
            Self::Object(_) => f.write_str("a thing with facts of its own"),
        }
    }
}

/// A fact, or what was computed from facts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    /// What should have said it could not be looked up: not even whether it is null is known.
    Missing,
    Bool(bool),
    Number(f64),
    Text(&'a str),
    Owned(String),
    Severity(Severity),
    Date(Date),
    List(&'a [String]),
    Map(&'a std::collections::BTreeMap<String, String>),
}

impl<'a> Value<'a> {
    /// A rating that nobody gave is not known.
    pub(crate) fn severity(severity: Severity) -> Self {
        if severity == Severity::Unknown { Self::Null } else { Self::Severity(severity) }
    }

    pub(crate) fn text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }

    pub(crate) fn bool(known: Option<bool>) -> Self {
        known.map_or(Self::Null, Self::Bool)
    }

    pub(crate) fn number(known: Option<f64>) -> Self {
        known.map_or(Self::Null, Self::Number)
    }

    /// The day of a date or of a time (RFC 3339); null where it is neither.
    pub(crate) fn date(text: Option<&str>) -> Self {
        text.and_then(day).map_or(Self::Null, Self::Date)
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Owned(text) => Some(text),
            _ => None,
        }
    }

    /// True, false, or not known.
    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }
}

/// The day of a date or of a time (RFC 3339).
pub(crate) fn day(text: &str) -> Option<Date> {
    text.get(..10)?.parse().ok()
}

/// How many days lie between two, if the first is not the later.
pub(crate) fn age(from: Option<&str>, today: Date) -> Option<f64> {
    let days = day(from?)?.until(today).ok()?.get_days();
    Some(f64::from(days.max(0)))
}
