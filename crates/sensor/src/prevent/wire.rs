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

pub(super) const REFUSED: u8 = 1;
pub(super) const CUT: u8 = 2;
pub(super) const UNKNOWN: u8 = 4;

#[derive(Clone, Copy, Debug, FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(super) struct Denial {
    pub(super) time: u64,
    pub(super) started: u64,
    pub(super) control_group: u64,
    pub(super) met: u64,
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
