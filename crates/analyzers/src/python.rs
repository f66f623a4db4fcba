//! Python: what is installed, and what lock files name.

pub(crate) mod metadata;
pub(crate) mod name;
