//! When to ask again: pauses that double, with jitter, and what `Retry-After` says.
//!
//! It must never wait itself; `Client` does, and may be interrupted.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The first pause: long enough for a restarted proxy, short enough not to be noticed.
const FIRST: Duration = Duration::from_millis(250);
/// Pauses between five attempts: about 4 s in all.
const REPETITIONS: u32 = 4;

/// The pauses before each repetition: doubling, each scattered between half and one and a half,
/// so that many machines that failed together do not return together.
pub(crate) fn pauses(seed: u64) -> impl Iterator<Item = Duration> {
    let mut state = seed;
    (0..REPETITIONS).map(move |n| {
        state = scramble(state);
        let percent = 50 + u32::try_from(state % 100).unwrap_or(0);
        FIRST * 2_u32.pow(n) * percent / 100
    })
}

/// A seed that differs from process to process: what the standard library protects its hash maps
/// with.
pub(crate) fn seed() -> u64 {
    RandomState::new().hash_one(0_u8)
}

/// One step of SplitMix64 (Steele, Lea, Flood 2014).
fn scramble(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Reads `Retry-After`: seconds, or a date, which is held against the server's own `Date` so that
/// a wrong clock on either side does no harm.
pub(super) fn retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let parse = |text: &str| jiff::fmt::rfc2822::parse(text.trim()).ok();
    let seconds = parse(value)?.timestamp().as_second() - parse(date?)?.timestamp().as_second();
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_scatter() {
        for seed in [0, 1, u64::MAX] {
            let pauses: Vec<_> = pauses(seed).collect();
            assert_eq!(pauses.len(), 4);
            for (n, pause) in pauses.iter().enumerate() {
                let whole = FIRST * (1 << n);
                assert!(*pause >= whole / 2 && *pause <= whole * 3 / 2, "{seed} {n} {pause:?}");
            }
        }
        assert_ne!(pauses(1).collect::<Vec<_>>(), pauses(2).collect::<Vec<_>>());
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let cases = [
            ("7", None, Some(7)),
            (" 7 ", now, Some(7)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", now, Some(10)),
            ("Sun, 06 Nov 1994 08:49:27 GMT", now, Some(0)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", None, None),
            ("-1", now, None),
            ("soon", now, None),
            ("18446744073709551615", None, Some(u64::MAX)),
            ("18446744073709551616", None, None),
        ];
        for (value, date, expected) in cases {
            assert_eq!(retry_after(value, date), expected.map(Duration::from_secs), "{value}");
        }
    }
}
