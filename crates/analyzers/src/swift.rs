//! Swift and Objective-C: what lock files name.

pub(crate) mod package_resolved;
pub(crate) mod podfile_lock;
