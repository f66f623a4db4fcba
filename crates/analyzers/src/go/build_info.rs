//! The build information that the Go linker puts into every program since Go 1.13
//! (debug/buildinfo): the release of Go, and the modules.
//!
//! It survives stripping. Until Go 1.17 it held the addresses of two strings, since then the
//! strings themselves.

use crate::binary::Order;
use crate::program::{Program, find_aligned};

const MAGIC: &[u8] = b"\xff Go buildinf:";

/// Where the linker aligns it.
const ALIGNMENT: usize = 16;

/// What precedes strings that stand in place.
const HEADER: usize = 32;

const BIG_ENDIAN: u8 = 1;
const INLINE: u8 = 2;

/// What frames the list of modules, for readers that know no format.
const SENTINEL: usize = 16;

/// The list of modules: the largest programs have a thousand, at 150 bytes each.
const STRING_MAX: u64 = 4 << 20;

/// The information, as it stands in the program.
pub(super) struct BuildInfo<'a> {
    /// `go1.22.3`, with what the builder added.
    pub(super) go: &'a str,
    /// See `module.rs`; empty where modules were not used.
    pub(super) modules: &'a str,
}

/// None for programs that are not Go's; an error where the information is there and cannot be read.
pub(super) fn read<'a>(program: &Program<'a>) -> Option<Result<BuildInfo<'a>, &'static str>> {
    let bytes = find(program)?;
    Some(parse(bytes, program).ok_or("its build information is cut off or damaged"))
}

/// From the magic on.
fn find<'a>(program: &Program<'a>) -> Option<&'a [u8]> {
    let section = program.section(&[".go.buildinfo", "__go_buildinfo"]);
    // In PE files it has no section of its own; in others there may be no sections.
    let section = section.or_else(|| program.section(&[".data"]));
    let from_magic = |bytes: &'a [u8]| bytes.get(find_aligned(bytes, MAGIC, ALIGNMENT)?..);
    if let Some(found) = section.and_then(from_magic) {
        return Some(found);
    }
    let loaded = program.lacks_sections().then(|| program.writable());
    loaded.into_iter().flatten().find_map(from_magic)
}

fn parse<'a>(bytes: &'a [u8], program: &Program<'a>) -> Option<BuildInfo<'a>> {
    let (pointer, flags) = (*bytes.get(MAGIC.len())?, *bytes.get(MAGIC.len().checked_add(1)?)?);
    let (go, modules) = if flags & INLINE != 0 {
        let (go, rest) = prefixed(bytes.get(HEADER..)?)?;
        (go, prefixed(rest)?.0)
    } else {
        let pointers = Pointers {
            order: if flags & BIG_ENDIAN == 0 { Order::Little } else { Order::Big },
            size: usize::from(pointer),
        };
        let first = MAGIC.len().checked_add(2)?;
        let string = |at: usize| pointers.string(pointers.read(bytes, at)?, program);
        (string(first)?, string(first.checked_add(pointers.size)?).unwrap_or_default())
    };
    Some(BuildInfo { go: str::from_utf8(go).ok()?, modules: framed(modules) })
}

/// A string after its length (encoding/binary.Uvarint), and what follows it.
fn prefixed(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length = 0_usize;
    for (byte, shift) in bytes.iter().zip([0_u32, 7, 14, 21, 28]) {
        length |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            let width = usize::try_from(shift / 7).ok()?.checked_add(1)?;
            return bytes.get(width..)?.split_at_checked(length);
        }
    }
    None
}

/// Numbers as wide as an address.
struct Pointers {
    order: Order,
    size: usize,
}

impl Pointers {
    fn read(&self, bytes: &[u8], at: usize) -> Option<u64> {
        match self.size {
            4 => self.order.u32(bytes, at).map(u64::from),
            8 => self.order.u64(bytes, at),
            _ => None,
        }
    }

    /// The string whose header (address and length) stands at an address.
    fn string<'a>(&self, address: u64, program: &Program<'a>) -> Option<&'a [u8]> {
        let header = program.at(address, u64::try_from(self.size.checked_mul(2)?).ok()?)?;
        let length = self.read(header, self.size)?;
        if length > STRING_MAX {
            return None;
        }
        program.at(self.read(header, 0)?, length)
    }
}

/// The list without what frames it; empty if it is none.
fn framed(bytes: &[u8]) -> &str {
    let framed = || {
        let end = bytes.len().checked_sub(SENTINEL)?;
        let list = bytes.get(SENTINEL..end)?;
        list.ends_with(b"\n").then_some(list)
    };
    framed().and_then(|list| str::from_utf8(list).ok()).unwrap_or_default()
}
