//! `lazaret policy facts`: what the conditions of a policy can ask.

use clap::Args;

use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct FactsArguments {
    /// Only those of this thing: finding, secret, malware, misconfiguration, package, problem, image
    of: Option<String>,
}

pub(crate) fn run(arguments: &FactsArguments) -> Result<ExitCode, UserError> {
    let all = policy::facts();
    let wanted = |of: &str| arguments.of.as_deref().is_none_or(|name| name == of);
    let chosen = all.iter().filter(|fact| wanted(fact.of));
    let lines: String = chosen
        .map(|fact| format!("{}.{}: {} ({})\n", fact.of, fact.name, fact.about, fact.kind))
        .collect();
    if lines.is_empty() {
        let message = "nothing of this name has facts".to_owned();
        let mut names: Vec<&str> = all.iter().map(|fact| fact.of).collect();
        names.dedup();
        let hint = format!("there are {}", names.join(", "));
        return Err(UserError::new(ExitCode::Usage, message).hint(Some(hint)));
    }
    output::write(None, &lines)?;
    Ok(ExitCode::Done)
}
