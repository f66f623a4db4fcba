//! The bytes that the kernel's programs and tables have, as `bpf/prevent_wire.h` writes them: a test
//! holds both against each other.

use zerocopy::{FromBytes, Immutable, KnownLayout};

use super::networks::RANGES_MAX;

/// Bits that are refused, and bits that are only observed.
pub(super) type Holding = [u64; 2];
/// Bits, and those with a place below.
pub(super) type PathRule = [u64; 2];
pub(super) type NetworkRule = [u64; 1 + 2 * RANGES_MAX];

/// What one denial tells of its object.
pub(super) const OBJECT_BYTES: usize = 1024;

pub(super) const OBJECT_NONE: u8 = 0;
pub(super) const OBJECT_PATH: u8 = 1;
pub(super) const OBJECT_ADDRESS4: u8 = 2;
pub(super) const OBJECT_ADDRESS6: u8 = 3;

pub(super) const CUT: u8 = 2;
pub(super) const UNKNOWN: u8 = 4;

/// One record of the buffer.
#[derive(Clone, Copy, Debug, FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(super) struct Denial {
    pub(super) time: u64,
    pub(super) started: u64,
    pub(super) control_group: u64,
    /// Bits of what was met, and of what of it refuses.
    pub(super) met: u64,
    pub(super) refused: u64,
    pub(super) process: u32,
    pub(super) act: u16,
    pub(super) object: u8,
    pub(super) marks: u8,
    pub(super) port: u16,
    pub(super) length: u16,
    pub(super) unused: u32,
    pub(super) name: [u8; 16],
    pub(super) bytes: [u8; OBJECT_BYTES],
}

#[cfg(test)]
mod tests {
    use core::mem::offset_of;
    use std::path::Path;

    use ::object::{File as Binary, Object as _, ObjectSection as _};

    use super::*;
    use crate::record::tests::structure;

    macro_rules! members {
        ($($name:ident),*) => { vec![$((stringify!($name).to_owned(), offset_of!(Denial, $name))),*] };
    }

    #[test]
    fn both_sides_have_one_layout() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("bpf/prebuilt");
        for architecture in ["x86_64", "aarch64"] {
            let path = folder.join(format!("prevent-{architecture}.o"));
            let bytes = std::fs::read(path).expect("an object");
            let object = Binary::parse(bytes.as_slice()).expect("an object");
            let types = object.section_by_name(".BTF").expect("types").data().expect("bytes");
            let of = |name: &str| structure(types, name).unwrap_or_else(|| panic!("no {name}"));
            let denial = members!(
                time,
                started,
                control_group,
                met,
                refused,
                process,
                act,
                object,
                marks,
                port,
                length,
                unused,
                name,
                bytes
            );
            assert_eq!(of("denial"), (size_of::<Denial>(), denial), "{architecture}");
            let words = |names: &[&str]| -> Vec<(String, usize)> {
                names.iter().enumerate().map(|(at, name)| ((*name).to_owned(), at * 8)).collect()
            };
            let holding = (size_of::<Holding>(), words(&["enforced", "observed"]));
            assert_eq!(of("holding"), holding, "{architecture}");
            let path_rule = (size_of::<PathRule>(), words(&["bits", "above"]));
            assert_eq!(of("path_rule"), path_rule, "{architecture}");
            let network_rule = (size_of::<NetworkRule>(), words(&["bits", "ports"]));
            assert_eq!(of("network_rule"), network_rule, "{architecture}");
            let range = ["first", "last", "unused", "bits"].map(str::to_owned);
            let range = range.into_iter().zip([0, 2, 4, 8]).collect::<Vec<_>>();
            assert_eq!(of("port_range"), (16, range), "{architecture}");
        }
    }
}
