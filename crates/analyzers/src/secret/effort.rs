//! How much work one file is worth: the search of a text made to be slow ends and says so.
//!
//! It counts bytes that go through expressions and looks at no clock, so that a file has the same
//! secrets on every machine.

/// Bytes of windows for each byte of the file. Settings and sources of real images stay below
/// two; a line that holds nothing but key words asks for some hundred.
const BYTES_FOR_EACH: usize = 20;

/// Bytes of windows that any file may have: a small one may consist of secrets.
const BYTES_AT_LEAST: usize = 16 << 20;

/// What is left for one file.
pub(super) struct Effort(usize);

impl Effort {
    pub(super) fn for_bytes(size: usize) -> Self {
        Self(size.saturating_mul(BYTES_FOR_EACH).saturating_add(BYTES_AT_LEAST))
    }

    pub(super) fn spend(&mut self, bytes: usize) {
        self.0 = self.0.saturating_sub(bytes);
    }

    pub(super) fn is_spent(&self) -> bool {
        self.0 == 0
    }
}
