//! .NET: what applications bring, and what lock files name.
//!
//! The version resources of assemblies are not read: an assembly is seldom called like its package,
//! its versions are its own, and applications built by the SDK say all of it in their `deps.json`.

pub(crate) mod assets;
pub(crate) mod bundle;
pub(crate) mod deps_json;
pub(crate) mod packages_config;
pub(crate) mod packages_lock;
mod reference;
