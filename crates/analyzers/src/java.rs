//! Java: what stands in archives, and what build tools name.

pub(crate) mod archive;
mod coordinates;
pub(crate) mod file_name;
pub(crate) mod gradle_lock;
mod groups;
mod manifest;
pub(crate) mod maven_pom;
mod pom;
pub(crate) mod pom_properties;
