//! One document of a feed: a name for people and the unpacked bytes.
//!
//! Documents are whole in memory: borrowed JSON and OVAL's cross references need it. How many bytes
//! are in flight is bounded where they are read.

/// A document as found at the end of a path, after all unpacking.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// Where it lies: `dir/feed.tar.zst!2024/CVE-2024-1.json`; a `!` leads into an archive.
    pub path: &'a str,
    pub bytes: &'a [u8],
    /// False if its end is known to be missing. Forms that do not show where they end (YAML) say
    /// something else when cut, so that they are not read then.
    pub whole: bool,
}

impl<'a> Document<'a> {
    pub fn new(path: &'a str, bytes: &'a [u8]) -> Self {
        Self { path, bytes, whole: true }
    }

    /// The part behind the last `/` or `!`.
    pub fn file_name(&self) -> &'a str {
        self.path.rsplit(['/', '!']).next().unwrap_or(self.path)
    }
}
