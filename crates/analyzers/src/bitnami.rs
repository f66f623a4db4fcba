//! Bitnami: what its images are made of.

pub(crate) mod components;
pub(crate) mod spdx;
