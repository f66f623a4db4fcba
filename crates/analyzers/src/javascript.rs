//! JavaScript: what Node.js would load, and what lock files name.

pub(crate) mod bun_lock;
pub(crate) mod bun_lockb;
mod folders;
mod jsonc;
pub(crate) mod npm_installed;
pub(crate) mod npm_lock;
pub(crate) mod npm_package;
mod origin;
pub(crate) mod pnpm_lock;
mod specifier;
pub(crate) mod yarn_cache;
mod yarn_classic;
pub(crate) mod yarn_lock;
mod yarn_modern;
