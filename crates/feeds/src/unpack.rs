//! Archives within archives, as streams: tar, zip, gzip, xz, bzip2, zstd.
//!
//! One recursive step: look at the first bytes; unwrap a compression, walk an archive, or hand
//! over a document. Bombs meet a ratio, a depth and a document limit; an archive that breaks in
//! the middle gives what lies before the break, and says so.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use advisories::bundle;
use model::{Problem, ProblemKind};

use crate::input::{Content, Cut, Found, Take, Unpacked, read_document};
use crate::packed::Packed;

/// Longest XML. The longest that a publisher serves is an OVAL file of some 450 MB (SUSE), which was
/// less than half of that in 2023. It costs time and no memory.
const XML_LIMIT: u64 = 1 << 30;
/// Longest JSON. The longest that a publisher serves is a year of NVD's, some 170 MB.
const JSON_LIMIT: u64 = 256 << 20;
/// Longest of anything else, an index of a Maven repository in another archive among it. The longest are EPSS scores, some 15 MB, and Alpine's YAML.
const TEXT_LIMIT: u64 = 32 << 20;
/// Archives within archives; publishers use two (a zip or tar of gzip files).
const NESTING_LIMIT: usize = 6;
/// How many times its input a compression may give: OVAL reaches 60, repeated JSON 150.
pub(crate) const RATIO_LIMIT: u64 = 500;
/// Below this many bytes any ratio is harmless.
pub(crate) const RATIO_GRACE_BYTES: u64 = 64 << 20;
/// Largest xz dictionary: what `xz -9` needs.
const XZ_MEMORY_KIB: u32 = 96 << 10;
/// Largest zstd window: 128 MiB, what `--long` and the decoder's default allow.
const ZSTD_WINDOW_LOG: u32 = 27;
/// Longest zip that is copied out of another archive, for a zip needs seeking.
const NESTED_ZIP_LIMIT: u64 = 4 << 30;
/// A tar ends in blocks of zeros; one that does not was cut between two entries.
const TAR_BLOCK: usize = 512;
/// As many first bytes as the last magic number needs (tar's, at 257).
const MAGIC_BYTES: usize = 265;

/// Unpacks one input, handing over what it finds.
pub(crate) struct Unpacker<'a, 't> {
    take: &'a mut Take<'t>,
    /// Documents longer than this are cut, whatever they may be.
    longest: u64,
    /// Whether what is read is gzip at its top.
    is_gzip: bool,
}

impl<'a, 't> Unpacker<'a, 't> {
    pub(crate) fn new(take: &'a mut Take<'t>) -> Self {
        Self { take, longest: u64::MAX, is_gzip: false }
    }

    pub(crate) fn at_most(self, longest: u64) -> Self {
        Self { longest, ..self }
    }

    /// A file at the top: a zip there is read in place.
    pub(crate) fn file(mut self, name: &str, mut file: File) -> ControlFlow<()> {
        let mut magic = Vec::new();
        let looked = Read::by_ref(&mut file).take(MAGIC_BYTES as u64).read_to_end(&mut magic);
        if let Err(error) = looked.and_then(|_| file.seek(SeekFrom::Start(0))) {
            return self.trouble(
                ProblemKind::Unreadable,
                name,
                &format!("cannot be read: {error}"),
            );
        }
        let container = Container::of(&magic);
        self.is_gzip = container == Some(Container::Gzip);
        let packed = match container {
            Some(Container::Gzip) => Packed::of(&file, true),
            None if Packed::may_be(&magic) => Packed::of(&file, false),
            _ => None,
        };
        if let Some((packed, head)) = packed {
            let (path, content) = (name.to_owned(), Content::Packed { head, packed });
            return (self.take)(Found::Document(Unpacked { path, content, cut: None }));
        }
        match container {
            Some(Container::Zip) => self.zip(name, io::BufReader::new(file), 0),
            _ => self.stream(name, &mut io::BufReader::with_capacity(128 << 10, file), 0),
        }
    }

    /// Bytes at the top, the same way.
    pub(crate) fn bytes(mut self, name: &str, bytes: Vec<u8>) -> ControlFlow<()> {
        match Container::of(&bytes) {
            Some(Container::Zip) => self.zip(name, io::Cursor::new(bytes), 0),
            _ => self.stream(name, &mut io::Cursor::new(bytes), 0),
        }
    }

    fn stream(&mut self, name: &str, reader: &mut dyn Read, depth: usize) -> ControlFlow<()> {
        let mut magic = Vec::with_capacity(MAGIC_BYTES);
        let looked = reader.take(MAGIC_BYTES as u64).read_to_end(&mut magic);
        let container = Container::of(&magic);
        let is_bundle = container == Some(Container::Tar) && bundle::recognizes(&magic);
        let limit = document_limit(&magic).min(self.longest);
        let mut reader = io::Cursor::new(magic).chain(reader);
        if let Err(error) = looked {
            let found = read_document(name, &mut reader, limit);
            let cut = Some(Cut::early(&error));
            return (self.take)(Found::Document(Unpacked { cut, ..found }));
        }
        let Some(container) = container else {
            return (self.take)(Found::Document(read_document(name, &mut reader, limit)));
        };
        if is_bundle {
            // As it is, or packed by gzip alone.
            if depth == 0 || self.is_gzip && depth == 1 {
                return (self.take)(Found::Bundle);
            }
            let message = "a bundle within an archive is not read; hint: unpack the archive";
            return self.trouble(ProblemKind::Unsupported, name, message);
        }
        if depth == NESTING_LIMIT {
            let message = format!("archives nested deeper than {NESTING_LIMIT} are not read");
            return self.trouble(ProblemKind::LimitReached, name, &message);
        }
        match container {
            Container::Tar => self.tar(name, &mut reader, depth + 1),
            Container::Zip => self.nested_zip(name, &mut reader, depth + 1),
            packed => self.packed(name, packed, &mut reader, depth + 1),
        }
    }

    fn packed(
        &mut self,
        name: &str,
        container: Container,
        reader: &mut dyn Read,
        depth: usize,
    ) -> ControlFlow<()> {
        let read_in = std::cell::Cell::new(0);
        let reader = io::BufReader::with_capacity(64 << 10, Counted { reader, read: &read_in });
        let decoder: Box<dyn Read + '_> = match container {
            Container::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
            Container::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(reader)),
            Container::Xz => {
                Box::new(lzma_rust2::XzReader::new_mem_limit(reader, true, XZ_MEMORY_KIB))
            }
            Container::Zstd | Container::Tar | Container::Zip => match zstd_decoder(reader) {
                Ok(decoder) => Box::new(decoder),
                Err(error) => {
                    return self.trouble(ProblemKind::Damaged, name, &error.to_string());
                }
            },
        };
        self.stream(name, &mut Bounded { decoder, given: 0, read_in: &read_in }, depth)
    }

    fn tar(&mut self, name: &str, reader: &mut dyn Read, depth: usize) -> ControlFlow<()> {
        let mut ended = TrailingZeros { reader, zeros: 0 };
        let mut archive = tar::Archive::new(&mut ended);
        let entries = match archive.entries() {
            Ok(entries) => entries,
            Err(error) => return self.broken(name, &error),
        };
        for entry in entries {
            let mut entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.broken(name, &error),
            };
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let path = format!("{name}!{}", String::from_utf8_lossy(&entry.path_bytes()));
            let left = entry.size();
            self.stream(&path, &mut Exact { reader: &mut entry, left }, depth)?;
        }
        if ended.zeros < TAR_BLOCK {
            return self.broken(name, &io::ErrorKind::UnexpectedEof.into());
        }
        ControlFlow::Continue(())
    }

    fn nested_zip(&mut self, name: &str, reader: &mut dyn Read, depth: usize) -> ControlFlow<()> {
        let copied = tempfile::tempfile().and_then(|mut file| {
            let length = io::copy(&mut reader.take(NESTED_ZIP_LIMIT + 1), &mut file)?;
            file.seek(SeekFrom::Start(0))?;
            Ok((file, length))
        });
        match copied {
            Ok((_, length)) if length > NESTED_ZIP_LIMIT => {
                let message = format!("a zip longer than {NESTED_ZIP_LIMIT} bytes is not read");
                self.trouble(ProblemKind::LimitReached, name, &message)
            }
            Ok((file, _)) => self.zip(name, io::BufReader::new(file), depth),
            Err(error) => self.broken(name, &error),
        }
    }

    fn zip(&mut self, name: &str, file: impl Read + Seek, depth: usize) -> ControlFlow<()> {
        let mut archive = match zip::ZipArchive::new(file) {
            Ok(archive) => archive,
            Err(error) => return self.broken(name, &error.into()),
        };
        for index in 0..archive.len() {
            let mut entry = match archive.by_index(index) {
                Ok(entry) => entry,
                Err(error) => {
                    self.broken(&format!("{name}!{index}"), &error.into())?;
                    continue;
                }
            };
            if entry.is_file() {
                let path = format!("{name}!{}", String::from_utf8_lossy(entry.name_raw()));
                self.stream(&path, &mut entry, depth)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn broken(&mut self, name: &str, error: &io::Error) -> ControlFlow<()> {
        let message = format!("ends early or is damaged, what precedes is kept: {error}");
        self.trouble(ProblemKind::Damaged, name, &message)
    }

    fn trouble(&mut self, kind: ProblemKind, name: &str, message: &str) -> ControlFlow<()> {
        (self.take)(Found::Trouble(Problem::new(kind, name, message)))
    }
}

/// How long a document that begins so may be.
fn document_limit(head: &[u8]) -> u64 {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    match head.trim_ascii_start().first() {
        Some(b'<') => XML_LIMIT,
        Some(b'{' | b'[') => JSON_LIMIT,
        _ => TEXT_LIMIT,
    }
}

fn zstd_decoder<'a>(reader: impl io::BufRead + 'a) -> io::Result<impl Read + 'a> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(reader)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG)?;
    Ok(decoder)
}

/// The kinds of archive and compression, by their magic numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Container {
    Gzip,
    Bzip2,
    Xz,
    Zstd,
    Tar,
    Zip,
}

impl Container {
    fn of(magic: &[u8]) -> Option<Self> {
        match magic {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => Some(Self::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            _ if magic.get(257..262) == Some(b"ustar") => Some(Self::Tar),
            _ => None,
        }
    }
}

/// Counts the bytes that pass, so that a ratio can be taken.
struct Counted<'r, 'c> {
    reader: &'r mut dyn Read,
    read: &'c std::cell::Cell<u64>,
}

impl Read for Counted<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        self.read.set(self.read.get().saturating_add(length as u64));
        Ok(length)
    }
}

/// An archive member that must have its declared length.
struct Exact<'r> {
    reader: &'r mut dyn Read,
    left: u64,
}

impl Read for Exact<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        if length == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left = self.left.saturating_sub(length as u64);
        Ok(length)
    }
}

/// Knows how many zeros the bytes read so far end in.
struct TrailingZeros<'r> {
    reader: &'r mut dyn Read,
    zeros: usize,
}

impl Read for TrailingZeros<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        let read = buffer.get(..length).unwrap_or_default();
        let zeros = read.iter().rev().take_while(|byte| **byte == 0).count();
        self.zeros = if zeros == length { self.zeros.saturating_add(zeros) } else { zeros };
        Ok(length)
    }
}

/// A decoder that stops when it gives too much for what it was given.
struct Bounded<'d, 'c> {
    decoder: Box<dyn Read + 'd>,
    given: u64,
    read_in: &'c std::cell::Cell<u64>,
}

impl Read for Bounded<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.decoder.read(buffer)?;
        self.given = self.given.saturating_add(length as u64);
        let allowed = RATIO_GRACE_BYTES.max(self.read_in.get().saturating_mul(RATIO_LIMIT));
        if self.given > allowed {
            let message = format!("unpacks to more than {RATIO_LIMIT} times its size");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(length)
    }
}
