//! Extended header records: `LENGTH KEY=VALUE\n`, where the length counts the whole record
//! (POSIX pax, "pax Extended Header").

use super::header::text;
use super::sparse::{self, Segment};

/// What the records before an entry say of it; None where they are silent.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) sparse: SparseRecords,
}

/// GNU's records for sparse files, versions 0.0, 0.1 and 1.0 (GNU tar manual, "Storing Sparse
/// Files").
#[derive(Debug, Default)]
pub(super) struct SparseRecords {
    /// Version 1.0: the segments stand in front of the content.
    pub(super) in_content: bool,
    /// Versions 0.x: the segments.
    pub(super) segments: Option<Vec<Segment>>,
    /// The size with the holes.
    pub(super) size: Option<u64>,
    /// The path; the header's is made up.
    name: Option<Vec<u8>>,
    major: u64,
    /// Version 0.0: the offset whose length comes next.
    offset: Option<u64>,
}

/// Reads the records of one extended header. The error says what is wrong with them.
pub(super) fn parse(mut bytes: &[u8]) -> Result<Records, &'static str> {
    const BROKEN: &str = "an extended header does not parse";
    let mut records = Records::default();
    // Some writers pad with NULs.
    while !text(bytes).is_empty() {
        let blank = bytes.iter().position(|&byte| byte == b' ').ok_or(BROKEN)?;
        let length = decimal(bytes.get(..blank).unwrap_or_default()).ok_or(BROKEN)?;
        let length = usize::try_from(length).map_err(|_too_long| BROKEN)?;
        let (record, rest) = bytes.split_at_checked(length).ok_or(BROKEN)?;
        let record = record.get(blank + 1..).and_then(|it| it.strip_suffix(b"\n")).ok_or(BROKEN)?;
        let equals = record.iter().position(|&byte| byte == b'=').ok_or(BROKEN)?;
        let (key, value) = record.split_at(equals);
        records.take(key, value.get(1..).unwrap_or_default()).ok_or(BROKEN)?;
        bytes = rest;
    }
    records.finish();
    Ok(records)
}

impl Records {
    /// Takes one record over; None if its value makes no sense. Keys we have no use for (times,
    /// `SCHILY.xattr.*`) are passed over. An empty value takes an earlier record back.
    fn take(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        if let Some(key) = key.strip_prefix(b"GNU.sparse.") {
            return self.sparse.take(key, value);
        }
        let given = (!value.is_empty()).then_some(value);
        let number = |it: Option<&[u8]>| it.map(|it| decimal(it).ok_or(())).transpose().ok();
        let id = |it: Option<u64>| it.map(|it| u32::try_from(it).unwrap_or(u32::MAX));
        match key {
            b"path" => self.path = given.map(<[u8]>::to_vec),
            b"linkpath" => self.link = given.map(<[u8]>::to_vec),
            b"size" => self.size = number(given)?,
            b"uid" => self.uid = id(number(given)?),
            b"gid" => self.gid = id(number(given)?),
            _ => {}
        }
        Some(())
    }

    fn finish(&mut self) {
        self.sparse.in_content = self.sparse.major == 1;
        if self.sparse.name.is_some() {
            self.path = self.sparse.name.take();
        }
    }
}

impl SparseRecords {
    fn take(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key {
            b"major" => self.major = decimal(value)?,
            b"name" => self.name = Some(value.to_vec()),
            b"size" | b"realsize" => self.size = Some(decimal(value)?),
            b"map" => self.segments = Some(sparse::parse_list(value)?),
            b"offset" => self.offset = Some(decimal(value)?),
            b"numbytes" => {
                let segment = Segment { offset: self.offset.take()?, length: decimal(value)? };
                self.segments.get_or_insert_default().push(segment);
            }
            b"numblocks" if self.segments.is_none() => self.segments = Some(Vec::new()),
            _ => {}
        }
        Some(())
    }
}

/// An unsigned decimal number; a fraction, which only times have, is no number here.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok().filter(|it| !it.starts_with('+'))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_taken_or_refused() {
        let records = parse(b"10 path=a\n17 size=12345678\n21 SCHILY.xattr.x=\0\xff\n").unwrap();
        assert_eq!(records.path.as_deref(), Some(&b"a"[..]));
        assert_eq!(records.size, Some(12_345_678));
        assert!(parse(b"10 path=a\n8 path=\n").unwrap().path.is_none(), "taken back");
        for broken in [
            &b"path=a\n"[..],
            b"99 path=a\n",
            b"0 path=a\n",
            b"8 path=a\n",
            b"10 path a\n",
            b"12 size=-1\n",
            b"99999999999999999999999 path=a\n",
            b"26 GNU.sparse.numbytes=12\n",
        ] {
            assert!(parse(broken).is_err(), "{:?}", String::from_utf8_lossy(broken));
        }
    }
}
