//! EPSS scores and CISA's known exploited vulnerabilities: the nouns and their encoding.

use crate::bytes::{Cursor, Malformed, put_decimal, put_option, put_str};

/// FIRST publishes five decimals.
const SCALE: f64 = 100_000.0;

/// The EPSS score of a CVE.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The probability of exploitation in the next 30 days, 0 to 1.
    pub epss: f64,
    /// The share of CVEs scored the same or lower, 0 to 1.
    pub percentile: f64,
}

/// An entry of CISA's catalog of known exploited vulnerabilities.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KnownExploited {
    /// When it was added (`YYYY-MM-DD`).
    pub added: String,
    /// By when federal agencies must act (`YYYY-MM-DD`).
    pub due: Option<String>,
    /// Whether it is known to be used by ransomware.
    pub ransomware: bool,
}

impl Score {
    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        put_decimal(out, self.epss, SCALE);
        put_decimal(out, self.percentile, SCALE);
    }

    pub(crate) fn decode(value: &[u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(value);
        let score = Self { epss: cursor.decimal(SCALE)?, percentile: cursor.decimal(SCALE)? };
        if cursor.is_empty() { Ok(score) } else { Err(Malformed("a score is too long")) }
    }
}

impl KnownExploited {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_str(out, &self.added);
        put_option(out, self.due.as_deref());
        out.push(u8::from(self.ransomware));
    }

    pub(crate) fn decode(value: &[u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(value);
        let (added, due) = (cursor.string()?, cursor.option()?);
        match (cursor.byte()?, cursor.is_empty()) {
            (ransomware @ 0..=1, true) => Ok(Self { added, due, ransomware: ransomware == 1 }),
            _ => Err(Malformed("a known exploited vulnerability is not written as one")),
        }
    }
}
