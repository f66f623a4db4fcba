//! .NET: what applications bring, and what lock files name.

pub(crate) mod assembly;
pub(crate) mod assets;
pub(crate) mod bundle;
pub(crate) mod deps_json;
pub(crate) mod packages_config;
pub(crate) mod packages_lock;
mod reference;
