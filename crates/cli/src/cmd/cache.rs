//! `lazaret cache`: what is kept of layers that were read before.

mod clean;
mod status;

use clap::{Args, Subcommand};

use crate::cmd::global::Global;
use crate::error::UserError;
use crate::exit_code::ExitCode;

#[derive(Debug, Args)]
pub(crate) struct CacheArguments {
    #[command(subcommand)]
    verb: CacheVerb,
}

#[derive(Debug, Subcommand)]
enum CacheVerb {
    /// Say how much is kept, and since when.
    Status,
    /// Delete what is kept; advisories stay.
    Clean(clean::CleanArguments),
}

pub(crate) fn run(arguments: CacheArguments, global: &Global) -> Result<ExitCode, UserError> {
    match arguments.verb {
        CacheVerb::Status => status::run(global),
        CacheVerb::Clean(arguments) => clean::run(&arguments, global),
    }
}
