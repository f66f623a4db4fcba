//! `lazaret policy test`: a policy's own cases.

use std::path::PathBuf;

use clap::Args;
use document::printable;

use crate::cmd::judgement;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct TestArguments {
    /// The policy
    file: PathBuf,
}

pub(crate) fn run(arguments: &TestArguments) -> Result<ExitCode, UserError> {
    let results = judgement::load(&arguments.file)?.test();
    if results.is_empty() {
        let message = format!("`{}` has no tests", arguments.file.display());
        return Err(
            UserError::new(ExitCode::Usage, message).hint(Some("cases stand under `tests:`"))
        );
    }
    let mut text = String::new();
    for result in &results {
        let word = if result.wrong.is_empty() { "ok" } else { "failed" };
        text.extend([word, "  ", &printable(&result.name), "\n"]);
        for wrong in &result.wrong {
            text.extend(["  ", &printable(wrong), "\n"]);
        }
    }
    let failed = results.iter().filter(|result| !result.wrong.is_empty()).count();
    let passed = results.len() - failed;
    output::write(None, &format!("{text}{passed} passed, {failed} failed\n"))?;
    Ok(if failed == 0 { ExitCode::Done } else { ExitCode::GateReached })
}
