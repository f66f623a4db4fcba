//! How old installed data is.

use std::fmt;

use advisories::{Heard, Store};
use jiff::{SignedDuration, Timestamp};

/// The time since a stream's publisher was last heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Age(SignedDuration);

impl Age {
    /// The age at `now`, since the time that mirrors and bundles go by. None if it is not installed or
    /// does not say. What is dated in the future is new.
    pub(crate) fn of(stream: &str, store: &Store, now: Timestamp) -> Option<Self> {
        let segment = store.segment(stream).ok()??;
        let heard = Heard::of(segment.meta(), store.checked_at(stream).as_deref())?;
        Some(Self(now.duration_since(heard.at()).max(SignedDuration::ZERO)))
    }

    pub(crate) fn exceeds(self, limit: std::time::Duration) -> bool {
        SignedDuration::try_from(limit).is_ok_and(|limit| self.0 > limit)
    }
}

/// `3 days old`, in the largest unit that is not zero.
impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, hours, minutes) = (self.0.as_hours() / 24, self.0.as_hours(), self.0.as_mins());
        let (count, unit) = match (days, hours) {
            (1.., _) => (days, "day"),
            (_, 1..) => (hours, "hour"),
            _ => (minutes, "minute"),
        };
        let plural = if count == 1 { "" } else { "s" };
        write!(f, "{count} {unit}{plural} old")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_their_largest_unit() {
        let cases = [
            (30, "0 minutes old"),
            (61, "1 minute old"),
            (3 * 3600 + 5, "3 hours old"),
            (24 * 3600, "1 day old"),
            (113 * 24 * 3600, "113 days old"),
        ];
        for (seconds, text) in cases {
            assert_eq!(Age(SignedDuration::from_secs(seconds)).to_string(), text);
        }
    }
}
