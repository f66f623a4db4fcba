//! `lazaret db verify`: every byte of every segment, checked; and whether the data that it was made of
//! was whole, which no byte of it can show.

use std::fmt::Write as _;

use crate::cmd::global::Global;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;
use crate::quantity::count;

pub(crate) fn run(global: &Global) -> Result<ExitCode, UserError> {
    let installed =
        global.store.list().map_err(|error| UserError::from_chain(ExitCode::Failed, &error))?;
    // A folder that is not mounted passes no check.
    if installed.is_empty() {
        let message = format!("no advisories are in `{}`", global.store.dir().display());
        let hint = "`--db DIR` names another folder; `lazaret db update STREAM` fetches them";
        return Err(UserError::new(ExitCode::TargetNotFound, message).hint(Some(hint.to_owned())));
    }
    let (mut text, mut damaged, mut partial) = (String::new(), 0, 0);
    for segment in &installed {
        let checked = match &segment.meta {
            Ok(_) => match global.store.segment(&segment.stream) {
                Ok(Some(opened)) => opened.verify().map_err(|error| error.to_string()),
                Ok(None) => Err("it vanished while it was being checked".to_owned()),
                Err(error) => Err(error.to_string()),
            },
            Err(error) => Err(error.to_string()),
        };
        let incomplete = segment.meta.as_ref().ok().and_then(|meta| meta.incomplete.as_ref());
        let verdict = match (checked, incomplete) {
            (Ok(()), None) => "whole".to_owned(),
            (Ok(()), Some(why)) => {
                partial += 1;
                format!("sound, made of data that is not whole: {why}")
            }
            (Err(why), _) => {
                damaged += 1;
                format!("damaged: {why}")
            }
        };
        writeln!(text, "{}: {}", segment.stream, document::printable(&verdict))
            .expect("writing to a String cannot fail");
    }
    let parts = if partial > 0 { format!(", {partial} not whole") } else { String::new() };
    writeln!(text, "{}, {damaged} damaged{parts}", count(installed.len() as u64, "segment"))
        .expect("writing to a String cannot fail");
    output::write(None, &text)?;
    Ok(match (damaged, partial) {
        (0, 0) => ExitCode::Done,
        (0, _) => ExitCode::Incomplete,
        _ => ExitCode::GateReached,
    })
}
