//! A document that is too long to be unpacked to disk: it is read from its packed file, as often as
//! somebody asks.
//!
//! The index of a Maven repository may unpack to tens of gigabytes, and is read once from its beginning
//! to its end. Only a file that the user names, or that was fetched, is read so: what lies in another
//! archive is unpacked like everything else. Nothing here knows what the bytes mean.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;

use crate::maven;
use crate::unpack::{RATIO_GRACE_BYTES, RATIO_LIMIT};

/// What is looked at to tell whether a document is one of these; it is held.
const HEAD_BYTES: u64 = 16 << 10;
/// How much of the packed file is read at a time.
const CHUNK_BYTES: usize = 128 << 10;

/// A file, plain or packed by gzip.
#[derive(Debug)]
pub(crate) struct Packed {
    file: File,
    is_gzip: bool,
    /// Most bytes that are unpacked.
    limit: u64,
}

impl Packed {
    /// Whether a document that begins so may be of a kind that is read so.
    pub(crate) fn may_be(head: &[u8]) -> bool {
        maven::begins(head)
    }

    /// The document in a file with its first bytes, if it is of a kind that is read so. None too if it
    /// cannot be read: who reads it next says why.
    pub(crate) fn of(file: &File, is_gzip: bool) -> Option<(Self, Vec<u8>)> {
        let length = file.metadata().ok()?.len();
        let limit = RATIO_GRACE_BYTES.max(length.saturating_mul(RATIO_LIMIT));
        let packed = Self { file: file.try_clone().ok()?, is_gzip, limit };
        let mut head = Vec::new();
        // A cut behind the beginning is found when it is read.
        let _read = packed.reader().take(HEAD_BYTES).read_to_end(&mut head);
        Self::may_be(&head).then_some((packed, head))
    }

    /// The unpacked bytes from their beginning.
    pub(crate) fn reader(&self) -> Box<dyn Read + '_> {
        let file = FromStart::new(&self.file);
        if !self.is_gzip {
            return Box::new(file);
        }
        let file = BufReader::with_capacity(CHUNK_BYTES, file);
        let decoder = flate2::bufread::MultiGzDecoder::new(file);
        Box::new(Bounded { decoder, left: self.limit })
    }
}

/// Reads a file without moving its position, so that readers do not disturb each other.
#[derive(Debug)]
pub(crate) struct FromStart<'a> {
    file: &'a File,
    offset: u64,
}

impl<'a> FromStart<'a> {
    pub(crate) fn new(file: &'a File) -> Self {
        Self { file, offset: 0 }
    }
}

impl Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(buffer, self.offset)?;
        self.offset = self.offset.saturating_add(length as u64);
        Ok(length)
    }
}

/// A decoder that stops when it gives too much for what there is.
struct Bounded<R> {
    decoder: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.decoder.read(buffer)?;
        let Some(left) = self.left.checked_sub(length as u64) else {
            let message = format!("unpacks to more than {RATIO_LIMIT} times its size");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        };
        self.left = left;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use testkit::MavenIndex;

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn an_index_is_read_where_it_lies_as_often_as_one_likes() {
        let index = MavenIndex::default().archive("a|b|1|NA", "jar", &"0".repeat(40));
        for (is_gzip, bytes) in [(true, index.clone().gzip()), (false, index.clone().bytes())] {
            let (packed, head) = Packed::of(&file(&bytes), is_gzip).unwrap();
            assert_eq!(head, index.clone().bytes());
            for _ in 0..2 {
                let mut read = Vec::new();
                packed.reader().read_to_end(&mut read).unwrap();
                assert_eq!(read, head);
            }
        }
        assert!(Packed::of(&file(&testkit::gzip(b"{}")), true).is_none());
        assert!(Packed::of(&file(b"no gzip"), true).is_none());
    }

    #[test]
    fn what_unpacks_to_too_much_ends() {
        let zeros = vec![0; 40 << 20];
        let bomb = MavenIndex::default().record(&[("d", &zeros)]).record(&[("d", &zeros)]);
        let best = flate2::Compression::best();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), best);
        encoder.write_all(&bomb.bytes()).unwrap();
        let (packed, head) = Packed::of(&file(&encoder.finish().unwrap()), true).unwrap();
        assert!(head.len() as u64 == HEAD_BYTES);
        let error = io::copy(&mut packed.reader(), &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("500 times"), "{error}");
    }
}
