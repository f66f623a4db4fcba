//! The operating system: which distribution it is, and what its package manager installed.

pub(crate) mod apk;
pub(crate) mod choice;
pub(crate) mod content_sets;
pub(crate) mod copyright;
pub(crate) mod dpkg;
pub(crate) mod dpkg_digests;
pub(crate) mod families;
pub(crate) mod release;
pub(crate) mod repositories;
pub(crate) mod rpm;
