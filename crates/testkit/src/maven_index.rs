//! An index of a Maven repository in its transfer format, and what is like one.

use crate::gzip;

/// Bytes of an index, record by record.
#[derive(Clone, Debug)]
pub struct MavenIndex(Vec<u8>);

impl Default for MavenIndex {
    fn default() -> Self {
        Self::of_version(1)
    }
}

impl MavenIndex {
    /// Begins one of the first second of 2024.
    pub fn of_version(version: u8) -> Self {
        let time = 1_704_067_200_000_i64;
        Self([&[version][..], &time.to_be_bytes()].concat())
    }

    /// An archive: `group|artifact|version|classifier`, its extension and SHA-1.
    #[must_use]
    pub fn archive(self, unique: &str, extension: &str, sha1: &str) -> Self {
        let info = format!("jar|1704067200000|4096|0|0|0|{extension}");
        self.record(&[("u", unique.as_bytes()), ("i", info.as_bytes()), ("1", sha1.as_bytes())])
    }

    /// A record with these fields.
    #[must_use]
    pub fn record(self, fields: &[(&str, &[u8])]) -> Self {
        let count = i32::try_from(fields.len()).expect("a test has few fields");
        let begun = self.raw(&count.to_be_bytes());
        fields.iter().fold(begun, |index, (name, value)| {
            let length = i32::try_from(value.len()).expect("a test has short values");
            let name_length = u16::try_from(name.len()).expect("a test has short names");
            let field =
                [&[5][..], &name_length.to_be_bytes(), name.as_bytes(), &length.to_be_bytes()];
            index.raw(&field.concat()).raw(value)
        })
    }

    /// Bytes as they are.
    #[must_use]
    pub fn raw(self, bytes: &[u8]) -> Self {
        let Self(mut all) = self;
        all.extend_from_slice(bytes);
        Self(all)
    }

    pub fn bytes(self) -> Vec<u8> {
        self.0
    }

    /// As repositories serve it.
    pub fn gzip(self) -> Vec<u8> {
        gzip(&self.0)
    }
}
