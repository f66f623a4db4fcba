//! One alert on its way: its text, and what a sink has to know of it; and its form on disk.
//!
//! ```text
//! length of what follows the checksum, checksum (CRC-32), time, severity, text
//! u32                                  u32                u64   u8        UTF-8   little-endian
//! ```

use std::io::{self, Read};

/// An alert tells 32 ancestors with 8 000 bytes of arguments each, a byte of which may be six in
/// JSON.
pub const LETTER_BYTES_MAX: usize = 4 << 20;

const FRAME: usize = 8;
const HEAD: usize = 9;

/// An alert as one sink is to have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Nanoseconds since the Unix epoch at which it happened.
    pub time: u64,
    /// 0 (emergency) to 7 (debug), as syslog counts.
    pub severity: u8,
    pub text: String,
}

/// What stands at a place in a file of letters.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A letter, and where the next begins.
    Letter(Letter, usize),
    /// Bytes that are no letter, and where the next may begin; the end if nobody knows.
    Damage(usize),
    End,
}

impl Letter {
    /// What it takes in memory and on disk.
    pub(crate) fn bytes(&self) -> usize {
        FRAME + HEAD + self.text.len()
    }

    /// Whether no disk takes it.
    pub(crate) fn is_too_long(&self) -> bool {
        self.text.len() > LETTER_BYTES_MAX
    }

    /// Its form on disk. None if it is too long to be kept.
    pub(crate) fn framed(&self) -> Option<Vec<u8>> {
        let length = u32::try_from(HEAD + self.text.len()).ok()?;
        if self.is_too_long() {
            return None;
        }
        let mut kept = Vec::with_capacity(self.bytes());
        kept.extend(self.time.to_le_bytes());
        kept.push(self.severity);
        kept.extend(self.text.as_bytes());
        let mut framed = Vec::with_capacity(self.bytes());
        framed.extend(length.to_le_bytes());
        framed.extend(crc32fast::hash(&kept).to_le_bytes());
        framed.extend(kept);
        Some(framed)
    }

    /// Reads what stands at `at`.
    pub(crate) fn step(bytes: &[u8], at: usize) -> Step {
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.is_empty() {
            return Step::End;
        }
        let Some((length, sum, behind)) = frame(rest) else { return Step::Damage(bytes.len()) };
        let (Some(kept), true) = (behind.get(..length), length <= HEAD + LETTER_BYTES_MAX) else {
            return Step::Damage(bytes.len());
        };
        let next = at + FRAME + length;
        let letter = (crc32fast::hash(kept) == sum).then(|| Self::kept(kept)).flatten();
        letter.map_or(Step::Damage(next), |letter| Step::Letter(letter, next))
    }

    /// The next of a stream of letters; None at its end.
    pub(crate) fn read(from: &mut dyn Read) -> io::Result<Option<Self>> {
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "it is no letter");
        let mut head = [0; FRAME];
        match from.read(&mut head)? {
            0 => return Ok(None),
            count => from.read_exact(head.get_mut(count..).unwrap_or_default())?,
        }
        let (length, sum, _) = frame(&head).ok_or_else(damaged)?;
        if length > HEAD + LETTER_BYTES_MAX {
            return Err(damaged());
        }
        let mut kept = vec![0; length];
        from.read_exact(&mut kept)?;
        let letter = (crc32fast::hash(&kept) == sum).then(|| Self::kept(&kept)).flatten();
        letter.map(Some).ok_or_else(damaged)
    }

    fn kept(bytes: &[u8]) -> Option<Self> {
        let (time, rest) = bytes.split_first_chunk::<8>()?;
        let (severity, text) = rest.split_first()?;
        let text = core::str::from_utf8(text).ok()?.to_owned();
        Some(Self { time: u64::from_le_bytes(*time), severity: *severity, text })
    }
}

/// Length, checksum, and what is behind them.
fn frame(bytes: &[u8]) -> Option<(usize, u32, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    Some((length, u32::from_le_bytes(*sum), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(text: &str) -> Letter {
        Letter { time: 7, severity: 3, text: text.to_owned() }
    }

    #[test]
    fn a_letter_is_read_as_it_was_written() {
        let (first, second) = (letter("one"), letter(""));
        let bytes = [first.framed().unwrap(), second.framed().unwrap()].concat();
        let Step::Letter(read, next) = Letter::step(&bytes, 0) else { panic!() };
        assert_eq!((read, next), (first.clone(), first.bytes()));
        assert_eq!(Letter::step(&bytes, next), Step::Letter(second, bytes.len()));
        assert_eq!(Letter::step(&bytes, bytes.len()), Step::End);
        assert!(letter(&"x".repeat(LETTER_BYTES_MAX + 1)).framed().is_none());
    }

    #[test]
    fn damage_costs_one_letter_or_the_rest() {
        let first = letter("one").framed().unwrap();
        let bytes = [&first[..], &letter("two").framed().unwrap()].concat();
        for at in FRAME..first.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            assert_eq!(Letter::step(&bytes, 0), Step::Damage(first.len()), "{at}");
        }
        let mut long = bytes.clone();
        long[3] = 0xff;
        assert_eq!(Letter::step(&long, 0), Step::Damage(bytes.len()));
        for cut in 1..first.len() {
            assert_eq!(Letter::step(&first[..cut], 0), Step::Damage(cut), "{cut}");
        }
    }
}
