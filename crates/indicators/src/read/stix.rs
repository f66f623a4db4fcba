//! STIX 2.1: indicators of a bundle, and what of their patterns is a list of alternatives.
//!
//! Of an object there may be several versions; the latest counts (section 3.6).

mod pattern;

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Gather;
use crate::indicator::ALWAYS;
use crate::left_out::Why;
use pattern::Alternative;

/// A pattern that is longer is made by a program that lists, which has objects for that; its tree takes
/// a hundred times as much memory.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// What of any object is looked at first.
#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    modified: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Indicator<'a> {
    #[serde(borrow, default)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    pattern: Cow<'a, str>,
    /// In version 2.0 there was one.
    #[serde(borrow, default = "of_stix")]
    pattern_type: Cow<'a, str>,
    #[serde(borrow)]
    valid_from: Option<Cow<'a, str>>,
    #[serde(borrow)]
    valid_until: Option<Cow<'a, str>>,
    #[serde(default)]
    revoked: bool,
}

fn of_stix() -> Cow<'static, str> {
    Cow::Borrowed("stix")
}

/// The indicators of a document, each in its latest version, in the order of their first.
#[derive(Default)]
pub(super) struct Bundle<'a> {
    latest: Vec<(Option<Timestamp>, &'a RawValue)>,
    places: HashMap<Cow<'a, str>, usize>,
}

impl<'a> Bundle<'a> {
    pub(super) fn object(&mut self, element: &'a RawValue) -> Result<(), serde_json::Error> {
        let Object { kind, id, modified } = serde_json::from_str(element.get())?;
        // Malware, campaigns, relationships: they say what indicators are about.
        if kind != "indicator" {
            return Ok(());
        }
        let modified: Option<Timestamp> = modified.parse().ok();
        let next = self.latest.len();
        let place = if id.is_empty() { next } else { *self.places.entry(id).or_insert(next) };
        match self.latest.get_mut(place) {
            Some(known) if known.0 <= modified => *known = (modified, element),
            Some(_) => {}
            None => self.latest.push((modified, element)),
        }
        Ok(())
    }

    pub(super) fn finish(self, gather: &mut Gather) {
        for (_, element) in self.latest {
            match serde_json::from_str(element.get()) {
                Ok(it) => indicator(&it, gather),
                Err(error) => gather.malformed(&"an indicator", &error.to_string()),
            }
        }
    }
}

fn indicator(indicator: &Indicator<'_>, gather: &mut Gather) {
    let Indicator { id, pattern, pattern_type, valid_from, valid_until, revoked } = indicator;
    let place = if id.is_empty() { "an indicator" } else { id };
    if *revoked {
        return gather.leave(Why::Revoked);
    }
    let (Ok(valid_from), Ok(valid_until)) = (time(valid_from), time(valid_until)) else {
        return gather.malformed(&place, "a time that is none");
    };
    // It counts until right before that time (section 4.7).
    if valid_until.is_some_and(|until| until <= gather.now) {
        return gather.leave(Why::Expired);
    }
    if valid_from.is_some_and(|from| from > gather.now) {
        return gather.leave(Why::Early);
    }
    if pattern_type != "stix" {
        return gather.unsupported(&place, &format!("a pattern of type `{pattern_type}`"));
    }
    if pattern.len() > PATTERN_BYTES_MAX {
        let message = format!("a pattern of more than {} MiB", PATTERN_BYTES_MAX >> 20);
        return gather.unsupported(&place, &message);
    }
    let until = valid_until.map_or(ALWAYS, last_second);
    match pattern::alternatives(pattern) {
        Err(message) => gather.malformed(&place, &message),
        Ok(alternatives) => {
            for alternative in alternatives {
                match alternative {
                    Alternative::Is(indicator) => gather.take(indicator, until),
                    Alternative::Malformed(what) => gather.malformed(&place, &what),
                    Alternative::Unsupported(what) => gather.unsupported(&place, &what),
                }
            }
        }
    }
}

fn time(text: &Option<Cow<'_, str>>) -> Result<Option<Timestamp>, jiff::Error> {
    text.as_deref().map(str::parse).transpose()
}

/// What ends at a second has counted until the one before.
fn last_second(until: Timestamp) -> u32 {
    let last = until.as_second() - i64::from(until.subsec_nanosecond() == 0);
    // What ends in the next century does not end.
    u32::try_from(last).unwrap_or(ALWAYS)
}
