//! `lazaret guard policy`: work with policies of the guard, without a guard.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use detect::{Source, json_line, printable};
use jiff::civil::Date;
use serde_json::Value;

use super::judge;
use crate::cmd::global::Global;
use crate::cmd::rules;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;
use crate::quantity::count;

/// The longest alert that is read: its process may have 8 000 bytes of arguments, and each of its 32
/// ancestors too, which JSON may spell six bytes a byte.
const ALERT_BYTES_MAX: u64 = 4 << 20;

/// A policy with more entries that allow is refused.
const ENTRIES_MAX: usize = 5_000;

#[derive(Debug, Args)]
pub(super) struct PolicyArguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Check a policy: every mistake with its line and column, names of rules among them.
    Check(CheckArguments),
    /// Make entries that allow from alerts (of `--to json@…`): the narrowest that cover them.
    Allow(AllowArguments),
}

#[derive(Debug, Args)]
struct CheckArguments {
    /// The policy
    file: PathBuf,
    /// Rule files, or folders of them, that it speaks of (repeatable) [default: the rules that come
    /// with lazaret]
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
}

#[derive(Debug, Args)]
struct AllowArguments {
    /// Alerts as JSON, one a line
    file: PathBuf,
    /// Who answers for it
    #[arg(long)]
    owner: String,
    /// Why it is allowed
    #[arg(long)]
    reason: String,
    /// The last day on which it counts
    #[arg(long, value_name = "YYYY-MM-DD")]
    expires: Option<Date>,
    /// Only alerts of this rule (repeatable)
    #[arg(long, value_name = "RULE")]
    rule: Vec<String>,
}

pub(super) fn run(arguments: &PolicyArguments, global: &Global) -> Result<ExitCode, UserError> {
    match &arguments.verb {
        Verb::Check(arguments) => check(arguments, global),
        Verb::Allow(arguments) => allow(arguments),
    }
}

fn check(arguments: &CheckArguments, global: &Global) -> Result<ExitCode, UserError> {
    let policy = judge::load(&arguments.file)?;
    let watching =
        rules::to_use(&arguments.rules, Source::Syscall, Some((&arguments.file, policy.clone())))?;
    let (rules, allowed, preventions) = policy.counts();
    policy.notes(global.today).iter().for_each(|note| output::note(note));
    let enabled = watching.ruleset.rules().iter().filter(|rule| rule.enabled).count();
    let rules = format!("{rules} about rules");
    let text = format!(
        "well-formed: {rules}, {allowed} that allow, {}; {} to watch with\n",
        count(preventions, "prevention"),
        count(enabled, "rule"),
    );
    output::write(None, &text)?;
    Ok(watching.code)
}

fn allow(arguments: &AllowArguments) -> Result<ExitCode, UserError> {
    let AllowArguments { file, owner, reason, expires, rule } = arguments;
    let mut entries: BTreeSet<String> = BTreeSet::new();
    let (mut broken, mut wide, mut left) = (0, 0, 0);
    each_line(file, &mut |line| {
        let Some(mut alert) = line.and_then(|line| serde_json::from_slice::<Value>(line).ok())
        else {
            broken += 1;
            return;
        };
        let is_wanted = rule.is_empty() || rule.iter().any(|name| alert["rule"] == name.as_str());
        let mut entry = alert["allow"].take();
        if !is_wanted {
            return;
        }
        if !entry.is_object() {
            wide += 1;
            return;
        }
        entry["owner"] = owner.as_str().into();
        entry["reason"] = reason.as_str().into();
        if let Some(last) = expires {
            entry["expires"] = last.to_string().into();
        }
        let entry = format!("  - {}\n", json_line(&entry));
        if entries.len() < ENTRIES_MAX || entries.contains(&entry) {
            entries.insert(entry);
        } else {
            left += 1;
        }
    })?;
    if left > 0 {
        let alerts = count(left, "alert");
        output::note(&format!("{alerts} left out: a policy has {ENTRIES_MAX} entries at most"));
    }
    if broken > 0 {
        output::note(&format!("{} of `{}` cannot be read", count(broken, "line"), file.display()));
    }
    if wide > 0 {
        let alerts = count(wide, "alert");
        output::note(&format!("{alerts} can be covered by no entry that is narrow enough"));
    }
    if entries.is_empty() {
        let message = format!("`{}` holds no alert that an entry could be made of", file.display());
        return Err(UserError::new(ExitCode::TargetNotFound, message));
    }
    let text: String = entries.into_iter().collect();
    output::write(None, &printable_lines(&format!("allow:\n{text}")))?;
    Ok(if broken + wide + left == 0 { ExitCode::Done } else { ExitCode::Incomplete })
}

/// What is in JSON has no control characters; what is of the file alone could.
fn printable_lines(text: &str) -> String {
    text.lines().map(|line| printable(line).into_owned() + "\n").collect()
}

/// The lines of a file; none for one that is too long.
fn each_line(path: &Path, each: &mut dyn FnMut(Option<&[u8]>)) -> Result<(), UserError> {
    let failed = |error: std::io::Error| {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => ExitCode::TargetNotFound,
            _ => ExitCode::Failed,
        };
        UserError::new(code, format!("cannot read `{}`: {error}", path.display()))
    };
    let mut file = BufReader::new(std::fs::File::open(path).map_err(failed)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = file.by_ref().take(ALERT_BYTES_MAX).read_until(b'\n', &mut line);
        if read.map_err(failed)? == 0 {
            return Ok(());
        }
        let is_whole = line.len() as u64 != ALERT_BYTES_MAX || line.ends_with(b"\n");
        each(Some(line.as_slice()).filter(|_| is_whole));
    }
}
