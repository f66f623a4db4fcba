//! `lazaret rules list`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use detect::{Priority, Rule, Source, printable};
use serde_json::json;

use super::load::{self, Usable};
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Rule files, or folders of them [default: the rules that come with lazaret]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    filter: Filter,
    /// How to write the list
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line a rule
    #[default]
    Table,
    /// An array of objects
    Json,
}

/// Which rules.
#[derive(Debug, Default, Args)]
pub(super) struct Filter {
    /// Only rules about events of this source: syscall, k8s_audit
    #[arg(long, value_parser = parse_source)]
    source: Option<Source>,
    /// Only rules at least as urgent as this: emergency, alert, critical, error, warning, notice,
    /// informational, debug
    #[arg(long, value_parser = parse_priority)]
    priority: Option<Priority>,
    /// Only rules with this tag (repeatable: with any of them)
    #[arg(long)]
    tag: Vec<String>,
}

impl Filter {
    pub(super) fn takes(&self, rule: &Rule) -> bool {
        self.source.is_none_or(|source| rule.source == source)
            && self.priority.is_none_or(|least| rule.priority <= least)
            && (self.tag.is_empty() || self.tag.iter().any(|tag| rule.tags.contains(tag)))
    }
}

pub(crate) fn run(arguments: &ListArguments) -> Result<ExitCode, UserError> {
    let Usable { mut ruleset, code, .. } = load::rules(&arguments.paths)?;
    ruleset.retain(|rule| arguments.filter.takes(rule));
    let text = match arguments.format {
        Format::Table => table(ruleset.rules()),
        Format::Json => {
            let rules: Vec<serde_json::Value> =
                ruleset.rules().iter().map(|it| object(it)).collect();
            format!("{:#}\n", serde_json::Value::from(rules))
        }
    };
    output::write(None, &text)?;
    Ok(code)
}

fn table(rules: &[Arc<Rule>]) -> String {
    let width =
        |of: fn(&Rule) -> usize| rules.iter().map(|rule| of(rule)).max().unwrap_or_default();
    let priorities = width(|rule| rule.priority.name().len());
    let sources = width(|rule| rule.source.name().len());
    let line = |rule: &Arc<Rule>| {
        let (priority, source) = (rule.priority.name(), rule.source.name());
        let off = if rule.enabled { "" } else { " (disabled)" };
        let tags = if rule.tags.is_empty() {
            String::new()
        } else {
            format!("  [{}]", rule.tags.join(", "))
        };
        let line = format!("{priority:priorities$}  {source:sources$}  {}{off}{tags}", rule.name);
        format!("{}\n", printable(&line))
    };
    rules.iter().map(line).collect()
}

/// A rule as documents have it.
pub(super) fn object(rule: &Rule) -> serde_json::Value {
    json!({
        "name": rule.name,
        "title": rule.title,
        "description": rule.description,
        "priority": rule.priority.name(),
        "source": rule.source.name(),
        "tags": rule.tags,
        "attack": rule.attack,
        "enabled": rule.enabled,
        "file": rule.place.file,
        "line": rule.place.line,
    })
}

fn parse_source(text: &str) -> Result<Source, String> {
    let names: Vec<&str> = Source::ALL.iter().map(|source| source.name()).collect();
    Source::of_name(text).ok_or_else(|| format!("there are {}", names.join(", ")))
}

pub(super) fn parse_priority(text: &str) -> Result<Priority, String> {
    let names: Vec<&str> = Priority::ALL.iter().map(|priority| priority.name()).collect();
    Priority::of_name(text).ok_or_else(|| format!("there are {}", names.join(", ").to_lowercase()))
}
