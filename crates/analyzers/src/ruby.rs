//! Ruby: what is installed, and what Bundler's lock file names.

pub(crate) mod gemfile_lock;
pub(crate) mod gemspec;
