//! One document of a feed: a name for people and the decompressed bytes.
//!
//! Documents are whole in memory: the readers need it (borrowed JSON, two passes over OVAL), and
//! `input` bounds how many bytes are in flight.

/// A document as found at the end of a path, after all unpacking.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// Where it lies: `dir/feed.tar.zst!2024/CVE-2024-1.json`; archives are left by `!`.
    pub path: &'a str,
    pub bytes: &'a [u8],
}

impl<'a> Document<'a> {
    pub fn new(path: &'a str, bytes: &'a [u8]) -> Self {
        Self { path, bytes }
    }

    /// The part behind the last `/` or `!`.
    pub fn file_name(&self) -> &'a str {
        self.path.rsplit(['/', '!']).next().unwrap_or(self.path)
    }
}
