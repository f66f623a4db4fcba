//! Perl: what CPAN clients installed, and what Carton locked.

pub(crate) mod cpanfile_snapshot;
mod distribution;
pub(crate) mod install_json;
pub(crate) mod perllocal;
