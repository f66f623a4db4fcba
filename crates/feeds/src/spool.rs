//! Encoded statements that wait for their segment: in memory while they are few, in one unlinked
//! temporary file beyond that.
//!
//! All feeds of a first import encode to several hundred megabytes; the spool keeps a fixed part
//! of them in memory. Only this process reads it, in this run.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// How much is kept in memory before it goes to the file.
const MEMORY_BYTES: usize = 48 << 20;

/// Append-only storage of byte strings.
#[derive(Debug, Default)]
pub(crate) struct Spool {
    file: Option<File>,
    /// The length of the file; what follows is in memory.
    in_file: u64,
    memory: Vec<u8>,
}

/// Where a byte string lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    offset: u64,
    length: usize,
}

impl Extent {
    pub(crate) fn length(&self) -> usize {
        self.length
    }
}

impl Spool {
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<Extent> {
        if self.memory.len() + bytes.len() > MEMORY_BYTES {
            self.flush()?;
        }
        let offset = self.in_file + self.memory.len() as u64;
        self.memory.extend_from_slice(bytes);
        Ok(Extent { offset, length: bytes.len() })
    }

    fn flush(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        file.seek(SeekFrom::Start(self.in_file))?;
        file.write_all(&self.memory)?;
        self.in_file += self.memory.len() as u64;
        self.memory.clear();
        Ok(())
    }

    /// Appends the byte string to `to`.
    pub(crate) fn read(&mut self, extent: Extent, to: &mut Vec<u8>) -> io::Result<()> {
        if let Some(start) = extent.offset.checked_sub(self.in_file) {
            let start = usize::try_from(start).map_err(io::Error::other)?;
            to.extend_from_slice(self.memory.get(start..start + extent.length).unwrap_or_default());
            return Ok(());
        }
        let Some(file) = &mut self.file else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        file.seek(SeekFrom::Start(extent.offset))?;
        let read = file.take(extent.length as u64).read_to_end(to)?;
        if read == extent.length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_overflows_to_the_file_comes_back() {
        let mut spool = Spool::default();
        let big = vec![7; MEMORY_BYTES - 1];
        let extents: Vec<_> =
            [b"ab".as_slice(), &big, b"cd"].iter().map(|b| spool.append(b).unwrap()).collect();
        assert_eq!(spool.in_file, big.len() as u64 + 2);
        let mut back = Vec::new();
        for extent in extents.iter().rev() {
            spool.read(*extent, &mut back).unwrap();
        }
        assert_eq!(back.len(), big.len() + 4);
        assert!(back.starts_with(b"cd\x07") && back.ends_with(b"\x07ab"));
    }
}
