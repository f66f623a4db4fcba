//! `lazaret policy facts`: what the conditions of a policy can ask.

use clap::Args;
use policy::FactDescription;

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
    let wanted = |fact: &&FactDescription| {
        arguments.of.as_deref().is_none_or(|name| name == fact.of || name == fact.called)
    };
    let lines: String = all
        .iter()
        .filter(wanted)
        .map(|fact| format!("{}.{}: {} ({})\n", fact.called, fact.name, fact.about, fact.kind))
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
