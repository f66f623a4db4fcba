//! `mountinfo`, a mount a line: where a file is on its file system, whatever way led to it.
//!
//! Containers choose names of folders and options of their own mounts, so nothing here believes
//! them: a line that cannot be read is no mount.

use bstr::{BStr, BString, ByteSlice, ByteVec};

/// A container has some thirty; a host with a thousand containers a few thousand.
pub(crate) const MOUNTS_MAX: usize = 65_536;
/// A host with a thousand containers has a megabyte.
pub(crate) const MOUNTS_BYTES_MAX: usize = 16 << 20;
/// Overlays have 500 layers at most.
const LAYERS_MAX: usize = 512;

/// Major and minor number in one, as the kernel tells file systems apart.
pub(crate) type Device = u64;

pub(crate) fn device(major: u32, minor: u32) -> Device {
    u64::from(major) << 32 | u64::from(minor)
}

/// A file system of the host's while it is mounted. A device's number is given to another one as soon
/// as it is gone; the place is not, for runtimes name it by the container.
pub(crate) type Placed = (Device, BString);

/// A mount of one namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) id: u64,
    pub(crate) device: Device,
    /// Which folder or file of its file system it shows.
    pub(crate) root: BString,
    /// Where.
    pub(crate) point: BString,
    pub(crate) read_only: bool,
    /// `ext4`, `overlay`.
    pub(crate) kind: BString,
    /// The lower folders of an overlay, the uppermost first.
    pub(crate) layers: Vec<BString>,
}

impl Mount {
    pub(crate) fn placed(&self) -> Placed {
        (self.device, self.point.clone())
    }

    /// Where on its file system the file is that this mount shows at `path`.
    pub(crate) fn inner(&self, path: &BStr) -> Option<BString> {
        let rest = match &**self.point {
            b"/" => path.strip_prefix(b"/")?,
            point => match path.strip_prefix(point)? {
                b"" => return Some(self.root.clone()),
                rest => rest.strip_prefix(b"/")?,
            },
        };
        let mut inner = self.root.clone();
        if !inner.ends_with(b"/") {
            inner.push_byte(b'/');
        }
        inner.push_str(rest);
        Some(inner)
    }

    fn read(line: &[u8]) -> Option<Self> {
        let (own, filesystem) = line.split_once_str(" - ")?;
        let mut own = own.split_str(" ");
        let id = number(own.next()?)?;
        let (major, minor) = own.nth(1)?.split_once_str(":")?;
        let (major, minor) = (u32::try_from(number(major)?), u32::try_from(number(minor)?));
        let (root, point) = (plain(own.next()?), plain(own.next()?));
        let read_only = options(own.next()?).any(|option| option == b"ro");
        let mut filesystem = filesystem.split_str(" ");
        let kind = BString::from(filesystem.next()?);
        let layers = match &**kind {
            b"overlay" => layers(filesystem.nth(1)?),
            _ => Vec::new(),
        };
        let device = device(major.ok()?, minor.ok()?);
        Some(Self { id, device, root, point, read_only, kind, layers })
    }
}

/// All of them, in the kernel's order.
pub(crate) fn read(mountinfo: &[u8]) -> Vec<Mount> {
    mountinfo.lines().filter_map(Mount::read).take(MOUNTS_MAX).collect()
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.to_str().ok()?.parse().ok()
}

fn options(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split_str(",")
}

/// `lowerdir=A:B` of the old interface, in which a colon of a name has a backslash before it, or a
/// `lowerdir+=A` each of the new one.
fn layers(list: &[u8]) -> Vec<BString> {
    let of = |option: &[u8]| {
        let option = plain(option);
        if let Some(list) = option.strip_prefix(b"lowerdir=") {
            return parts(list);
        }
        option.strip_prefix(b"lowerdir+=").map(BString::from).into_iter().collect()
    };
    options(list).flat_map(of).take(LAYERS_MAX).collect()
}

fn parts(list: &[u8]) -> Vec<BString> {
    let mut parts = vec![BString::default()];
    let mut bytes = list.iter();
    while let Some(byte) = bytes.next() {
        match (byte, parts.last_mut()) {
            (b':', _) => parts.push(BString::default()),
            (b'\\', Some(part)) => part.extend(bytes.next()),
            (byte, Some(part)) => part.push_byte(*byte),
            (_, None) => {}
        }
    }
    // Two colons begin what holds data alone; no name is empty.
    parts.retain(|part| !part.is_empty());
    parts
}

/// Blanks, line ends, backslashes and commas are written as `\040`.
fn plain(text: &[u8]) -> BString {
    let mut plain = BString::default();
    let mut rest = text;
    while let Some(at) = rest.find_byte(b'\\') {
        let (before, escaped) = rest.split_at(at);
        plain.push_str(before);
        let code = escaped.get(1..4).and_then(octal);
        plain.push_byte(code.unwrap_or(b'\\'));
        rest = escaped.get(if code.is_some() { 4 } else { 1 }..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}

fn octal(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(digits.to_str().ok()?, 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of `mountinfo`, an arrow, and what it says: number, device, kind, what of the file
    /// system, where, whether it is read-only, layers.
    #[test]
    fn lines_are_read() {
        for line in include_str!("../../../testdata/mounts/lines.txt").lines() {
            let (line, expected) = line.split_once(" -> ").unwrap();
            let read = Mount::read(line.trim().as_bytes());
            let told = read.map_or_else(
                || "nothing".to_owned(),
                |it| {
                    let layers = it.layers.iter().map(|layer| format!(" <{layer}>"));
                    let mode = if it.read_only { "ro" } else { "rw" };
                    format!(
                        "{} {}:{} {} <{}> at <{}> {mode}{}",
                        it.id,
                        it.device >> 32,
                        it.device & 0xffff_ffff,
                        it.kind,
                        it.root,
                        it.point,
                        layers.collect::<String>(),
                    )
                },
            );
            assert_eq!(told, expected.trim(), "{line}");
        }
    }

    /// Point and root of a mount, a path below it or not, where that is on the file system.
    const INNER: &[(&str, &str, &str, Option<&str>)] = &[
        ("/", "/", "/usr/bin/id", Some("/usr/bin/id")),
        ("/", "/snapshot", "/usr/bin/id", Some("/snapshot/usr/bin/id")),
        ("/data", "/", "/data/a", Some("/a")),
        ("/data", "/srv/shop", "/data/a", Some("/srv/shop/a")),
        ("/etc/hosts", "/var/hosts", "/etc/hosts", Some("/var/hosts")),
        ("/data", "/", "/database", None),
        ("/data", "/", "/", None),
    ];

    #[test]
    fn a_file_is_found_on_its_file_system() {
        for (point, root, path, expected) in INNER {
            let line = format!("1 0 0:5 {root} {point} rw - ext4 disk rw");
            let mount = Mount::read(line.as_bytes()).unwrap();
            let inner = mount.inner(BStr::new(path));
            assert_eq!(inner, expected.map(BString::from), "{path} by {line}");
        }
    }
}
