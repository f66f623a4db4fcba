//! R: what is installed in libraries, and what renv locked.

pub(crate) mod description;
pub(crate) mod renv_lock;
