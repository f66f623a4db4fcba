//! The tar reader: from bytes to members, whatever dialect they are written in.
//!
//! It knows the format and nothing else: paths come out as written, limits on entries and
//! content are `delivery`'s, whiteouts are `walk`'s. What the dialects leave open is decided as
//! Go's `archive/tar` does, because that is what Docker, containerd and Podman unpack with: a
//! scanner that reads an archive another way than they do can be shown another image. So GNU
//! names win over PAX ones and the name of a sparse file over both, a link has no content whatever
//! its size says, and global extended headers hold for nothing and undo what stands before them.

mod header;
mod pax;
mod sparse;

use std::io;

use crate::input::Input;
use crate::limits::{EXTENSION_BYTES_MAX, EXTENSIONS_MAX, SPARSE_SEGMENTS_MAX};

pub(crate) use header::BLOCK;
use header::{Header, Parsed};
use pax::Records;
pub(crate) use sparse::Segment;

/// The type of a member, as far as it makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    HardLink,
    Symlink,
    Directory,
    /// A device or FIFO.
    Special,
    /// A volume label: nothing that is unpacked.
    Label,
    /// A type flag we do not know.
    Unknown(u8),
}

/// One member: what its headers say together.
#[derive(Debug)]
pub(crate) struct Member {
    /// As written; not to be trusted.
    pub(crate) path: Vec<u8>,
    /// As written; not to be trusted.
    pub(crate) link: Vec<u8>,
    pub(crate) kind: Kind,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// The bytes of the content, holes included.
    pub(crate) size: u64,
    /// Where the bytes that the archive holds belong, if there are holes.
    pub(crate) segments: Option<Vec<Segment>>,
    /// What makes this member's content unreadable, although the next member can be found.
    pub(crate) flaw: Option<&'static str>,
}

/// What comes next in an archive.
pub(crate) enum Next {
    Member(Member),
    /// The end marker.
    End,
    /// The bytes end between members, without an end marker: an archive cut off there looks
    /// just so, and so does one whose writer saves the marker.
    Cut,
}

/// Why no further member can be found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error(transparent)]
    Input(#[from] io::Error),
    #[error("{0} at byte {1} of the archive")]
    Damaged(&'static str, u64),
    #[error("{0} at byte {1} of the archive")]
    Limit(&'static str, u64),
}

/// Reads members one after the other; no member's content has to be read.
pub(crate) struct Tar<'i> {
    input: &'i mut dyn Input,
    /// Bytes of the archive read or passed over.
    position: u64,
    /// Content of the present member that was not read yet.
    stored: u64,
    /// What fills its last block up.
    padding: u64,
}

/// Segments in a block that goes on with an old GNU sparse map.
const SEGMENTS_PER_BLOCK: usize = 21;

const TRUNCATED: &str = "the archive ends in the middle of an entry";

impl<'i> Tar<'i> {
    pub(crate) fn new(input: &'i mut dyn Input) -> Self {
        Self { input, position: 0, stored: 0, padding: 0 }
    }

    /// Bytes of the archive read or passed over.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Bytes of the present member's content that the archive holds and nobody has read.
    pub(crate) fn stored(&self) -> u64 {
        self.stored
    }

    /// Goes on to the next member, past what is left of the present one.
    pub(crate) fn next(&mut self) -> Result<Next, Fault> {
        self.finish_content()?;
        let mut extensions = Extensions::default();
        for _ in 0..=EXTENSIONS_MAX {
            let mut block = [0; BLOCK];
            match self.read_block(&mut block)? {
                0 if extensions.is_empty() => return Ok(Next::Cut),
                BLOCK => {}
                _ => return Err(self.damaged(TRUNCATED)),
            }
            let header = match header::parse(&block) {
                Parsed::Header(header) => header,
                Parsed::Zero if extensions.is_empty() => return self.end(),
                Parsed::Zero => return Err(self.damaged("an extended header stands alone")),
                Parsed::BadChecksum => return Err(self.damaged("a header's checksum is wrong")),
            };
            match header.kind() {
                b'x' => extensions.records = Some(self.records(&header)?),
                b'g' => {
                    let size = self.size_of(&header)?;
                    self.begin(size);
                    self.finish_content()?;
                    // Go gives it out as a member, which takes what stands before it.
                    extensions = Extensions::default();
                }
                b'L' => extensions.path = self.long_text(&header)?,
                b'K' => extensions.link = self.long_text(&header)?,
                _ => return self.member(&header, extensions).map(Next::Member),
            }
        }
        Err(Fault::Limit("too many extended headers stand in a row", self.position))
    }

    /// Reads on in the present member's stored content; fewer bytes than asked for are all that
    /// the member, or the archive, still has.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let wanted = usize::try_from(self.stored).unwrap_or(usize::MAX).min(into.len());
        let read = self.input.read_full(into.get_mut(..wanted).unwrap_or_default())?;
        self.position += read as u64;
        self.stored -= read as u64;
        if read < wanted {
            return Err(self.damaged(TRUNCATED));
        }
        Ok(read)
    }

    fn member(&mut self, header: &Header<'_>, extensions: Extensions) -> Result<Member, Fault> {
        let Extensions { records, path, link } = extensions;
        let records = records.unwrap_or_default();
        let named = path.or(records.path);
        let path = named.unwrap_or_else(|| header.path());
        let kind = kind_of(header.kind(), &path);
        // GNU's own sparse files have no use for such records, all others are named by them last.
        let is_old_sparse = header.kind() == b'S';
        let mut sparse = records.sparse.filter(|_| !is_old_sparse);
        let sparse_name = sparse.as_mut().and_then(|it| it.name.take());
        let size = match records.size {
            Some(size) => size,
            None => self.size_of(header)?,
        };
        let has_content =
            !matches!(kind, Kind::HardLink | Kind::Symlink | Kind::Directory | Kind::Special);
        self.begin(if has_content { size } else { 0 });
        let mut member = Member {
            path: sparse_name.unwrap_or(path),
            link: link.or(records.link).unwrap_or_else(|| header.link().to_vec()),
            kind,
            mode: header.mode(),
            uid: records.uid.unwrap_or_else(|| header.uid()),
            gid: records.gid.unwrap_or_else(|| header.gid()),
            size: self.stored,
            segments: None,
            flaw: None,
        };
        match sparse {
            _ if is_old_sparse => self.old_sparse(header, &mut member)?,
            Some(sparse) if kind == Kind::File => self.pax_sparse(sparse, &mut member)?,
            _ => {}
        }
        let plausible =
            |segments: &Vec<Segment>| sparse::plausible(segments, member.size, self.stored);
        if member.segments.as_ref().is_some_and(|segments| !plausible(segments)) {
            member.flaw = Some("its sparse map makes no sense");
        }
        Ok(member)
    }

    /// The map of an old GNU sparse file stands in its header and in blocks that follow.
    fn old_sparse(&mut self, header: &Header<'_>, member: &mut Member) -> Result<(), Fault> {
        const BROKEN: &str = "a sparse map does not parse";
        let mut segments = Vec::new();
        member.size = header.sparse_size().ok_or_else(|| self.damaged(BROKEN))?;
        let mut good = sparse::parse_old(header.sparse_segments(), &mut segments);
        let mut more = header.sparse_continues();
        for _ in 0..SPARSE_SEGMENTS_MAX / SEGMENTS_PER_BLOCK {
            if !more {
                break;
            }
            let mut block = [0; BLOCK];
            if self.read_block(&mut block)? < BLOCK {
                return Err(self.damaged(TRUNCATED));
            }
            good &= sparse::parse_old(&block[..504], &mut segments);
            more = block[504] != 0;
        }
        if more {
            return Err(Fault::Limit("a sparse map has too many segments", self.position));
        }
        if !good {
            return Err(self.damaged(BROKEN));
        }
        member.segments = Some(segments);
        Ok(())
    }

    /// The map of a PAX sparse file stands in its records or in front of its content.
    fn pax_sparse(&mut self, sparse: pax::Sparse, member: &mut Member) -> Result<(), Fault> {
        match sparse.segments {
            Some(segments) => member.segments = Some(segments),
            None => member.segments = self.map_in_content()?,
        }
        match member.segments {
            Some(_) => member.size = sparse.size.unwrap_or(member.size),
            None => member.flaw = Some("its sparse map does not parse"),
        }
        Ok(())
    }

    /// The number of segments, then as many offsets and lengths, each on a line, filled up to a
    /// block. None if that is not what is there.
    fn map_in_content(&mut self) -> Result<Option<Vec<Segment>>, Fault> {
        let mut map = Vec::new();
        let mut block = [0; BLOCK];
        let mut lines_left = None;
        while lines_left != Some(0) {
            if self.read(&mut block)? < BLOCK || map.len() as u64 > EXTENSION_BYTES_MAX {
                return Ok(None);
            }
            map.extend_from_slice(&block);
            // The first line tells how many there are; it fits into the first block.
            let Some(lines) = lines_left.or_else(|| sparse::map_lines(&block)) else {
                return Ok(None);
            };
            let ends = block.iter().filter(|byte| **byte == b'\n').count() as u64;
            lines_left = Some(lines.saturating_sub(ends));
        }
        Ok(sparse::parse_map(&map))
    }

    fn records(&mut self, header: &Header<'_>) -> Result<Records, Fault> {
        let bytes = self.extension(header)?;
        pax::parse(&bytes).map_err(|message| self.damaged(message))
    }

    /// A long name or target; an empty one is none.
    fn long_text(&mut self, header: &Header<'_>) -> Result<Option<Vec<u8>>, Fault> {
        let bytes = self.extension(header)?;
        let text = header::text(&bytes);
        Ok((!text.is_empty()).then(|| text.to_vec()))
    }

    /// The content of an extension header, as a whole.
    fn extension(&mut self, header: &Header<'_>) -> Result<Vec<u8>, Fault> {
        let size = self.size_of(header)?;
        let length = usize::try_from(size).ok().filter(|_| size <= EXTENSION_BYTES_MAX);
        let too_long = Fault::Limit("an extended header is too long", self.position);
        let mut bytes = vec![0; length.ok_or(too_long)?];
        self.begin(size);
        self.read(&mut bytes)?;
        self.finish_content()?;
        Ok(bytes)
    }

    fn end(&mut self) -> Result<Next, Fault> {
        let mut block = [0; BLOCK];
        self.read_block(&mut block)?;
        match header::parse(&block) {
            Parsed::Zero => Ok(Next::End),
            _ => Err(self.damaged("a lone block of zeros stands among the entries")),
        }
    }

    fn read_block(&mut self, block: &mut [u8; BLOCK]) -> Result<usize, Fault> {
        let read = self.input.read_full(block)?;
        self.position += read as u64;
        Ok(read)
    }

    fn size_of(&self, header: &Header<'_>) -> Result<u64, Fault> {
        header.size().ok_or_else(|| self.damaged("an entry's size is no number"))
    }

    fn begin(&mut self, stored: u64) {
        self.stored = stored;
        self.padding = stored.wrapping_neg() % BLOCK as u64;
    }

    /// Passes over what is left of the present content, and its padding.
    fn finish_content(&mut self) -> Result<(), Fault> {
        let count = self.stored.saturating_add(self.padding);
        (self.stored, self.padding) = (0, 0);
        let skipped = self.input.skip(count)?;
        self.position += skipped;
        if skipped < count {
            return Err(self.damaged(TRUNCATED));
        }
        Ok(())
    }

    fn damaged(&self, message: &'static str) -> Fault {
        Fault::Damaged(message, self.position)
    }
}

/// What stands before a member and changes its header.
#[derive(Default)]
struct Extensions {
    records: Option<Records>,
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl Extensions {
    fn is_empty(&self) -> bool {
        self.records.is_none() && self.path.is_none() && self.link.is_none()
    }
}

fn kind_of(flag: u8, path: &[u8]) -> Kind {
    match flag {
        // Before POSIX, a slash at the end was all that made a directory.
        0 if path.ends_with(b"/") => Kind::Directory,
        0 | b'0' | b'7' | b'S' => Kind::File,
        b'1' => Kind::HardLink,
        b'2' => Kind::Symlink,
        b'3' | b'4' | b'6' => Kind::Special,
        b'5' => Kind::Directory,
        b'V' => Kind::Label,
        other => Kind::Unknown(other),
    }
}
