//! The verbs that take something back, or complete it.

use std::path::PathBuf;

use clap::Args;
use model::Response;
use respond::{Id, Responder};

use super::{refused, tell, who};
use crate::cmd::global::Global;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct ContainerArguments {
    /// Its name or id, or the response's id (`r12`)
    container: String,
}

#[derive(Debug, Args)]
pub(crate) struct IdArguments {
    /// The response, as `list` shows it: `r12`
    id: Id,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArguments {
    /// The response, as `list` shows it: `r12`
    id: Id,
    /// Write a copy to this new file instead, readable for root alone; the original stays away
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

/// What a container is under.
pub(super) fn container(
    response: Response,
    arguments: &ContainerArguments,
    responder: &Responder,
) -> Result<ExitCode, UserError> {
    let name = &arguments.container;
    let id = match name.strip_prefix('r').and_then(|number| number.parse::<u32>().ok()) {
        Some(_) => name.parse().map_err(|error: String| UserError::new(ExitCode::Usage, error))?,
        None => responder.holding(response, name).map_err(|it| refused(&it))?,
    };
    undo(&IdArguments { id }, responder)
}

pub(super) fn undo(arguments: &IdArguments, responder: &Responder) -> Result<ExitCode, UserError> {
    let entry = responder.undo(arguments.id, &who()).map_err(|it| refused(&it))?;
    tell(&entry, &format!("{} of", entry.verb()))
}

pub(super) fn finish(
    arguments: &IdArguments,
    responder: &Responder,
) -> Result<ExitCode, UserError> {
    let entry = responder.finish(arguments.id, &who()).map_err(|it| refused(&it))?;
    tell(&entry, entry.verb())
}

pub(super) fn restore(
    arguments: &RestoreArguments,
    responder: &Responder,
) -> Result<ExitCode, UserError> {
    let RestoreArguments { id, to } = arguments;
    let Some(path) = to else { return undo(&IdArguments { id: *id }, responder) };
    responder.write_to(*id, path).map_err(|it| refused(&it))?;
    Ok(ExitCode::Done)
}

/// Each that is due; one that fails keeps none of the others.
pub(super) fn expire(responder: &Responder, global: &Global) -> Result<ExitCode, UserError> {
    let mut code = ExitCode::Done;
    for (id, undone) in responder.expire(global.now, &|_| false).map_err(|it| refused(&it))? {
        match undone {
            Ok(entry) => {
                tell(&entry, &format!("{} of", entry.verb()))?;
            }
            Err(refusal) => {
                output::note(&format!("{id}: {refusal}"));
                code = ExitCode::Incomplete;
            }
        }
    }
    Ok(code)
}
