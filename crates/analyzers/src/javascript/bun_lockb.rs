//! Bun's binary lock file, `bun.lockb`: its own arrays, one after the other, as they lay in memory
//! (versions 2 and 3 of the format; Bun since 1.2 writes `bun.lock` instead).
//!
//! After the header stands a table of packages by columns: a package is the n-th element of each.
//! Then six buffers follow, each behind the offsets of its beginning and end; the last holds the
//! texts that are too long to stand in place, the third which package each dependency became.
//! Numbers are little-endian.

use model::{PackageKind, ProblemKind};

use super::specifier;
use crate::binary::{Order, slice};
use crate::lock::{LOCK_BYTES_MAX, Listing, dependency};
use crate::{Analyzer, File, FileFacts, Installed, Select, integrity};

/// The analyzer `bun-lockb`.
pub(crate) struct BunLockb;

const MAGIC: &[u8] = b"#!/usr/bin/env bun\nbun-lockfile-format-v0\n";

/// The versions of the format whose columns are known, with the bytes of a resolution: version 3
/// made the three numbers of a version twice as wide.
const FORMS: [(u32, usize); 2] = [(2, 64), (3, 72)];

/// Bytes of an element of the columns before the resolutions, and of those behind them.
const NAME: usize = 8;
const HASH: usize = 8;
const SPAN: usize = 8;
const META: usize = 88;

/// Where the digest begins in a package's `Meta`: one byte for the algorithm, then the digest.
const META_DIGEST: usize = 20;

/// Where in a resolution the version begins: behind a tag of eight bytes and an address.
const RESOLUTION_VERSION: usize = 16;

/// Which of the buffers is which.
const BUFFER_RESOLUTIONS: usize = 2;
const BUFFER_TEXTS: usize = 5;

/// Packages that one package may need. The largest have a few hundred; spans may overlap, so that a
/// small file could claim a million dependencies for each package.
const DEPENDENCIES_MAX: usize = 4096;

impl Analyzer for BunLockb {
    fn name(&self) -> &'static str {
        "bun-lockb"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "bun.lockb" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let Some(rest) = file.bytes.strip_prefix(MAGIC) else {
            return facts.problem(ProblemKind::Damaged, "it is no lock file of Bun");
        };
        let form = Order::Little.u32(rest, 0).unwrap_or_default();
        let Some((_, resolution)) = FORMS.iter().find(|(known, _)| *known == form) else {
            let message = format!("version {form} of the format is not known");
            return facts.problem(ProblemKind::Unsupported, message);
        };
        match Table::read(file.bytes, *resolution) {
            Some(table) => table.list(facts),
            None => facts.problem(ProblemKind::Damaged, "its tables are cut off or damaged"),
        }
    }
}

/// The columns and buffers that say what is installed.
struct Table<'a> {
    count: usize,
    names: &'a [u8],
    resolutions: &'a [u8],
    resolution_size: usize,
    /// Of each package, which elements of `chosen` are its dependencies.
    spans: &'a [u8],
    metas: &'a [u8],
    /// The number of the package that a dependency became.
    chosen: &'a [u8],
    texts: &'a [u8],
}

/// How a package was resolved.
enum Resolved {
    /// From a registry, in this version.
    Version(String),
    /// To a commit or an archive, whose own version is not said.
    Elsewhere,
    /// A folder of the repository.
    Own,
}

impl<'a> Table<'a> {
    fn read(bytes: &'a [u8], resolution_size: usize) -> Option<Self> {
        // The format's version, a digest of the packages, and the length of all.
        let table = MAGIC.len().checked_add(4 + 32 + 8)?;
        let number = |at: usize| usize::try_from(Order::Little.u64(bytes, at)?).ok();
        // Between them stand the alignment and the number of columns.
        let count = number(table)?;
        let (begin, end) = (number(table.checked_add(24)?)?, number(table.checked_add(32)?)?);
        let mut rest = bytes.get(begin..end)?;
        let mut column = |size: usize| {
            let (column, after) = rest.split_at_checked(count.checked_mul(size)?)?;
            rest = after;
            Some(column)
        };
        let names = column(NAME)?;
        column(HASH)?;
        let resolutions = column(resolution_size)?;
        column(SPAN)?;
        let (spans, metas) = (column(SPAN)?, column(META)?);
        let buffers = buffers(bytes, end)?;
        let [.., texts] = buffers;
        let chosen = *buffers.get(BUFFER_RESOLUTIONS)?;
        Some(Self { count, names, resolutions, resolution_size, spans, metas, chosen, texts })
    }

    fn list(&self, facts: &mut FileFacts) {
        let mut listing = Listing::new(facts);
        let mut is_damaged = false;
        for package in 0..self.count {
            let Some((name, resolved)) = self.identity(package) else {
                is_damaged = true;
                continue;
            };
            let version = match &resolved {
                Resolved::Version(version) => version,
                Resolved::Elsewhere => "",
                Resolved::Own => continue,
            };
            let mut installed = Installed::declared(PackageKind::Npm, name, version);
            installed.package.hashes.extend(self.digest(package));
            installed.package.dependencies = self.dependencies(package);
            listing.add(installed);
        }
        if is_damaged {
            facts.problem(ProblemKind::Damaged, "some of its packages cannot be read");
        }
    }

    fn identity(&self, package: usize) -> Option<(&'a str, Resolved)> {
        let name = self.text(self.names, package.checked_mul(NAME)?)?;
        let size = self.resolution_size;
        let resolution = slice(self.resolutions, package.checked_mul(size)?, size)?;
        let resolved = match resolution.first()? {
            // npm
            2 => Resolved::Version(self.version(resolution.get(RESOLUTION_VERSION..)?)?),
            // The archive of an address, or a repository.
            16 | 32 | 80 => Resolved::Elsewhere,
            // The root, a folder, an archive beside it, a link, a workspace, a single file.
            1 | 4 | 8 | 64 | 72 | 100 => Resolved::Own,
            _ => return None,
        };
        Some((name, resolved))
    }

    /// Three numbers, and two texts with a hash behind each: prerelease and build.
    fn version(&self, bytes: &'a [u8]) -> Option<String> {
        // What remains for the numbers is the texts' 32 bytes less, and padded.
        let tag = bytes.len().checked_sub(32)?;
        let wide = tag == 24;
        let number = |index: usize| {
            if wide {
                Order::Little.u64(bytes, index.checked_mul(8)?)
            } else {
                Order::Little.u32(bytes, index.checked_mul(4)?).map(u64::from)
            }
        };
        let mut version = format!("{}.{}.{}", number(0)?, number(1)?, number(2)?);
        let build = tag.checked_add(16)?;
        for (mark, at) in [('-', tag), ('+', build)] {
            let text = self.text(bytes, at)?;
            if !text.is_empty() {
                version.push(mark);
                version.push_str(text);
            }
        }
        specifier::is_version(&version).then_some(version)
    }

    fn digest(&self, package: usize) -> Option<String> {
        let meta = slice(self.metas, package.checked_mul(META)?, META)?;
        let (algorithm, length) = match meta.get(META_DIGEST)? {
            1 => ("sha1", 20),
            2 => ("sha256", 32),
            3 => ("sha384", 48),
            4 => ("sha512", 64),
            _ => return None,
        };
        let digest = slice(meta, META_DIGEST.checked_add(1)?, length)?;
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        integrity::hexadecimal(algorithm, &digest)
    }

    /// A dependency that became nothing (an optional one, of another platform) is not needed.
    fn dependencies(&self, package: usize) -> Vec<String> {
        let dependencies = || {
            let at = package.checked_mul(SPAN)?;
            let first = Order::Little.size(self.spans, at)?;
            let count = Order::Little.size(self.spans, at.checked_add(4)?)?;
            let chosen = slice(self.chosen, first.checked_mul(4)?, count.checked_mul(4)?)?;
            let numbers = chosen.chunks_exact(4).take(DEPENDENCIES_MAX);
            let numbers = numbers.filter_map(|raw| Order::Little.size(raw, 0));
            let packages = numbers.filter(|number| *number < self.count);
            let named = packages.filter_map(|number| match self.identity(number)? {
                (name, Resolved::Version(version)) => Some(dependency(name, &version)),
                (name, Resolved::Elsewhere) => Some(name.to_owned()),
                (_, Resolved::Own) => None,
            });
            Some(named.collect())
        };
        dependencies().unwrap_or_default()
    }

    /// A text in eight bytes: itself, ended by a zero, or, where the highest bit is set, offset and
    /// length in the buffer of texts.
    fn text(&self, bytes: &'a [u8], at: usize) -> Option<&'a str> {
        let raw = slice(bytes, at, 8)?;
        let text = if raw.last()? & 0x80 == 0 {
            raw.split(|byte| *byte == 0).next()?
        } else {
            let length = Order::Little.u32(raw, 4)? & 0x7fff_ffff;
            slice(self.texts, Order::Little.size(raw, 0)?, usize::try_from(length).ok()?)?
        };
        str::from_utf8(text).ok()
    }
}

/// The six buffers. What each element is stands in words between the offsets and the beginning.
fn buffers(bytes: &[u8], at: usize) -> Option<[&[u8]; BUFFER_TEXTS + 1]> {
    let mut buffers: [&[u8]; BUFFER_TEXTS + 1] = [&[]; BUFFER_TEXTS + 1];
    let mut place = at;
    for buffer in &mut buffers {
        let begin = usize::try_from(Order::Little.u64(bytes, place)?).ok()?;
        let end = usize::try_from(Order::Little.u64(bytes, place.checked_add(8)?)?).ok()?;
        *buffer = bytes.get(begin..end)?;
        place = end;
    }
    Some(buffers)
}
