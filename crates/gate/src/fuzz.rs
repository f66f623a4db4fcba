//! Readers of outside bytes, for fuzzing alone.

/// What the Docker daemon shows and tells: requests, addresses, bodies, what it has.
pub fn docker(bytes: &[u8]) {
    crate::docker::fuzz(bytes);
}

/// What a runtime gives its hooks: a state, a bundle, a store.
pub fn oci(bytes: &[u8]) {
    crate::oci::fuzz(bytes);
}

/// A verdict that was kept.
pub fn verdict(bytes: &[u8]) {
    let _is_kept = crate::record::parse(bytes);
}
