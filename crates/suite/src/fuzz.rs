//! Readers of outside bytes, for fuzzing alone.

/// A suite file.
pub fn suite(bytes: &[u8]) {
    let (cases, mistakes) = crate::read("fuzz", bytes);
    drop((cases, mistakes));
}

/// What an engine answers.
pub fn answer(bytes: &[u8]) {
    drop(crate::stage::fuzz(bytes).map(<[u8]>::to_vec));
}
