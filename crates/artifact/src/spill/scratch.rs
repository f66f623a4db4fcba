//! Pieces that are too large for memory and of unknown length, in unlinked temporary files.

use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Deref;
use std::path::PathBuf;

use super::mapping::Mapping;
use super::{COPY_BUFFER, create};

/// Where such files go.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    directory: Option<PathBuf>,
}

/// A piece, and why it ends before its source does, if that failed.
pub struct Scratched {
    mapping: Mapping,
    pub failed: Option<io::Error>,
}

impl Scratch {
    /// None means the system's directory for temporary files.
    pub fn new(directory: Option<PathBuf>) -> Self {
        Self { directory }
    }

    /// Takes what `from` gives, at most `most` bytes. Fails where there is no room for it.
    pub fn gather(&self, from: &mut dyn Read, most: u64) -> io::Result<Scratched> {
        let mut file = create(self.directory.as_deref())?;
        let failed = copy(&mut from.take(most), &mut file)?;
        Ok(Scratched { mapping: Mapping::of_unlinked(&file)?, failed })
    }
}

/// The error of the source, if it is not the file's.
fn copy(from: &mut dyn Read, file: &mut File) -> io::Result<Option<io::Error>> {
    let mut buffer = vec![0; COPY_BUFFER];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(None),
            Ok(read) => file.write_all(buffer.get(..read).unwrap_or_default())?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Ok(Some(error)),
        }
    }
}

impl Deref for Scratched {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.mapping
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two bytes, and then an error.
    struct Failing(usize);

    impl Read for Failing {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            match self.0 {
                1 => {
                    into[..2].copy_from_slice(b"ab");
                    Ok(2)
                }
                _ => Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }

    #[test]
    fn a_piece_is_as_long_as_its_source_or_as_it_may_be() {
        let scratch = Scratch::default();
        let zeros = scratch.gather(&mut io::repeat(0), 3 << 20).unwrap();
        assert_eq!((zeros.len(), zeros.failed.is_none()), (3 << 20, true));
        assert_eq!(&*scratch.gather(&mut &b"abc"[..], 9).unwrap(), b"abc");
        assert_eq!(&*scratch.gather(&mut &b"abc"[..], 2).unwrap(), b"ab");
        assert_eq!(&*scratch.gather(&mut io::empty(), 2).unwrap(), b"");
    }

    #[test]
    fn who_failed_is_told_apart() {
        let cut = Scratch::default().gather(&mut Failing(0), 9).unwrap();
        let kind = cut.failed.as_ref().map(io::Error::kind);
        assert_eq!((&*cut, kind), (&b"ab"[..], Some(io::ErrorKind::InvalidData)));
        let nowhere = Scratch::new(Some("/nonexistent".into()));
        assert!(nowhere.gather(&mut io::empty(), 9).is_err());
    }
}
