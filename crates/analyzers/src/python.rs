//! Python: what is installed, and what lock files name.

mod address;
pub(crate) mod archive;
pub(crate) mod conda_environment;
pub(crate) mod conda_meta;
pub(crate) mod conda_package;
pub(crate) mod metadata;
pub(crate) mod name;
pub(crate) mod pdm_lock;
pub(crate) mod pipfile;
pub(crate) mod pipfile_lock;
pub(crate) mod poetry_lock;
pub(crate) mod pylock;
mod requirement;
pub(crate) mod requirements;
mod resolution;
pub(crate) mod uv_lock;
