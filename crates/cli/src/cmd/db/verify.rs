//! `lazaret db verify`: every byte of every segment, checked.

use std::fmt::Write as _;

use crate::cmd::global::Global;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;
use crate::quantity::count;

pub(crate) fn run(global: &Global) -> Result<ExitCode, UserError> {
    let installed =
        global.store.list().map_err(|error| UserError::from_chain(ExitCode::Failed, &error))?;
    let (mut text, mut damaged) = (String::new(), 0);
    for segment in &installed {
        let checked = match &segment.meta {
            Ok(_) => match global.store.segment(&segment.stream) {
                Ok(Some(opened)) => opened.verify().map_err(|error| error.to_string()),
                Ok(None) => Err("it vanished while it was being checked".to_owned()),
                Err(error) => Err(error.to_string()),
            },
            Err(error) => Err(error.to_string()),
        };
        let verdict = match checked {
            Ok(()) => "whole".to_owned(),
            Err(why) => {
                damaged += 1;
                format!("damaged: {why}")
            }
        };
        writeln!(text, "{}: {}", segment.stream, document::printable(&verdict))
            .expect("writing to a String cannot fail");
    }
    writeln!(text, "{}, {damaged} damaged", count(installed.len() as u64, "segment"))
        .expect("writing to a String cannot fail");
    output::write(None, &text)?;
    Ok(if damaged == 0 { ExitCode::Done } else { ExitCode::GateReached })
}
