//! What a helper says to who gave it letters: how it stands, and what is left at the end.
//!
//! ```text
//! kind  length of what follows
//! u8    u32                     little-endian; counts are u64, a text is its length (u16) and UTF-8
//! ```
//!
//! A helper speaks with strangers, and may be theirs: every length has a limit, and what makes no sense
//! is the end of it.

use std::io::{self, Read, Write};

use crate::outbox::{Left, Standing};

/// Three texts and a few counts.
const WORD_BYTES_MAX: usize = 8 << 10;
/// Of an error of a server, as much as a person reads.
const TEXT_BYTES_MAX: usize = 1 << 10;
/// In the place of a length: there is no text.
const NO_TEXT: u16 = u16::MAX;

const FAILED: u8 = 1;
const REPORT: u8 = 2;
const LEFT: u8 = 3;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Nothing can be carried there.
    Failed(String),
    /// So many letters are off the hands of who gave them, in all; and how it stands.
    Report(u64, Standing),
    Left(Left),
}

impl Word {
    pub(crate) fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut bytes = Vec::new();
        let kind = match self {
            Self::Failed(why) => {
                put_text(&mut bytes, Some(why));
                FAILED
            }
            Self::Report(taken, standing) => {
                let Standing { lost, damaged, waiting, in_memory, trouble, refusal, full } =
                    standing;
                for count in [taken, lost, damaged, waiting, in_memory] {
                    bytes.extend(count.to_le_bytes());
                }
                for text in [trouble, refusal, full] {
                    put_text(&mut bytes, text.as_deref());
                }
                REPORT
            }
            Self::Left(Left { lost, kept }) => {
                bytes.extend(lost.to_le_bytes());
                bytes.extend(kept.to_le_bytes());
                LEFT
            }
        };
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        let mut word = vec![kind];
        word.extend(length.to_le_bytes());
        word.extend(bytes);
        to.write_all(&word)
    }

    /// The next; an error at the end, and for what makes no sense.
    pub(crate) fn read(from: &mut dyn Read) -> io::Result<Self> {
        let [kind] = take(from)?;
        let length = take(from)?;
        let length = usize::try_from(u32::from_le_bytes(length)).map_err(io::Error::other)?;
        if length > WORD_BYTES_MAX {
            return Err(senseless());
        }
        let mut bytes = vec![0; length];
        from.read_exact(&mut bytes)?;
        let mut rest = bytes.as_slice();
        let word = match kind {
            FAILED => Self::Failed(text(&mut rest)?.unwrap_or_default()),
            REPORT => {
                let taken = count(&mut rest)?;
                let standing = Standing {
                    lost: count(&mut rest)?,
                    damaged: count(&mut rest)?,
                    waiting: count(&mut rest)?,
                    in_memory: count(&mut rest)?,
                    trouble: text(&mut rest)?,
                    refusal: text(&mut rest)?,
                    full: text(&mut rest)?,
                };
                Self::Report(taken, standing)
            }
            LEFT => Self::Left(Left { lost: count(&mut rest)?, kept: count(&mut rest)? }),
            _ => return Err(senseless()),
        };
        if rest.is_empty() { Ok(word) } else { Err(senseless()) }
    }
}

fn senseless() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "what it says makes no sense")
}

fn take<const N: usize>(from: &mut dyn Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn count(from: &mut dyn Read) -> io::Result<u64> {
    Ok(u64::from_le_bytes(take(from)?))
}

fn text(from: &mut dyn Read) -> io::Result<Option<String>> {
    let length = u16::from_le_bytes(take(from)?);
    if length == NO_TEXT {
        return Ok(None);
    }
    if usize::from(length) > TEXT_BYTES_MAX {
        return Err(senseless());
    }
    let mut bytes = vec![0; length.into()];
    from.read_exact(&mut bytes)?;
    String::from_utf8(bytes).map(Some).map_err(|_bytes| senseless())
}

/// What is too long is cut between two characters.
fn put_text(bytes: &mut Vec<u8>, text: Option<&str>) {
    let Some(text) = text else { return bytes.extend(NO_TEXT.to_le_bytes()) };
    let end = text.floor_char_boundary(TEXT_BYTES_MAX);
    let cut = text.get(..end).unwrap_or_default();
    bytes.extend(u16::try_from(cut.len()).unwrap_or(0).to_le_bytes());
    bytes.extend(cut.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> Vec<Word> {
        let full = Standing {
            lost: 1,
            damaged: 2,
            waiting: 3,
            in_memory: 4,
            trouble: Some("down".to_owned()),
            refusal: None,
            full: Some(String::new()),
        };
        vec![
            Word::Failed("no".to_owned()),
            Word::Report(7, Standing::default()),
            Word::Report(u64::MAX, full),
            Word::Left(Left { lost: 1, kept: 2 }),
        ]
    }

    #[test]
    fn words_are_read_as_they_were_said() {
        let mut bytes = Vec::new();
        words().iter().for_each(|word| word.write(&mut bytes).unwrap());
        let mut rest = bytes.as_slice();
        for word in words() {
            assert_eq!(Word::read(&mut rest).unwrap(), word);
        }
        assert!(Word::read(&mut rest).is_err(), "the end");
        for cut in 0..bytes.len() {
            let mut rest = &bytes[..cut];
            while Word::read(&mut rest).is_ok() {}
            assert!(rest.is_empty() || rest.len() < bytes.len());
        }
    }

    #[test]
    fn what_is_too_long_or_senseless_is_refused() {
        let long = Word::Failed("ü".repeat(TEXT_BYTES_MAX));
        let mut bytes = Vec::new();
        long.write(&mut bytes).unwrap();
        let Word::Failed(cut) = Word::read(&mut bytes.as_slice()).unwrap() else { panic!() };
        assert_eq!(cut, "ü".repeat(TEXT_BYTES_MAX / 2));
        for bytes in [
            &[FAILED, 255, 255, 255, 255][..],
            &[9, 0, 0, 0, 0],
            &[FAILED, 2, 0, 0, 0, 1, 5],
            &[FAILED, 3, 0, 0, 0, 1, 0, 0xff],
            &[FAILED, 4, 0, 0, 0, 1, 0, b'a', b'b'],
            &[LEFT, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert!(Word::read(&mut &*bytes).is_err(), "{bytes:?}");
        }
    }
}
