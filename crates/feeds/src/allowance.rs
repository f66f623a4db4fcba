//! How much of a stream may be read before somebody asks what it was: the bound on a single record
//! of a list that is too long to stand in memory.
//!
//! Parsers read a record (or a tag, a text) to its end before they hand it over. Whoever walks the
//! list renews the allowance with each record, so that one without an end ends at the limit.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// Longest record of a list. The longest are descriptions of kernels in SUSE's OVAL, some 5 MB.
pub(crate) const RECORD_BYTES: u64 = 32 << 20;

/// What is left to be read before the next renewal.
#[derive(Clone, Debug)]
pub(crate) struct Allowance(Rc<Cell<u64>>);

impl Allowance {
    pub(crate) fn new() -> Self {
        Self(Rc::new(Cell::new(RECORD_BYTES)))
    }

    /// A record was read: the next may be as long again.
    pub(crate) fn renew(&self) {
        self.0.set(RECORD_BYTES);
    }

    /// A reader that ends with an error where the allowance does.
    pub(crate) fn reader<R: Read>(&self, reader: R) -> Allowed<R> {
        Allowed { reader, allowance: self.clone() }
    }
}

/// See [`Allowance::reader`].
pub(crate) struct Allowed<R> {
    reader: R,
    allowance: Allowance,
}

impl<R: Read> Read for Allowed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        match self.allowance.0.get().checked_sub(length as u64) {
            Some(left) => self.allowance.0.set(left),
            None => {
                let message = format!("one record has more than {RECORD_BYTES} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        }
        Ok(length)
    }
}
