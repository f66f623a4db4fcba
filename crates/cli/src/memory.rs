//! What the C library does with memory that was given back, as this program wants it.
//!
//! Called once, before anything else runs. A scan takes pieces of many megabytes (a file, what is
//! unpacked of it) and gives them back soon. From the first such on the GNU library keeps the next ones
//! in its own pools, which are torn then and never shrink: every check of an image of 2.35 GB took
//! 272 MB with them and 242 MB without. Other libraries have no such pools, and nothing is done there.
#![cfg_attr(
    target_env = "gnu",
    expect(unsafe_code, reason = "the C library is told by a call of its own")
)]

/// From how many bytes on a piece comes from the system, and goes back to it at once. It costs
/// some system calls for each: smaller ones are too many for that.
#[cfg(target_env = "gnu")]
const LARGE: libc::c_int = 1 << 20;

/// How much of a pool may lie idle at its end. Once the other limit is set this one would be
/// 128 KiB, which a program that works in a loop takes and gives back all the time.
#[cfg(target_env = "gnu")]
const IDLE: libc::c_int = 4 << 20;

/// Makes large pieces of memory go back to the system as soon as they are free.
pub(crate) fn give_back_large_pieces() {
    #[cfg(target_env = "gnu")]
    for (limit, bytes) in [(libc::M_MMAP_THRESHOLD, LARGE), (libc::M_TRIM_THRESHOLD, IDLE)] {
        // SAFETY: both take any number, and what was allocated before stays as it is. Where one is
        // refused, memory is used as it was before.
        let _is_set = unsafe { libc::mallopt(limit, bytes) };
    }
}
