//! A file to which alerts are added, a line or several each. One that is renamed, as logs are rotated,
//! gets no more: a new one takes its name.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::{Carry, Outcome};

/// A file that is there is added to, and keeps its permissions; a new one is its owner's alone.
/// Neither a link nor anything but a file will do: who may write to the folder is not to say where
/// alerts go.
pub(crate) fn open(path: &Path) -> io::Result<Carry> {
    let mut log = Log { path: path.to_owned(), lines: Lines::of(open_file(path)?) };
    Ok(Box::new(move |letter| match log.put(&letter.text) {
        Ok(()) => Outcome::Taken,
        Err(error) => Outcome::later(error),
    }))
}

fn open_file(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600).custom_flags(flags.bits().cast_signed());
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    Ok(file)
}

/// The file of a name.
struct Log {
    path: PathBuf,
    lines: Lines<File>,
}

impl Log {
    fn put(&mut self, text: &str) -> io::Result<()> {
        if !self.is_there()? {
            self.lines = Lines::of(open_file(&self.path)?);
        }
        let (before, was_torn) = (self.lines.file.metadata()?.len(), self.lines.is_torn);
        let put = self.lines.put(text);
        if put.is_err() {
            self.lines.take_back(before, was_torn);
        }
        put
    }

    /// Whether the name is still that of the file.
    fn is_there(&self) -> io::Result<bool> {
        let ours = self.lines.file.metadata()?;
        match self.path.symlink_metadata() {
            Ok(it) => Ok((it.dev(), it.ino()) == (ours.dev(), ours.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// A file of lines.
struct Lines<W> {
    file: W,
    /// The last line was not written to its end.
    is_torn: bool,
    /// Bytes of the last text that were written.
    taken: u64,
}

impl<W: Write> Lines<W> {
    fn of(file: W) -> Self {
        Self { file, is_torn: false, taken: 0 }
    }

    fn put(&mut self, text: &str) -> io::Result<()> {
        self.taken = 0;
        if self.is_torn {
            self.write(b"\n")?;
        }
        let written = self.write(text.as_bytes());
        self.is_torn = written.is_err();
        written
    }

    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.file.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.taken = self.taken.saturating_add(count as u64);
                    bytes = bytes.get(count..).unwrap_or_default();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Lines<File> {
    /// Half of an alert is none: it goes, unless somebody else has added to the file meanwhile.
    fn take_back(&mut self, before: u64, was_torn: bool) {
        let is_ours = |length: u64| length == before.saturating_add(self.taken);
        let is_last = self.file.metadata().is_ok_and(|it| is_ours(it.len()));
        if is_last && self.file.set_len(before).is_ok() {
            self.is_torn = was_torn;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::letter::Letter;

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

    #[test]
    fn a_file_that_is_renamed_gets_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("alerts"), folder.path().join("alerts.1"));
        let mut carry = open(&path).unwrap();
        let mut put = |text: &str| carry(&Letter { time: 1, severity: 4, text: text.to_owned() });
        assert_eq!(put("one\n"), Outcome::Taken);
        std::fs::rename(&path, &old).unwrap();
        assert_eq!(put("two\n"), Outcome::Taken);
        std::fs::rename(&path, folder.path().join("alerts.2")).unwrap();
        std::os::unix::fs::symlink(&old, &path).unwrap();
        assert!(matches!(put("three\n"), Outcome::Later { .. }), "no link is followed");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(put("three\n"), Outcome::Taken);
        for (name, text) in [("alerts.1", "one\n"), ("alerts.2", "two\n"), ("alerts", "three\n")] {
            let read = std::fs::read_to_string(folder.path().join(name)).unwrap();
            assert_eq!(read, text, "{name}");
        }
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
        let mut lines = Lines::of(Full { bytes: Vec::new(), left: 3 });
        assert!(lines.put("{\"a\":1}\n").is_err());
        assert!(lines.put("{\"b\":2}\n").is_err());
        lines.file.left = 100;
        assert!(lines.put("{\"c\":3}\n").is_ok() && lines.put("{\"d\":4}\n").is_ok());
        assert_eq!(lines.file.bytes, b"{\"a\n{\"c\":3}\n{\"d\":4}\n");
    }

    /// What another one wrote behind half an alert, and what is left.
    #[test]
    fn half_of_an_alert_is_taken_back() {
        for (other, left) in [("", "whole\n"), ("other\n", "whole\n{\"aother\n")] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("alerts");
            std::fs::write(&path, "whole\n").unwrap();
            let mut lines = Lines::of(open_file(&path).unwrap());
            lines.write(b"{\"a").unwrap();
            lines.is_torn = true;
            open_file(&path).unwrap().write_all(other.as_bytes()).unwrap();
            lines.take_back("whole\n".len() as u64, false);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), left);
            assert_eq!(lines.is_torn, !other.is_empty());
            lines.put("next\n").unwrap();
            assert!(std::fs::read_to_string(&path).unwrap().ends_with("\nnext\n"));
        }
    }
}
