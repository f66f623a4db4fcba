//! Rust: what is linked into programs, and what lock files name.

pub(crate) mod auditable;
pub(crate) mod cargo_lock;
