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
    /// None too if the records are of a form that nobody knows.
    pub(super) sparse: Option<Sparse>,
}

/// What is said of a sparse file.
#[derive(Debug)]
pub(super) struct Sparse {
    /// None: they stand in front of the content (version 1.0).
    pub(super) segments: Option<Vec<Segment>>,
    /// The size with the holes.
    pub(super) size: Option<u64>,
    /// The path; all other names are made up.
    pub(super) name: Option<Vec<u8>>,
}

/// GNU's records for sparse files, versions 0.0, 0.1 and 1.0 (GNU tar manual, "Storing Sparse
/// Files"), as they stand there: what they mean, if anything, only all of them say.
#[derive(Debug, Default)]
struct SparseRecords<'a> {
    major: &'a [u8],
    minor: &'a [u8],
    name: &'a [u8],
    size: &'a [u8],
    real_size: &'a [u8],
    /// Version 0.1.
    map: &'a [u8],
    /// Version 0.0: offsets, each with its length.
    pairs: Vec<&'a [u8]>,
}

/// Reads the records of one extended header. The error says what is wrong with them.
pub(super) fn parse(mut bytes: &[u8]) -> Result<Records, &'static str> {
    const BROKEN: &str = "an extended header does not parse";
    let mut records = Records::default();
    let mut sparse = SparseRecords::default();
    // Some writers pad with NULs.
    while !text(bytes).is_empty() {
        let blank = bytes.iter().position(|&byte| byte == b' ').ok_or(BROKEN)?;
        let length = decimal(bytes.get(..blank).unwrap_or_default()).ok_or(BROKEN)?;
        let length = usize::try_from(length).map_err(|_too_long| BROKEN)?;
        let (record, rest) = bytes.split_at_checked(length).ok_or(BROKEN)?;
        let record = record.get(blank + 1..).and_then(|it| it.strip_suffix(b"\n")).ok_or(BROKEN)?;
        let equals = record.iter().position(|&byte| byte == b'=').ok_or(BROKEN)?;
        let (key, value) = record.split_at(equals);
        let value = value.get(1..).unwrap_or_default();
        match key.strip_prefix(b"GNU.sparse.") {
            Some(key) => sparse.take(key, value).ok_or(BROKEN)?,
            None => records.take(key, value).ok_or(BROKEN)?,
        }
        bytes = rest;
    }
    records.sparse = sparse.read().map_err(|()| BROKEN)?;
    Ok(records)
}

impl Records {
    /// Takes one record over; None if its value makes no sense. Keys we have no use for (times,
    /// `SCHILY.xattr.*`) are passed over. An empty value takes an earlier record back.
    fn take(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
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
}

impl<'a> SparseRecords<'a> {
    /// Takes one record over; None if it does not follow the one before.
    fn take(&mut self, key: &[u8], value: &'a [u8]) -> Option<()> {
        let is_offset_next = self.pairs.len().is_multiple_of(2);
        match key {
            b"major" => self.major = value,
            b"minor" => self.minor = value,
            b"name" => self.name = value,
            b"size" => self.size = value,
            b"realsize" => self.real_size = value,
            b"map" => self.map = value,
            b"offset" if is_offset_next => self.pairs.push(value),
            b"numbytes" if !is_offset_next => self.pairs.push(value),
            b"offset" | b"numbytes" => return None,
            _ => {}
        }
        Some(())
    }

    /// What they mean together, as Go takes it (`archive/tar`, `readGNUSparsePAXHeaders`): a name or
    /// a size without a map is nothing, and so is all of a version that is not known.
    fn read(self) -> Result<Option<Sparse>, ()> {
        let has_map = !self.map.is_empty() || !self.pairs.is_empty();
        let is_in_content = match (self.major, self.minor) {
            (b"0", b"0" | b"1") => false,
            (b"1", b"0") => true,
            (b"", b"") if has_map => false,
            _ => return Ok(None),
        };
        let segments = match (is_in_content, self.pairs.as_slice()) {
            (true, _) => None,
            (false, []) => Some(sparse::parse_list(self.map).ok_or(())?),
            (false, pairs) => Some(sparse::pairs(pairs.iter().copied()).ok_or(())?),
        };
        let size = if self.size.is_empty() { self.real_size } else { self.size };
        let size = (!size.is_empty()).then(|| decimal(size).ok_or(())).transpose()?;
        let name = (!self.name.is_empty()).then(|| self.name.to_vec());
        Ok(Some(Sparse { segments, size, name }))
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
