//! Programs and libraries in their three containers: ELF, PE and Mach-O.
//!
//! Only headers are read, and what is asked for by name or address. It must never trust an offset:
//! `object` checks each, and so does what is built on it here.

use memchr::memmem;
use object::read::macho::FatArch;
use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol, SegmentFlags};

/// Sections that are looked through for a name. Programs have some 40; those whose functions each
/// have a section of their own are not linked yet.
const SECTIONS_MAX: usize = 4096;

/// The largest executable that is looked into. Programs with everything linked in reach 500 MB.
pub(crate) const PROGRAM_BYTES_MAX: u64 = 1 << 30;

/// Whether a file begins as programs and libraries do.
pub(crate) fn is_program(bytes: &[u8]) -> bool {
    matches!(
        bytes.first_chunk(),
        Some(
            b"\x7fELF"
                | [b'M', b'Z', ..]
                | [0xfe, 0xed, 0xfa, 0xce | 0xcf]
                | [0xce | 0xcf, 0xfa, 0xed, 0xfe]
                | b"\xca\xfe\xba\xbe"
        )
    )
}

/// A program in memory.
pub(crate) struct Program<'a> {
    file: object::File<'a>,
}

impl<'a> Program<'a> {
    /// None for whatever is no program: most executables are scripts. Of a Mach-O file for several
    /// architectures the first counts; all are built from the same sources.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let bytes = match bytes.first_chunk()? {
            b"\x7fELF" | [b'M', b'Z', ..] => bytes,
            [0xfe, 0xed, 0xfa, 0xce | 0xcf] | [0xce | 0xcf, 0xfa, 0xed, 0xfe] => bytes,
            b"\xca\xfe\xba\xbe" => {
                let fat = object::read::macho::MachOFatFile32::parse(bytes).ok()?;
                fat.arches().first()?.data(bytes).ok()?
            }
            _ => return None,
        };
        let file = object::File::parse(bytes).ok()?;
        Some(Self { file })
    }

    /// The content of the first section that has one of these names.
    pub(crate) fn section(&self, names: &[&str]) -> Option<&'a [u8]> {
        self.placed(names).map(|(_, data)| data)
    }

    /// The same, with the address that it is loaded at.
    pub(crate) fn placed(&self, names: &[&str]) -> Option<(u64, &'a [u8])> {
        let mut sections = self.file.sections().take(SECTIONS_MAX);
        let named = sections.find(|section| {
            section.name_bytes().is_ok_and(|name| names.iter().any(|n| n.as_bytes() == name))
        })?;
        Some((named.address(), named.data().ok()?))
    }

    /// Whether addresses in it are eight bytes, the lowest first: on x86-64 and ARM64.
    pub(crate) fn is_64_bit_little_endian(&self) -> bool {
        self.file.is_64() && self.file.is_little_endian()
    }

    /// Whether it has no sections at all: they are not needed to run, and some tools remove them.
    pub(crate) fn lacks_sections(&self) -> bool {
        self.file.sections().next().is_none()
    }

    /// The parts that are loaded and may be written to.
    pub(crate) fn writable(&self) -> impl Iterator<Item = &'a [u8]> {
        let segments = self.file.segments().take(SECTIONS_MAX);
        segments.filter(|segment| is_writable(segment.flags())).filter_map(|s| s.data().ok())
    }

    /// The names of functions and variables with their addresses; none in a stripped program.
    pub(crate) fn symbols(&self) -> impl Iterator<Item = (&'a str, u64)> {
        self.file.symbols().filter_map(|symbol| Some((symbol.name().ok()?, symbol.address())))
    }

    /// `length` bytes at an address.
    pub(crate) fn at(&self, address: u64, length: u64) -> Option<&'a [u8]> {
        let mut segments = self.file.segments().take(SECTIONS_MAX);
        segments.find_map(|segment| segment.data_range(address, length).ok().flatten())
    }
}

fn is_writable(flags: SegmentFlags) -> bool {
    match flags {
        SegmentFlags::Elf { p_flags, .. } => p_flags.0 & object::elf::PF_W.0 != 0,
        SegmentFlags::MachO { initprot, .. } => initprot.0 & object::macho::VM_PROT_WRITE.0 != 0,
        SegmentFlags::Coff { characteristics } => {
            characteristics.0 & object::pe::IMAGE_SCN_MEM_WRITE.0 != 0
        }
        _ => false,
    }
}

/// Where `needle` stands in `bytes`, at multiples of `alignment`.
pub(crate) fn find_aligned(bytes: &[u8], needle: &[u8], alignment: usize) -> Option<usize> {
    memmem::find_iter(bytes, needle).find(|at| at.checked_rem(alignment) == Some(0))
}
