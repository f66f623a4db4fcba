//! A stream of bytes made UTF-8, as every feed should be: what is not becomes U+FFFD.

use std::io::{self, Read};

/// How much is read at a time.
const CHUNK_BYTES: usize = 64 << 10;

/// Hands out the bytes of a reader as UTF-8.
pub(crate) struct Utf8<R> {
    reader: R,
    /// What was read and not yet looked at: the beginning of a character at most.
    raw: Vec<u8>,
    text: Vec<u8>,
    /// How much of `text` was handed out.
    given: usize,
    ended: bool,
}

impl<R: Read> Utf8<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, raw: Vec::new(), text: Vec::new(), given: 0, ended: false }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.text.clear();
        self.given = 0;
        let before = self.raw.len();
        self.reader.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut self.raw)?;
        self.ended = self.raw.len() == before;
        let mut rest = self.raw.as_slice();
        loop {
            let error = match std::str::from_utf8(rest) {
                Ok(valid) => {
                    self.text.extend_from_slice(valid.as_bytes());
                    self.raw.clear();
                    return Ok(());
                }
                Err(error) => error,
            };
            let (valid, broken) = rest.split_at(error.valid_up_to());
            self.text.extend_from_slice(valid);
            let length = match error.error_len() {
                Some(length) => length,
                None if self.ended => broken.len(),
                // The rest of the character may be still to come.
                None => {
                    self.raw = broken.to_vec();
                    return Ok(());
                }
            };
            self.text.extend_from_slice("\u{fffd}".as_bytes());
            rest = broken.get(length..).unwrap_or_default();
        }
    }
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() && !self.ended {
            self.refill()?;
        }
        let mut left = self.text.get(self.given..).unwrap_or_default();
        let length = left.read(buffer)?;
        self.given += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_utf8_becomes_the_same_as_in_memory() {
        let long = "é".repeat(CHUNK_BYTES) + "\u{10348}";
        let cases: [&[u8]; 6] = [
            b"plain",
            b"a\xffb\xc3",
            b"\xe2\x82",
            &long.as_bytes()[1..],
            &[b"x".as_slice(), long.as_bytes(), b"\xf0\x90"].concat(),
            b"",
        ];
        for case in cases {
            let mut read = String::new();
            Utf8::new(case).read_to_string(&mut read).unwrap();
            assert_eq!(read, String::from_utf8_lossy(case));
        }
    }
}
