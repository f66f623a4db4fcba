//! `lazaret db`: everything about advisory segments, one file a verb.

mod export;
mod import;
mod keygen;
mod status;
mod update;
mod vercmp;
mod verify;

use clap::{Args, Subcommand};

pub(crate) use import::import_raw;

use crate::cmd::global::Global;
use crate::error::UserError;
use crate::exit_code::ExitCode;

#[derive(Debug, Args)]
pub(crate) struct DbArguments {
    #[command(subcommand)]
    verb: DbVerb,
}

#[derive(Debug, Subcommand)]
enum DbVerb {
    /// List the segments: source, age, records, size.
    Status(status::StatusArguments),
    /// Fetch sources or streams anew; without names, everything that is installed.
    Update(update::UpdateArguments),
    /// Read feeds or bundles: files, folders, archives, recognised by their content.
    Import(import::ImportArguments),
    /// Write segments into one file for places without a network.
    Export(export::ExportArguments),
    /// Check every byte of every segment.
    Verify,
    /// Make a key pair for signing bundles.
    Keygen(keygen::KeygenArguments),
    /// Compare versions as an ecosystem does.
    Vercmp(vercmp::VercmpArguments),
}

pub(crate) fn run(arguments: DbArguments, global: &Global) -> Result<ExitCode, UserError> {
    match arguments.verb {
        DbVerb::Status(arguments) => status::run(arguments, global),
        DbVerb::Update(arguments) => update::run(arguments, global),
        DbVerb::Import(arguments) => import::run(arguments, global),
        DbVerb::Export(arguments) => export::run(arguments, global),
        DbVerb::Verify => verify::run(global),
        DbVerb::Keygen(arguments) => keygen::run(arguments),
        DbVerb::Vercmp(arguments) => vercmp::run(arguments),
    }
}
