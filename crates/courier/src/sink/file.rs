//! A file to which alerts are added, a line or several each.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

use super::{Carry, Outcome};

/// A file that is there is added to, and keeps its permissions; a new one is its owner's alone.
/// Neither a link nor anything but a file will do: who may write to the folder is not to say where
/// alerts go.
pub(crate) fn open(path: &Path) -> io::Result<Carry> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600).custom_flags(flags.bits().cast_signed());
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut lines = Lines { file, is_torn: false };
    Ok(Box::new(move |letter| match lines.put(&letter.text) {
        Ok(()) => Outcome::Taken,
        Err(error) => Outcome::later(error),
    }))
}

/// A file of lines.
struct Lines<W> {
    file: W,
    /// The last line was not written to its end.
    is_torn: bool,
}

impl<W: Write> Lines<W> {
    fn put(&mut self, text: &str) -> io::Result<()> {
        if self.is_torn {
            self.file.write_all(b"\n")?;
        }
        let written = self.file.write_all(text.as_bytes());
        self.is_torn = written.is_err();
        written
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_one_and_of_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts");
        drop(open(&path).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(open(&link).is_err());
        let fifo = folder.path().join("fifo");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert!(open(&fifo).is_err(), "and nobody waits");
        assert!(open(Path::new("/dev/null")).is_err());
    }

    /// Takes what there is room for.
    struct Full {
        bytes: Vec<u8>,
        left: usize,
    }

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.left);
            if count == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.left -= count;
            self.bytes.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_alert_after_half_of_one_begins_a_line() {
        let mut lines = Lines { file: Full { bytes: Vec::new(), left: 3 }, is_torn: false };
        assert!(lines.put("{\"a\":1}\n").is_err());
        assert!(lines.put("{\"b\":2}\n").is_err());
        lines.file.left = 100;
        assert!(lines.put("{\"c\":3}\n").is_ok() && lines.put("{\"d\":4}\n").is_ok());
        assert_eq!(lines.file.bytes, b"{\"a\n{\"c\":3}\n{\"d\":4}\n");
    }
}
