//! Capabilities of this thread: kept by name, given up otherwise, never to come back.

use rustix::io::{Errno, Result};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities,
};

/// Nothing that is executed gets more than `kept`. Without `CAP_SETPCAP` the set stays as it is, which is
/// no loss where nothing new can be got at all.
pub(crate) fn bound(kept: CapabilitySet) -> Result<()> {
    clear_ambient_capability_set()?;
    for number in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        if kept.contains(capability) {
            continue;
        }
        match remove_capability_from_bounding_set(capability) {
            Ok(()) => {}
            // The kernel knows no more, or we may not.
            Err(Errno::INVAL | Errno::PERM) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Of what the thread has, `kept` stays.
pub(crate) fn keep(kept: CapabilitySet) -> Result<()> {
    let has = capabilities(None)?;
    let permitted = has.permitted & kept;
    let sets =
        CapabilitySets { effective: permitted, permitted, inheritable: CapabilitySet::empty() };
    set_capabilities(None, sets)
}

/// Whether this thread is the only one of its process.
pub fn is_alone() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1)
}
