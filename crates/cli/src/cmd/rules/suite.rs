//! `lazaret rules suite`: what suites say is done on this machine, and a guard that watches it has to
//! tell what they expect.
//!
//! Files are read whole before anything is done: with one mistake, nothing is.

mod trial;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::suite::{Case, Environment, FILE_BYTES_MAX, Stage};
use clap::Args;
use detect::{Engine, Level, Rule, Ruleset};
use sensor::kernel::Settings;
use serde_json::json;

use super::load::{self, Content, Loaded};
use crate::cmd::guard::{Live, runtimes};
use crate::environment;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::{interrupt, output};

#[derive(Debug, Args)]
pub(crate) struct SuiteArguments {
    /// A suite, or a folder of them, which are run in the order of their names
    #[arg(value_name = "DIR")]
    suites: PathBuf,
    /// Rule files, or folders of them (repeatable) [default: the rules that come with lazaret]
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    /// Of each file at most so many cases, from all parts of it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    sample: Option<u32>,
}

/// Records that all processes of the host together may give in a tenth of a second: whatever else
/// runs there must not use up what the cases need.
const BUDGET: u64 = 20_000;

/// The cases of a file.
struct Suite {
    name: String,
    cases: Vec<Case>,
}

pub(crate) fn run(arguments: &SuiteArguments) -> Result<ExitCode, UserError> {
    let mut suites = read(&arguments.suites)?;
    if let Some(count) = arguments.sample {
        for suite in &mut suites {
            sample(&mut suite.cases, usize::try_from(count).unwrap_or(usize::MAX));
        }
    }
    let ruleset = rules(&arguments.rules, &suites)?;
    let enabled: Vec<&Arc<Rule>> = ruleset.rules().iter().filter(|it| it.enabled).collect();
    let engine = Engine::new(&ruleset);
    let stop = interrupt::stop_on_signals(None)?;
    let settings = Settings { bulk_budget: BUDGET, ..Settings::new() };
    let live = Live::start(&enabled, BTreeSet::new(), settings)?;
    let places = runtimes();
    let stopped = || stop.is_stopped();
    let environment = Environment {
        temporary: std::env::temp_dir(),
        search_path: environment::search_path(),
        engines: [places.docker, places.podman].concat(),
        stopped: &stopped,
    };
    let cases: Vec<Case> = suites.iter().flat_map(|suite| suite.cases.clone()).collect();
    let stage = Stage::new(environment, &cases).map_err(|error| {
        UserError::new(ExitCode::Failed, format!("no folder for actors can be made: {error}"))
    })?;
    trial::hold(&suites, &cases, stage, &mut trial::Watch::new(live, engine)?, &stop)
}

/// At most so many, from all parts.
fn sample(cases: &mut Vec<Case>, count: usize) {
    let all = cases.len();
    let mut number = 0;
    cases.retain(|_| {
        let is_taken = number * count / all != (number + 1) * count / all;
        number += 1;
        is_taken || all <= count
    });
}

fn read(path: &Path) -> Result<Vec<Suite>, UserError> {
    let mut suites = Vec::new();
    let mut mistakes = 0;
    for file in files(path)? {
        let name = file.display().to_string();
        let bytes = load::read(&file, FILE_BYTES_MAX as u64)?;
        let (cases, found) = ::suite::read(&name, &bytes);
        mistakes += found.len();
        for mistake in found {
            output::note(&mistake.to_string());
        }
        suites.push(Suite { name, cases });
    }
    if mistakes > 0 {
        return Err(UserError::new(ExitCode::Usage, "suites with mistakes are not run"));
    }
    if suites.iter().all(|suite| suite.cases.is_empty()) {
        let message = format!("`{}` holds no suites", path.display());
        let hint = "they end in .yaml or .yml; see docs/rules.md";
        return Err(UserError::new(ExitCode::TargetNotFound, message).hint(Some(hint)));
    }
    Ok(suites)
}

/// The file, or those that a folder holds, in the order of their names.
fn files(path: &Path) -> Result<Vec<PathBuf>, UserError> {
    let failed = |error: std::io::Error| load::unreadable(path, &error);
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        let is_suite = file.extension().is_some_and(|it| it == "yaml" || it == "yml");
        if is_suite && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// The rules, with those enabled that cases speak of, which also tell every field that an outcome
/// names.
fn rules(paths: &[PathBuf], suites: &[Suite]) -> Result<Ruleset, UserError> {
    let mut content = Content::read(paths)?;
    let (ruleset, diagnostics) = content.rules();
    for error in diagnostics.iter().filter(|it| it.level == Level::Error) {
        output::note(&error.to_string());
    }
    let mistake = |message: String| UserError::new(ExitCode::Usage, message);
    let mut changes: Vec<serde_json::Value> = Vec::new();
    for case in suites.iter().flat_map(|suite| &suite.cases) {
        let Case { rule, place, name, .. } = case;
        if !ruleset.rules().iter().any(|it| it.name == *rule) {
            let message = format!("{place}: `{name}`: no rule is called `{rule}`");
            let hint = "name rule files with --rules PATH, Falco's among them";
            return Err(mistake(message).hint(Some(hint)));
        }
        let fields = case.outcome.fields.iter().map(|(field, _)| format!(" %{field}"));
        let change = json!({
            "rule": rule,
            "enabled": true,
            "output": format!(" {}", fields.collect::<String>()),
            "override": { "enabled": "replace", "output": "append" },
        });
        // Cases of one test say the same.
        if !changes.contains(&change) {
            changes.push(change);
        }
    }
    // JSON is YAML, and a later file may change what earlier ones define.
    const NAME: &str = "outcomes";
    let bytes = serde_json::Value::from(changes).to_string().into_bytes();
    content.rules.push(Loaded { name: NAME.to_owned(), path: None, bytes });
    let (ruleset, diagnostics) = content.rules();
    let wrong = diagnostics.iter().find(|it| it.level == Level::Error && it.place.file == NAME);
    match wrong {
        None => Ok(ruleset),
        Some(it) => {
            let message = format!("an outcome expected of `{}`: {}", it.subject, it.message);
            Err(mistake(message).hint(it.hint.clone()))
        }
    }
}
