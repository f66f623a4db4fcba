//! A document, recognised by its content → what of it can be used.
//!
//! JSON is a STIX bundle or MISP's; everything else is a plain list. One file a format, each of which
//! hands what it understands to `Gather` and says of the rest why not.

mod json;
mod misp;
mod plain;
mod stix;

use core::fmt;

use jiff::Timestamp;

use crate::indicator::{ENTRIES_MAX, Indicator, Indicators};
use crate::left_out::{LeftOut, Why};

/// The largest document that is read: a plain list of millions, or a bundle of half a million
/// indicators. It is in memory whole while it is read.
pub const FILE_BYTES_MAX: u64 = 256 << 20;

/// What a document turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Plain,
    Stix,
    Misp,
}

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain text",
            Self::Stix => "STIX",
            Self::Misp => "MISP",
        }
    }
}

/// What a document gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// None where it is nothing that is known.
    pub format: Option<Format>,
    pub indicators: Indicators,
    pub left_out: LeftOut,
    /// Why nothing behind some place could be read.
    pub damage: Option<String>,
}

/// Reads a document as it counts at a time.
pub fn read(bytes: &[u8], now: Timestamp) -> Read {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
    let mut gather =
        Gather { now, indicators: Indicators::default(), left_out: LeftOut::default() };
    let (format, damage) = match bytes.first() {
        Some(b'{' | b'[') if !plain::begins(bytes) => json::read(bytes, &mut gather),
        _ => {
            plain::read(bytes, &mut gather);
            (Some(Format::Plain), None)
        }
    };
    let Gather { indicators, left_out, .. } = gather;
    Read { format, indicators, left_out, damage }
}

/// Takes what readers understand.
struct Gather {
    now: Timestamp,
    indicators: Indicators,
    left_out: LeftOut,
}

impl Gather {
    fn take(&mut self, indicator: Indicator, until: u32) {
        if self.indicators.len() < ENTRIES_MAX {
            self.indicators.push(indicator, until);
        } else {
            self.left_out.add(Why::Surplus);
        }
    }

    /// An entry, or what is said of a text that is none.
    fn take_or_tell(
        &mut self,
        found: Option<Indicator>,
        until: u32,
        place: &dyn fmt::Display,
        text: &str,
    ) {
        match found {
            Some(indicator) => self.take(indicator, until),
            None => self.malformed(place, text),
        }
    }

    fn leave(&mut self, why: Why) {
        self.left_out.add(why);
    }

    fn malformed(&mut self, place: &dyn fmt::Display, text: &str) {
        self.left_out.add_with(Why::Malformed, place, text);
    }

    fn unsupported(&mut self, place: &dyn fmt::Display, text: &str) {
        self.left_out.add_with(Why::Unsupported, place, text);
    }
}
