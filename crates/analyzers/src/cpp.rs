//! C and C++: what Conan and vcpkg installed or locked.

pub(crate) mod conan_lock;
mod conan_reference;
pub(crate) mod conanfile;
pub(crate) mod vcpkg_json;
pub(crate) mod vcpkg_status;
