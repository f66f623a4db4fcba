//! PHP: what Composer and PEAR installed, and what Composer's lock file names.

mod composer;
pub(crate) mod composer_installed;
pub(crate) mod composer_lock;
pub(crate) mod pear_registry;
mod serialized;
