//! How much work one file is worth: the search of a text made to be slow ends and says so.
//!
//! It counts bytes that go through expressions and looks at no clock, so that a file has the same
//! secrets on every machine.

/// Bytes of windows for each byte of the file. The largest texts of the reference image ask for a
/// tenth; a line that holds nothing but key words for some hundred.
const BYTES_FOR_EACH: usize = 4;

/// Bytes of windows that any file may have: a small one may consist of secrets. No other text of the
/// reference image asks for a sixteenth of it.
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
