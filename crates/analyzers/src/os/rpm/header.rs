//! One rpm header: the package that a database entry describes.
//!
//! A header is an index and a store (rpm, "RPM v4 header format"): two big-endian counts, of index
//! entries and of bytes in the store, then the entries of 16 bytes each (tag, type, offset into the
//! store, count), then the store. Strings in it end in a zero byte.

use model::{PackageKind, PathListBuilder, Source};

use crate::Installed;
use crate::binary::Order;

/// Index entries, as rpm itself limits them.
const ENTRIES_MAX: usize = 0xffff;

/// Bytes of the store, as rpm itself limits them.
const STORE_BYTES_MAX: usize = 0x0fff_ffff;

/// Bytes of one text field that are kept: names and licences of real packages stay below 4 KiB.
const TEXT_BYTES_MAX: usize = 16 << 10;

/// Directories of one package that are known by number, each of which takes sixteen bytes meanwhile, and
/// of an empty name one in the store: the largest package that was looked at has 5 198.
const DIRECTORIES_MAX: usize = 1 << 18;

const ENTRY_SIZE: usize = 16;

/// The bits of a file mode that tell what it is, and their value for a directory (inode(7)).
const KIND_OF_FILE: u16 = 0o170_000;
const DIRECTORY: u16 = 0o040_000;

/// Public keys that rpm trusts are listed as packages of this name; they install nothing.
const PUBLIC_KEY: &str = "gpg-pubkey";

/// Tags (rpm, `rpmtag.h`).
mod tag {
    pub(super) const NAME: u32 = 1000;
    pub(super) const VERSION: u32 = 1001;
    pub(super) const RELEASE: u32 = 1002;
    pub(super) const EPOCH: u32 = 1003;
    pub(super) const VENDOR: u32 = 1011;
    pub(super) const LICENSE: u32 = 1014;
    pub(super) const ARCH: u32 = 1022;
    pub(super) const OLDFILENAMES: u32 = 1027;
    pub(super) const FILEMODES: u32 = 1030;
    pub(super) const SOURCERPM: u32 = 1044;
    pub(super) const DIRINDEXES: u32 = 1116;
    pub(super) const BASENAMES: u32 = 1117;
    pub(super) const DIRNAMES: u32 = 1118;
    pub(super) const MODULARITYLABEL: u32 = 5096;
}

/// Types of values.
mod value {
    pub(super) const INT16: u32 = 3;
    pub(super) const INT32: u32 = 4;
    pub(super) const STRING: u32 = 6;
    pub(super) const STRING_ARRAY: u32 = 8;
    pub(super) const I18N_STRING: u32 = 9;
}

/// Why a header was not read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeaderError {
    #[error(
        "package header of {entries} entries and {store} bytes does not fit into its {length} bytes"
    )]
    Size { entries: usize, store: usize, length: usize },
    #[error("package header without a name")]
    NoName,
    #[error("package header of `{0}` without a version or release")]
    NoVersion(String),
}

/// The package that a header describes, with those of its files that `files` takes; None for a public
/// key.
pub(crate) fn installed(
    blob: &[u8],
    files: PathListBuilder,
) -> Result<Option<Installed>, HeaderError> {
    let header = Header::new(blob)?;
    let name = header.text(tag::NAME).ok_or(HeaderError::NoName)?;
    if name == PUBLIC_KEY {
        return Ok(None);
    }
    let (version, release) = header
        .text(tag::VERSION)
        .zip(header.text(tag::RELEASE))
        .ok_or_else(|| HeaderError::NoVersion(name.clone()))?;
    let version_release = format!("{version}-{release}");
    let version = match header.numbers(tag::EPOCH).next() {
        Some(epoch @ 1..) => format!("{epoch}:{version_release}"),
        Some(0) | None => version_release.clone(),
    };
    let mut installed = Installed::new(PackageKind::Rpm, &name, &version);
    let package = &mut installed.package;
    package.architecture = header.text(tag::ARCH).unwrap_or_default();
    package.source =
        header.text(tag::SOURCERPM).and_then(|file| source(&file, &name, &version_release));
    if let Some(label) = header.text(tag::MODULARITYLABEL) {
        package.module = module(&label);
        let build = label.split(':').nth(2).filter(|build| !build.is_empty());
        package.module_build = build.map(str::to_owned);
    }
    package.license = header.text(tag::LICENSE).unwrap_or_default();
    package.vendor = header.text(tag::VENDOR).unwrap_or_default();
    (installed.files, installed.left_out) = header.files(files).finish();
    Ok(Some(installed))
}

/// The source package in `name-version-release.src.rpm`; None where the package is its own.
pub(crate) fn source(file: &str, package: &str, version_release: &str) -> Option<Source> {
    let stem = file.strip_suffix(".rpm")?;
    let stem = stem.strip_suffix(".src").or_else(|| stem.strip_suffix(".nosrc"))?;
    let (name_version, release) = stem.rsplit_once('-')?;
    let (name, version) = name_version.rsplit_once('-')?;
    let version = format!("{version}-{release}");
    let differs = name != package || version != version_release;
    differs.then(|| Source { name: name.to_owned(), version })
}

/// `name:stream` of `name:stream:version:context`, which is what advisories name.
fn module(label: &str) -> Option<String> {
    let (name, rest) = label.split_once(':')?;
    let stream = rest.split(':').next()?;
    (!name.is_empty() && !stream.is_empty()).then(|| format!("{name}:{stream}"))
}

/// The two parts of a header, with their sizes checked.
struct Header<'a> {
    index: &'a [u8],
    store: &'a [u8],
}

impl<'a> Header<'a> {
    fn new(blob: &'a [u8]) -> Result<Self, HeaderError> {
        let entries = Order::Big.size(blob, 0).unwrap_or(0);
        let store = Order::Big.size(blob, 4).unwrap_or(0);
        let fits = (1..=ENTRIES_MAX).contains(&entries) && store <= STORE_BYTES_MAX;
        let parts = || {
            let (index, rest) =
                blob.get(8..)?.split_at_checked(entries.checked_mul(ENTRY_SIZE)?)?;
            Some(Self { index, store: rest.get(..store)? })
        };
        let error = HeaderError::Size { entries, store, length: blob.len() };
        fits.then(parts).flatten().ok_or(error)
    }

    /// Type, value bytes (to the end of the store) and count of a tag.
    fn find(&self, tag: u32) -> Option<(u32, &'a [u8], usize)> {
        let entry = self
            .index
            .chunks_exact(ENTRY_SIZE)
            .find(|entry| Order::Big.u32(entry, 0) == Some(tag))?;
        let offset = Order::Big.size(entry, 8)?;
        Some((Order::Big.u32(entry, 4)?, self.store.get(offset..)?, Order::Big.size(entry, 12)?))
    }

    /// The first string of a tag; None where it is absent, empty or `(none)`.
    fn text(&self, tag: u32) -> Option<String> {
        let text = self.strings(tag).next()?;
        let text = text.get(..TEXT_BYTES_MAX).unwrap_or(text);
        let text = String::from_utf8_lossy(text);
        (!text.is_empty() && text != "(none)").then(|| text.into_owned())
    }

    fn strings(&self, tag: u32) -> impl Iterator<Item = &'a [u8]> {
        let (mut rest, count) = match self.find(tag) {
            Some((value::STRING, bytes, _)) => (bytes, 1),
            Some((value::STRING_ARRAY | value::I18N_STRING, bytes, count)) => (bytes, count),
            _ => (&[][..], 0),
        };
        std::iter::from_fn(move || {
            let end = rest.iter().position(|&byte| byte == 0)?;
            let string = rest.get(..end)?;
            rest = rest.get(end..)?.get(1..)?;
            Some(string)
        })
        .take(count)
    }

    fn numbers(&self, tag: u32) -> impl Iterator<Item = u32> {
        let (bytes, count) = match self.find(tag) {
            Some((value::INT32, bytes, count)) => (bytes, count),
            _ => (&[][..], 0),
        };
        bytes.chunks_exact(4).take(count).filter_map(|number| Order::Big.u32(number, 0))
    }

    /// The kind of each file, as bits of its mode.
    fn modes(&self) -> impl Iterator<Item = u16> {
        let (bytes, count) = match self.find(tag::FILEMODES) {
            Some((value::INT16, bytes, count)) => (bytes, count),
            _ => (&[][..], 0),
        };
        bytes.chunks_exact(2).take(count).filter_map(|mode| Order::Big.u16(mode, 0))
    }

    /// The paths of the package's files, directories left out, without the leading slash. They are
    /// stored as base names and numbers of directories, in very old packages as whole paths.
    fn files(&self, mut files: PathListBuilder) -> PathListBuilder {
        let directories: Vec<&[u8]> = self.strings(tag::DIRNAMES).take(DIRECTORIES_MAX).collect();
        let directory = |number: u32| directories.get(usize::try_from(number).ok()?).copied();
        let compressed = self
            .strings(tag::BASENAMES)
            .zip(self.numbers(tag::DIRINDEXES))
            .map(|(name, number)| (directory(number), name));
        let whole = self.strings(tag::OLDFILENAMES).map(|name| (Some(&[][..]), name));
        let modes = self.modes().map(Some).chain(std::iter::repeat(None));
        let mut path = Vec::new();
        for ((directory, name), mode) in compressed.chain(whole).zip(modes) {
            let Some(directory) = directory else {
                files.leave_out(usize::from(directories.len() == DIRECTORIES_MAX));
                continue;
            };
            if mode.is_some_and(|mode| mode & KIND_OF_FILE == DIRECTORY) {
                continue;
            }
            if !files.takes(directory.len().saturating_add(name.len())) {
                continue;
            }
            path.clear();
            path.extend_from_slice(directory);
            path.extend_from_slice(name);
            files.push(String::from_utf8_lossy(&path).trim_start_matches('/'));
        }
        files
    }
}
