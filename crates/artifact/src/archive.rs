//! An archive that carries an image: a tar, perhaps compressed as a whole, as a set of files.
//!
//! `docker_archive` and `oci` look for their files here. One look at the headers makes the list
//! of members; a plain archive is then read at any place, a compressed one from front to back
//! as often as it takes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::decompress::{Compression, Decoder, Growth, HEAD, describe, peek, sniff};
use crate::error::OpenErrorKind;
use crate::image::Source;
use crate::input::{FileRange, Input, Stream};
use crate::limits::{
    ARCHIVE_MEMBERS_MAX, CONFIG_BYTES_MAX, ENTRIES_MAX, KEPT_BYTES_MAX, KEPT_FILE_BYTES_MAX,
    LINKS_MAX, MEMBER_NAMES_BYTES_MAX, RESTARTS_MAX,
};
use crate::path::{normalize, split};
use crate::recognise::is_document;
use crate::tar::{self, BLOCK, Fault, Kind, Next, Tar};
use crate::{OpenError, Options};

/// An archive whose members are known.
pub(crate) struct Archive {
    /// As the user called it.
    name: String,
    file: Arc<File>,
    compression: Compression,
    members: BTreeMap<String, Member>,
    /// Bytes of their names.
    names: usize,
    /// There are more than are listed.
    overfull: bool,
    /// Small members of a compressed archive by their place, and larger ones that may be documents,
    /// so that finding the manifest does not mean decompressing everything once more.
    kept: BTreeMap<u64, Vec<u8>>,
    kept_bytes: u64,
    /// How often it was decompressed for a document that was not kept.
    restarts: AtomicU32,
    /// What it grows to, for its list and all documents together.
    growth: Growth,
    /// Where the last reader of a compressed archive stopped.
    cursor: Mutex<Option<Cursor>>,
    /// What is wrong with the archive as such: it ends too early.
    flaw: Option<String>,
}

#[derive(Clone, Debug)]
enum Member {
    File(Place),
    /// The normal path of another member.
    Link(String),
    /// A sparse or damaged file, or something that replaces one and is none. Nobody writes images
    /// so, and those who load them do not agree on what it means.
    Unread,
}

/// A file's place in an archive, once decompressed.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) size: u64,
}

/// A decompressed archive, read up to a position.
struct Cursor {
    position: u64,
    decoder: Decoder<'static>,
}

impl Archive {
    /// Opens the archive of images at `path`, which the user calls `name`.
    pub(crate) fn open(path: &Path, name: &str, options: &Options) -> Result<Self, OpenError> {
        Self::list(path, name, options)?.complete()
    }

    /// The same for one that may be anything: makes the list of its members. One that ends too
    /// early keeps the members it has. Of one with too many all that can lead to images are listed.
    pub(crate) fn list(path: &Path, name: &str, options: &Options) -> Result<Self, OpenError> {
        let file = Arc::new(open_file(path, name)?);
        let compression = sniff_at(&file, 0).map_err(|error| unreadable(name, error))?;
        let mut archive = Self {
            name: name.to_owned(),
            file,
            compression,
            members: BTreeMap::new(),
            names: 0,
            overfull: false,
            kept: BTreeMap::new(),
            kept_bytes: 0,
            restarts: AtomicU32::new(0),
            growth: Growth::default(),
            cursor: Mutex::new(None),
            flaw: None,
        };
        if compression == Compression::None {
            let mut range = archive.range(0, u64::MAX).map_err(|error| unreadable(name, error))?;
            archive.gather(&mut range, options)?;
        } else {
            let decoder = archive.decoder().map_err(|error| unreadable(name, error))?;
            let decoder = decoder.sharing(archive.growth.clone());
            archive.gather(&mut Stream(decoder), options)?;
        }
        Ok(archive)
    }

    /// Fails if not all members are listed.
    pub(crate) fn complete(self) -> Result<Self, OpenError> {
        if self.overfull {
            let message = format!("`{}` has more than {ARCHIVE_MEMBERS_MAX} members", self.name);
            return Err(OpenError::new(OpenErrorKind::Damaged, message));
        }
        Ok(self)
    }

    /// The paths of all files and links.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.members.keys().map(String::as_str)
    }

    pub(crate) fn is_compressed(&self) -> bool {
        self.compression != Compression::None
    }

    /// What is wrong with the archive as such.
    pub(crate) fn flaw(&self) -> Option<&str> {
        self.flaw.as_deref()
    }

    pub(crate) fn contains(&self, path: &str) -> bool {
        self.find(path).is_some()
    }

    /// Where the content of a file is, links followed.
    pub(crate) fn find(&self, path: &str) -> Option<Place> {
        let mut path = path;
        for _ in 0..LINKS_MAX {
            match self.members.get(path)? {
                Member::File(place) => return Some(place.clone()),
                Member::Link(target) => path = target,
                Member::Unread => return None,
            }
        }
        None
    }

    /// Whether something stands at this path of which it cannot be said what it is.
    pub(crate) fn is_unread(&self, path: &str) -> bool {
        match self.members.get(path) {
            Some(Member::Unread) => true,
            // Its target may be among those that are not listed.
            Some(Member::Link(_)) => self.overfull && self.find(path).is_none(),
            _ => false,
        }
    }

    /// A document, at most so many bytes of it; None if there is none at this path.
    pub(crate) fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, OpenError> {
        if self.is_unread(path) {
            let message = format!("`{path}` in `{}` is no ordinary file", self.name);
            return Err(OpenError::new(OpenErrorKind::Damaged, message));
        }
        let Some(place) = self.find(path) else { return Ok(None) };
        if place.size > limit {
            let message = format!(
                "`{path}` in `{}` has {} bytes where at most {limit} make sense",
                self.name, place.size
            );
            return Err(OpenError::new(OpenErrorKind::Damaged, message));
        }
        self.content(&place).map(Some)
    }

    /// At most so many bytes of a file; None if there is none at this path.
    pub(crate) fn beginning_of(
        &self,
        path: &str,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, OpenError> {
        let place = self.find(path).map(|it| Place { size: it.size.min(limit), ..it });
        place.map(|place| self.content(&place)).transpose()
    }

    fn content(&self, place: &Place) -> Result<Vec<u8>, OpenError> {
        if let Some(bytes) = self.kept.get(&place.offset) {
            return Ok(bytes.clone());
        }
        let mut bytes = Vec::new();
        self.document(place)
            .and_then(|mut stream| stream.read_to_end(&mut bytes))
            .map_err(|error| unreadable(&self.name, error))?;
        Ok(bytes)
    }

    /// A document as a stream. Each of many could lie in front of the one before.
    fn document(&self, place: &Place) -> io::Result<Box<dyn Read + Send + '_>> {
        self.stream(place, &|| {
            if self.restarts.fetch_add(1, Ordering::Relaxed) >= RESTARTS_MAX {
                let message = format!(
                    "its documents lie in such an order that it would be decompressed more than \
                     {RESTARTS_MAX} times"
                );
                return Err(io::Error::other(message));
            }
            Ok(self.decoder()?.sharing(self.growth.clone()))
        })
    }

    /// The bytes of a layer: as a part of the file if it is not compressed and need not be
    /// `verify`'d, as a stream otherwise.
    pub(crate) fn layer(&self, place: &Place, verify: bool) -> io::Result<Source<'_>> {
        if !verify && self.is_seekable(place)? {
            return Ok(Source::Range(self.range(place.offset, place.size)?));
        }
        Ok(Source::Blob(self.stream(place, &|| self.decoder())?))
    }

    /// Whether a layer can be walked by seeking: neither it nor the archive is compressed.
    pub(crate) fn is_seekable(&self, place: &Place) -> io::Result<bool> {
        Ok(!self.is_compressed() && sniff_at(&self.file, place.offset)? == Compression::None)
    }

    /// What tells this file, as it is now, from every other.
    pub(crate) fn identity(&self) -> io::Result<String> {
        identity(&self.file)
    }

    fn range(&self, offset: u64, size: u64) -> io::Result<FileRange> {
        FileRange::new(Arc::clone(&self.file), offset, size)
    }

    fn decoder(&self) -> io::Result<Decoder<'static>> {
        Decoder::new(self.range(0, u64::MAX)?, self.compression)
    }

    /// The bytes of a member. Of a compressed archive the last reader's decoder is taken if it did not
    /// get so far yet, else a new one.
    fn stream(
        &self,
        place: &Place,
        decoder: &dyn Fn() -> io::Result<Decoder<'static>>,
    ) -> io::Result<Box<dyn Read + Send + '_>> {
        if !self.is_compressed() {
            return Ok(Box::new(self.range(place.offset, place.size)?));
        }
        let lock = || self.cursor.lock().unwrap_or_else(PoisonError::into_inner);
        let left_there = lock().take().filter(|cursor| cursor.position <= place.offset);
        let mut cursor = match left_there {
            Some(cursor) => cursor,
            None => Cursor { position: 0, decoder: decoder()? },
        };
        let gap = place.offset - cursor.position;
        cursor.position += Stream(&mut cursor.decoder).skip(gap)?;
        Ok(Box::new(MemberStream { archive: self, cursor: Some(cursor), left: place.size }))
    }

    /// Makes the list of members.
    fn gather(&mut self, input: &mut dyn Input, options: &Options) -> Result<(), OpenError> {
        let mut tar = Tar::new(input);
        for _ in 0..=ENTRIES_MAX {
            options.stop.check()?;
            match tar.next() {
                Ok(Next::Member(member)) => self.add(&member, &mut tar),
                Ok(Next::End) => return Ok(()),
                Ok(Next::Cut) => {
                    self.flaw = Some("it ends without an end marker".to_owned());
                    return Ok(());
                }
                Err(fault) => {
                    self.flaw = Some(match fault {
                        Fault::Input(error) => describe(&error).1,
                        fault => fault.to_string(),
                    });
                    return Ok(());
                }
            }
        }
        self.overfull = true;
        Ok(())
    }

    fn add(&mut self, member: &tar::Member, tar: &mut Tar<'_>) {
        let Ok(path) = normalize(&member.path) else { return };
        self.names = self.names.saturating_add(path.len());
        self.overfull |=
            self.members.len() >= ARCHIVE_MEMBERS_MAX || self.names > MEMBER_NAMES_BYTES_MAX;
        if self.overfull && !is_document(&path) {
            return;
        }
        let base = if member.kind == Kind::Symlink { split(&path).0 } else { "" };
        let target = normalize(&[base.as_bytes(), b"/", &member.link].concat());
        // Of several members under one name the last one counts, as for whoever unpacks them.
        let former = match member.kind {
            Kind::Label | Kind::Unknown(_) => return,
            _ => self.forget(&path),
        };
        let listed = match (member.kind, target) {
            (Kind::File, _) if member.segments.is_none() && member.flaw.is_none() => {
                let place = Place { offset: tar.position(), size: member.size };
                self.keep(&place, tar);
                Member::File(place)
            }
            // What it shares with its target stays when another takes the target's name.
            (Kind::HardLink, Ok(target)) => {
                self.find(&target).map_or(Member::Link(target), Member::File)
            }
            (Kind::Symlink, Ok(target)) => Member::Link(target),
            (Kind::File, _) => Member::Unread,
            _ if former.is_some() => Member::Unread,
            _ => return,
        };
        self.members.insert(path, listed);
    }

    /// Takes a member back for which another comes.
    fn forget(&mut self, path: &str) -> Option<Member> {
        let former = self.members.remove(path)?;
        if let Member::File(place) = &former
            && let Some(bytes) = self.kept.remove(&place.offset)
        {
            self.kept_bytes = self.kept_bytes.saturating_sub(bytes.len() as u64);
        }
        Some(former)
    }

    fn keep(&mut self, place: &Place, tar: &mut Tar<'_>) {
        let held: u64 = self.kept_bytes.saturating_add(place.size);
        if !self.is_compressed() || place.size > CONFIG_BYTES_MAX || held > KEPT_BYTES_MAX {
            return;
        }
        let size = usize::try_from(place.size).unwrap_or_default();
        let mut bytes = vec![0; size.min(BLOCK)];
        // A member cut off is noticed where the next one is looked for.
        if tar.read(&mut bytes).is_err() {
            return;
        }
        let is_json = matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['));
        if place.size > KEPT_FILE_BYTES_MAX && !is_json {
            return;
        }
        let head = bytes.len();
        bytes.resize(size, 0);
        if tar.read(bytes.get_mut(head..).unwrap_or_default()).is_ok() {
            self.kept_bytes = held;
            self.kept.insert(place.offset, bytes);
        }
    }
}

/// One member of a compressed archive. When it is dropped, the next reader may go on where it
/// stopped.
struct MemberStream<'a> {
    archive: &'a Archive,
    cursor: Option<Cursor>,
    left: u64,
}

impl Read for MemberStream<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(cursor) = &mut self.cursor else { return Ok(0) };
        let room = into.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        // The member's end is not the archive's: its decoder is not to be asked beyond it.
        if room == 0 {
            return Ok(0);
        }
        let read = cursor.decoder.read(into.get_mut(..room).unwrap_or_default());
        match read {
            Ok(read) => {
                cursor.position += read as u64;
                self.left -= read as u64;
            }
            // After an error nobody knows where it stands.
            Err(_) => self.cursor = None,
        }
        read
    }
}

impl Drop for MemberStream<'_> {
    fn drop(&mut self) {
        *self.archive.cursor.lock().unwrap_or_else(PoisonError::into_inner) = self.cursor.take();
    }
}

/// Opens a regular file, and nothing that could block or has no length.
pub(crate) fn open_file(path: &Path, name: &str) -> Result<File, OpenError> {
    // A FIFO without a writer would be waited for otherwise.
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let opened = File::options().read(true).custom_flags(nonblocking).open(path);
    let file = opened.map_err(|error| unreadable(name, error))?;
    let metadata = file.metadata().map_err(|error| unreadable(name, error))?;
    if !metadata.is_file() {
        let message = format!("`{name}` is not a regular file");
        return Err(OpenError::new(OpenErrorKind::NotAnImage, message));
    }
    Ok(file)
}

/// The compression of what begins at `offset`.
pub(crate) fn sniff_at(file: &Arc<File>, offset: u64) -> io::Result<Compression> {
    let head = peek(&mut FileRange::new(Arc::clone(file), offset, HEAD as u64)?)?;
    Ok(sniff(&head))
}

/// What tells a file, as it is now, from every other: device, inode, size, and the times of the
/// last change to its content and to itself.
pub(crate) fn identity(file: &File) -> io::Result<String> {
    let it = file.metadata()?;
    Ok(format!(
        "{}:{}:{}:{}.{}:{}.{}",
        it.dev(),
        it.ino(),
        it.size(),
        it.mtime(),
        it.mtime_nsec(),
        it.ctime(),
        it.ctime_nsec()
    ))
}

pub(crate) fn unreadable(name: &str, error: io::Error) -> OpenError {
    let kind = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => OpenErrorKind::NotFound,
        _ => OpenErrorKind::Damaged,
    };
    OpenError::new(kind, format!("`{name}` cannot be read")).because(error)
}
