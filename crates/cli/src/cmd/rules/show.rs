//! `lazaret rules show`: all there is to know of one rule.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use detect::{Rule, Source, printable};

use super::load::{self, Usable};
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
    let Usable { ruleset, doubts, code } = load::rules(&arguments.paths)?;
    let rule = find(ruleset.rules(), &arguments.rule)?;
    let doubts = doubts.iter().filter(|doubt| doubt.subject == rule.name);
    let doubts: Vec<&str> = doubts.map(|doubt| doubt.message.as_str()).collect();
    output::write(None, &said(rule, &doubts))?;
    Ok(code)
}

/// The rule of a name, or the only one that has the text in its name.
fn find<'r>(rules: &'r [Arc<Rule>], name: &str) -> Result<&'r Rule, UserError> {
    /// Enough to find the one that was meant.
    const NAMED: usize = 10;
    let wanted = name.to_lowercase();
    let of = |is: fn(&str, &str) -> bool| {
        let rules = rules.iter().filter(|rule| is(&rule.name.to_lowercase(), &wanted));
        rules.map(|rule| &**rule).collect::<Vec<&Rule>>()
    };
    let mut found = of(|name, wanted| name == wanted);
    if found.is_empty() {
        found = of(|name, wanted| name.contains(wanted));
    }
    let (message, hint) = match found.as_slice() {
        [rule] => return Ok(rule),
        [] => (format!("there is no rule `{name}`"), "`lazaret rules list` has them".to_owned()),
        several => {
            let names = several.iter().take(NAMED).map(|rule| format!("`{}`", rule.name));
            let names: Vec<String> = names.collect();
            (format!("{} rules are called so: `{name}`", several.len()), names.join(", "))
        }
    };
    Err(UserError::new(ExitCode::TargetNotFound, message).hint(Some(hint)))
}

fn said(rule: &Rule, doubts: &[&str]) -> String {
    let mut text = String::new();
    let mut line = |name: &str, said: &str| {
        for (number, part) in said.trim().lines().enumerate() {
            let name = if number == 0 { name } else { "" };
            text.push_str(format!("{name:13}{}", printable(part)).trim_end());
            text.push('\n');
        }
    };
    line("rule:", &rule.name);
    line("title:", if rule.title == rule.name { "" } else { &rule.title });
    line("priority:", rule.priority.name());
    line("source:", rule.source.name());
    line("enabled:", if rule.enabled { "yes" } else { "no" });
    line("defined:", &rule.place.to_string());
    line("finds:", &rule.description);
    // Of a rule in Falco's form, they stand among its tags.
    let (tactics, tags): (Vec<&str>, Vec<&str>) = rule
        .tags
        .iter()
        .map(String::as_str)
        .filter(|tag| !rule.attack.iter().any(|technique| technique == tag))
        .partition(|tag| tag.starts_with("mitre_"));
    let techniques = rule.attack.iter().map(String::as_str);
    let attack: Vec<&str> = techniques.chain(tactics).collect();
    line("ATT&CK:", &attack.join(", ").replace("mitre_", "").replace('_', " "));
    line("tags:", &tags.join(", "));
    line("fires on:", &rule.fixtures.fires.join(", "));
    line("silent on:", &rule.fixtures.silent.join(", "));
    if rule.source == Source::Syscall {
        let calls: Vec<&str> = rule.calls().iter().map(|call| call.name()).collect();
        line("asked of:", if calls.is_empty() { "no event" } else { "" });
        line("asked of:", &calls.join(", "));
    }
    line("doubts:", &doubts.join("\n"));
    line("fields:", &rule.fields().join(", "));
    line("written:", &rule.text);
    line("means:", &rule.expanded());
    line("tells:", rule.output());
    text
}
