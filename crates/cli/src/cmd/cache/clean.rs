//! `lazaret cache clean`: cached layers, deleted.

use std::time::Duration;

use clap::Args;
use scan::cache::{Usage, clean};

use crate::cmd::global::Global;
use crate::environment;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;
use crate::quantity::{count, parse_duration, size};

#[derive(Debug, Args)]
pub(crate) struct CleanArguments {
    /// Delete only what was not used for this long
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    older_than: Option<Duration>,
}

pub(crate) fn run(arguments: &CleanArguments, global: &Global) -> Result<ExitCode, UserError> {
    let since = arguments.older_than.map(environment::ago);
    let failed = |error: std::io::Error| {
        let message = format!("cannot clean `{}`: {error}", global.cache_dir.display());
        UserError::new(ExitCode::Failed, message)
    };
    let Usage { layers, images, bytes, .. } = clean(&global.cache_dir, since).map_err(failed)?;
    let (layers, images) = (count(layers, "layer"), count(images, "image"));
    output::write(None, &format!("{layers} and {images} deleted, {}\n", size(bytes)))?;
    Ok(ExitCode::Done)
}
