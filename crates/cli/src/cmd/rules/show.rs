//! `lazaret rules show`: all there is to know of one rule.

use std::path::PathBuf;

use clap::Args;
use detect::{Rule, Source};
use document::printable;

use super::load;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// Its name, in any case, or a part of it that no other rule's name has
    rule: String,
    /// Rule files, or folders of them [default: the rules that come with lazaret]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
}

pub(crate) fn run(arguments: &ShowArguments) -> Result<ExitCode, UserError> {
    let (ruleset, code) = load::rules(&arguments.paths)?;
    let wanted = arguments.rule.to_lowercase();
    let rules = ruleset.rules();
    let named: Vec<&Rule> = rules
        .iter()
        .map(|rule| &**rule)
        .filter(|rule| rule.name.to_lowercase() == wanted)
        .collect();
    let similar = || {
        rules.iter().map(|rule| &**rule).filter(|rule| rule.name.to_lowercase().contains(&wanted))
    };
    let found: Vec<&Rule> = if named.is_empty() { similar().collect() } else { named };
    let [rule] = found.as_slice() else {
        /// Enough to find the one that was meant.
        const NAMED: usize = 10;
        let names: Vec<String> =
            found.iter().take(NAMED).map(|rule| format!("`{}`", rule.name)).collect();
        let (message, hint) = match found.len() {
            0 => (
                format!("there is no rule `{}`", arguments.rule),
                "`lazaret rules list` lists them".to_owned(),
            ),
            count => (
                format!("{count} rules have `{}` in their names", arguments.rule),
                names.join(", "),
            ),
        };
        return Err(UserError::new(ExitCode::TargetNotFound, message).hint(Some(hint)));
    };
    output::write(None, &said(rule))?;
    Ok(code)
}

fn said(rule: &Rule) -> String {
    let mut text = String::new();
    let mut line = |name: &str, said: &str| {
        if !said.is_empty() {
            for (number, part) in said.lines().enumerate() {
                let name = if number == 0 { name } else { "" };
                text.push_str(format!("{name:13}{}", printable(part)).trim_end());
                text.push('\n');
            }
        }
    };
    line("rule:", &rule.name);
    line("priority:", rule.priority.name());
    line("source:", rule.source.name());
    line("enabled:", if rule.enabled { "yes" } else { "no" });
    line("defined:", &rule.place.to_string());
    line("finds:", rule.description.trim());
    let (attack, tags): (Vec<&String>, Vec<&String>) =
        rule.tags.iter().partition(|tag| is_of_attack(tag));
    line(
        "ATT&CK:",
        &attack
            .into_iter()
            .map(|tag| tag.trim_start_matches("mitre_").replace('_', " "))
            .collect::<Vec<_>>()
            .join(", "),
    );
    line("tags:", &tags.into_iter().map(String::as_str).collect::<Vec<_>>().join(", "));
    if rule.source == Source::Syscall {
        let calls = rule.calls();
        let names: Vec<&str> = calls.iter().map(|call| call.name()).collect();
        line(
            "asked of:",
            &if names.is_empty() {
                "no event: it can never fire here".to_owned()
            } else {
                names.join(", ")
            },
        );
    }
    line("fields:", &rule.fields().join(", "));
    line("written:", rule.text.trim());
    line("means:", &rule.expanded());
    line("tells:", rule.output());
    text
}

/// Tactics and techniques stand among the tags: `mitre_execution`, `T1059.004`.
fn is_of_attack(tag: &str) -> bool {
    let number = tag.strip_prefix("TA").or_else(|| tag.strip_prefix('T'));
    let is_number =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    tag.starts_with("mitre_") || number.is_some_and(is_number)
}
