//! A log that is followed: whole lines, as somebody else writes them.
//!
//! It begins at the end of what is there. A file that is renamed is read to its end, then the one
//! that takes its name from its beginning; one that is cut is read anew. What is not a whole line
//! yet waits for its end. What happened in a file that had the name for less than a look is not seen.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Bytes that are read at once.
const PIECE: usize = 64 << 10;
/// Bytes of one look; a log that is written faster than it is judged is read on at the next.
const LOOK_BYTES_MAX: u64 = 16 << 20;

/// What a look finds.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    Whole(&'a [u8]),
    /// A line that was longer than anything may be.
    TooLong,
    /// The file is shorter than it was: it is read from its beginning.
    Cut,
}

/// Follows one file.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    file: Option<File>,
    /// How much of the file was read.
    at: u64,
    /// The beginning of a line.
    rest: Vec<u8>,
    /// The line is too long, and what is left of it is passed over.
    is_too_long: bool,
    line_bytes_max: usize,
}

impl Follower {
    /// A file that is not there yet is read from its beginning when it is.
    pub fn start(path: &Path, line_bytes_max: usize) -> io::Result<Self> {
        let (rest, is_too_long) = (Vec::new(), false);
        let path = path.to_owned();
        let mut follower = Self { path, file: None, at: 0, rest, is_too_long, line_bytes_max };
        if follower.open()?
            && let Some(file) = &mut follower.file
        {
            follower.at = file.seek(SeekFrom::End(0))?;
            // In the middle of a line its rest is none.
            follower.is_too_long = !ends_a_line(file, follower.at)?;
        }
        Ok(follower)
    }

    /// Hands over what came since the last look; whether there may be more already.
    pub fn look(&mut self, each: &mut dyn FnMut(Line<'_>)) -> io::Result<bool> {
        if self.file.is_none() && !self.open()? {
            return Ok(false);
        }
        if self.read(each)? {
            return Ok(true);
        }
        if !self.is_replaced()? {
            return Ok(false);
        }
        // What was written between the last read and the renaming.
        if self.read(each)? {
            return Ok(true);
        }
        self.end_line(each);
        (self.file, self.at) = (None, 0);
        self.open()
    }

    /// False where there is none.
    fn open(&mut self) -> io::Result<bool> {
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let file = match OpenOptions::new().read(true).custom_flags(flags).open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        self.file = Some(file);
        Ok(true)
    }

    /// Whether another file has the name now, or none has.
    fn is_replaced(&self) -> io::Result<bool> {
        let Some(file) = &self.file else { return Ok(true) };
        let of_file = file.metadata()?;
        match self.path.metadata() {
            Ok(it) => Ok((it.dev(), it.ino()) != (of_file.dev(), of_file.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Whether it stopped before the end.
    fn read(&mut self, each: &mut dyn FnMut(Line<'_>)) -> io::Result<bool> {
        let Some(mut file) = self.file.take() else { return Ok(false) };
        let outcome = self.read_from(&mut file, each);
        self.file = Some(file);
        outcome
    }

    fn read_from(&mut self, file: &mut File, each: &mut dyn FnMut(Line<'_>)) -> io::Result<bool> {
        if file.metadata()?.len() < self.at {
            self.at = file.seek(SeekFrom::Start(0))?;
            self.rest.clear();
            self.is_too_long = false;
            each(Line::Cut);
        }
        let mut piece = [0; PIECE];
        let mut read = 0;
        loop {
            match file.read(&mut piece) {
                Ok(0) => return Ok(false),
                Ok(count) => {
                    self.take(piece.get(..count).unwrap_or_default(), each);
                    self.at += count as u64;
                    read += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if read >= LOOK_BYTES_MAX {
                return Ok(true);
            }
        }
    }

    fn take(&mut self, piece: &[u8], each: &mut dyn FnMut(Line<'_>)) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            if self.is_too_long {
                self.is_too_long = !part.ends_with(b"\n");
                continue;
            }
            self.rest.extend(part);
            if part.ends_with(b"\n") {
                self.end_line(each);
            } else if self.rest.len() > self.line_bytes_max {
                each(Line::TooLong);
                (self.rest, self.is_too_long) = (Vec::new(), true);
            }
        }
    }

    fn end_line(&mut self, each: &mut dyn FnMut(Line<'_>)) {
        let line = self.rest.trim_ascii();
        match line.len() {
            0 => {}
            length if length > self.line_bytes_max => each(Line::TooLong),
            _ => each(Line::Whole(line)),
        }
        self.rest.clear();
        self.is_too_long = false;
    }
}

fn ends_a_line(file: &mut File, end: u64) -> io::Result<bool> {
    let Some(last) = end.checked_sub(1) else { return Ok(true) };
    file.seek(SeekFrom::Start(last))?;
    let mut byte = [0];
    file.read_exact(&mut byte)?;
    Ok(byte == *b"\n")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    struct Log {
        folder: tempfile::TempDir,
        follower: Option<Follower>,
    }

    impl Log {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap(), follower: None }
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("audit.log")
        }

        fn add(&self, text: &str) {
            let file = OpenOptions::new().create(true).append(true).open(self.path());
            file.unwrap().write_all(text.as_bytes()).unwrap();
        }

        fn look(&mut self) -> Vec<String> {
            let path = self.path();
            let follower =
                self.follower.get_or_insert_with(|| Follower::start(&path, 100).unwrap());
            let mut found = Vec::new();
            while follower
                .look(&mut |line| {
                    found.push(match line {
                        Line::Whole(line) => String::from_utf8(line.to_vec()).unwrap(),
                        other => format!("{other:?}"),
                    });
                })
                .unwrap()
            {}
            found
        }
    }

    #[test]
    fn lines_are_told_when_they_are_whole() {
        let mut log = Log::new();
        log.add("old\nold but not who");
        assert!(log.look().is_empty());
        log.add("le\none\ntw");
        assert_eq!(log.look(), ["one"]);
        log.add("o\r\n\n  \nthree\n");
        assert_eq!(log.look(), ["two", "three"]);
        assert!(log.look().is_empty());
    }

    #[test]
    fn a_file_that_is_not_there_yet_is_waited_for() {
        let mut log = Log::new();
        assert!(log.look().is_empty());
        log.add("one\n");
        assert_eq!(log.look(), ["one"]);
    }

    #[test]
    fn a_renamed_file_is_read_to_its_end_and_the_next_from_its_beginning() {
        let mut log = Log::new();
        log.add("");
        assert!(log.look().is_empty());
        log.add("one\n");
        assert_eq!(log.look(), ["one"]);
        log.add("two\nthr");
        fs::rename(log.path(), log.folder.path().join("audit-1.log")).unwrap();
        log.add("four\n");
        assert_eq!(log.look(), ["two", "thr", "four"]);
        fs::remove_file(log.path()).unwrap();
        assert!(log.look().is_empty());
        log.add("five\n");
        assert_eq!(log.look(), ["five"]);
    }

    #[test]
    fn a_file_that_is_cut_is_read_anew() {
        let mut log = Log::new();
        log.add("");
        log.look();
        log.add("one\ntwo\nthr");
        assert_eq!(log.look(), ["one", "two"]);
        fs::write(log.path(), "four\n").unwrap();
        assert_eq!(log.look(), ["Cut", "four"]);
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut log = Log::new();
        log.add("");
        log.look();
        log.add(&"x".repeat(1_000_000));
        assert_eq!(log.look(), ["TooLong"]);
        log.add("xxx\none\n");
        assert_eq!(log.look(), ["one"]);
        assert!(log.follower.as_ref().unwrap().rest.capacity() < 1_000_000);
    }
}
