//! JavaScript: what Node.js would load, and what lock files name.

pub(crate) mod npm_package;
