//! Go: what is linked into programs, and what modules require.

pub(crate) mod binary;
mod build_info;
mod functions;
pub(crate) mod go_mod;
pub(crate) mod go_sum;
mod linked_value;
mod module;
mod version_variable;
