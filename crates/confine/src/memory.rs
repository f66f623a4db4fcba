//! Memory that was freed and that the allocator still has.

#![cfg_attr(
    target_env = "gnu",
    expect(unsafe_code, reason = "no safe interface leads to the allocator of the C library")
)]

/// Gives it back to the kernel. For after a beginning that took much for a moment, as reading the kernel's
/// types does: it takes some milliseconds, and what is between what lives on would never go by itself.
pub fn give_memory_back() {
    // SAFETY: it changes nothing that anybody has; it may be called at any time, by any thread.
    #[cfg(target_env = "gnu")]
    let _is_less = unsafe { libc::malloc_trim(0) };
}

#[cfg(all(test, target_env = "gnu"))]
mod tests {
    use super::*;

    /// Pages of this process that are in memory.
    fn resident() -> usize {
        let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
        text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("the kernel says it")
    }

    #[test]
    fn what_was_freed_is_the_kernel_s_again() {
        // 64 MiB, too small each to be given back by itself, and one in eight thousand lives on.
        let mut all: Vec<Option<Box<[u8; 4_000]>>> = Vec::new();
        for _ in 0..16_384 {
            all.push(Some(Box::new([7; 4_000])));
        }
        for (number, it) in all.iter_mut().enumerate() {
            if number % 8_000 != 7_999 {
                *it = None;
            }
        }
        let before = resident();
        give_memory_back();
        let after = resident();
        assert!(after + 8_000 < before, "{before} {after}");
        drop(all);
    }
}
