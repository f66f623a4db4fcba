//! `lazaret rules test`: recordings that rules must fire on, and that they must not.
//!
//! A rule of our own form names its recordings; for files in Falco's form, cases stand in TOML
//! beside them. `docs/rules.md` describes both.

mod engines;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use clap::Args;
use detect::{Detection, Engine, Level, Rule, Ruleset, printable};
use serde::Deserialize;
use serde_json::json;

use self::engines::Engines;
use super::ListArguments;
use super::load::{self, Content, Loaded};
use super::replay::{self, Each, Origin, Replayed};
use crate::cmd::global::Global;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct TestArguments {
    /// Rule files, or folders of them, with their tests beside them [default: the rules that come
    /// with lazaret]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    lists: ListArguments,
    /// Fail if a rule has no case that fires it or none that must not
    #[arg(long)]
    all: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

/// Something that happened, and what rules have to make of it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// A file, from where the cases stand.
    recording: Option<PathBuf>,
    /// Or audit records themselves.
    records: Option<String>,
    /// Lists that rules are given, instead of those of the command line; from where the cases stand.
    block_list: Option<PathBuf>,
    allow_list: Option<PathBuf>,
    /// Rules that must fire.
    #[serde(default)]
    fires: BTreeSet<String>,
    /// Rules that must not.
    #[serde(default)]
    silent: BTreeSet<String>,
}

pub(crate) fn run(arguments: &TestArguments, global: &Global) -> Result<ExitCode, UserError> {
    let mut content = Content::read(&arguments.paths)?;
    let ruleset = all_enabled(&mut content.rules)?;
    let mut engines = Engines::new(&ruleset, arguments.lists.clone(), global.calendar.now());
    let mut text = String::new();
    let (mut passed, mut failed) = (0_usize, 0_usize);
    let mut tested = Tested::default();
    let mut all = fixtures(&content.rules, &ruleset);
    for file in &content.tests {
        all.extend(cases(file, &ruleset)?.into_iter().map(|case| (file, case)));
    }
    for (file, case) in all {
        let wrong = judge(engines.of(file, &case)?, file, &case)?;
        let word = if wrong.is_empty() { "ok" } else { "failed" };
        text.extend([word, "  ", &*printable(&case.name), "\n"]);
        for wrong in &wrong {
            text.extend(["  ", &*printable(wrong), "\n"]);
        }
        *if wrong.is_empty() { &mut passed } else { &mut failed } += 1;
        tested.fires.extend(case.fires);
        tested.silent.extend(case.silent);
    }
    if passed + failed == 0 && !arguments.all {
        let message = "there are no tests beside these rules";
        let hint = "a rule names them under `fixtures`; see docs/rules.md";
        return Err(UserError::new(ExitCode::Usage, message).hint(Some(hint)));
    }
    let untested = tested.missing(&ruleset);
    for line in untested.iter().filter(|_| arguments.all) {
        text.extend(["untested  ", &*printable(line), "\n"]);
    }
    output::write(None, &format!("{text}{passed} passed, {failed} failed\n"))?;
    let good = failed == 0 && (untested.is_empty() || !arguments.all);
    Ok(if good { ExitCode::Done } else { ExitCode::GateReached })
}

/// The rules, those that are disabled too: a test says what one would do.
fn all_enabled(files: &mut Vec<Loaded>) -> Result<Ruleset, UserError> {
    let (ruleset, diagnostics) = load::of(files);
    let errors: Vec<_> = diagnostics.iter().filter(|it| it.level == Level::Error).collect();
    for error in &errors {
        output::note(&error.to_string());
    }
    if !errors.is_empty() {
        return Err(UserError::new(ExitCode::Usage, "rules with mistakes are not tested"));
    }
    let disabled = ruleset.rules().iter().filter(|rule| !rule.enabled);
    let enabled = disabled.map(
        |rule| json!({ "rule": rule.name, "enabled": true, "override": { "enabled": "replace" } }),
    );
    let enabled: Vec<serde_json::Value> = enabled.collect();
    if enabled.is_empty() {
        return Ok(ruleset);
    }
    // JSON is YAML, and a later file may change what earlier ones define.
    let bytes = serde_json::Value::from(enabled).to_string().into_bytes();
    files.push(Loaded { name: "tests".to_owned(), path: None, bytes });
    Ok(load::of(files).0)
}

/// What rules of our own form show of themselves.
fn fixtures<'f>(files: &'f [Loaded], ruleset: &Ruleset) -> Vec<(&'f Loaded, Case)> {
    let mut cases = Vec::new();
    for rule in ruleset.rules() {
        let Some(file) = files.iter().find(|file| file.name == rule.place.file) else { continue };
        let name = || BTreeSet::from([rule.name.clone()]);
        for recording in &rule.fixtures.fires {
            let case = Case { fires: name(), ..Case::of(rule, recording) };
            cases.push((file, case));
        }
        for recording in &rule.fixtures.silent {
            let case = Case { silent: name(), ..Case::of(rule, recording) };
            cases.push((file, case));
        }
    }
    cases
}

impl Case {
    fn of(rule: &Rule, recording: &str) -> Self {
        let name = format!("{}: {recording}", rule.name);
        let path = |path: &Option<String>| path.as_ref().map(PathBuf::from);
        let (block_list, allow_list) =
            (path(&rule.fixtures.block_list), path(&rule.fixtures.allow_list));
        Self { name, recording: Some(recording.into()), block_list, allow_list, ..Self::default() }
    }
}

/// The cases of a file, which speak of rules that there are.
fn cases(file: &Loaded, ruleset: &Ruleset) -> Result<Vec<Case>, UserError> {
    let mistake = |message: String| UserError::new(ExitCode::Usage, message);
    let text = std::str::from_utf8(&file.bytes);
    let text = text.map_err(|_why| mistake(format!("`{}` is not UTF-8", file.name)))?;
    let cases: Cases = toml::from_str(text)
        .map_err(|error| mistake(format!("`{}` is no list of cases: {error}", file.name)))?;
    for case in &cases.case {
        let of_case = format!("the case `{}` of `{}`", case.name, file.name);
        if case.fires.is_empty() && case.silent.is_empty() {
            let hint = Some("`fires` and `silent` list rules");
            return Err(mistake(format!("{of_case} expects nothing")).hint(hint));
        }
        if case.recording.is_some() == case.records.is_some() {
            let message = format!("{of_case} needs either `recording` or `records`");
            return Err(mistake(message));
        }
        let named = case.fires.iter().chain(&case.silent);
        let is_there = |name: &&String| ruleset.rules().iter().any(|rule| rule.name == **name);
        if let Some(name) = named.into_iter().find(|name| !is_there(name)) {
            return Err(mistake(format!("{of_case} speaks of `{name}`, and no rule is called so")));
        }
    }
    Ok(cases.case)
}

/// What is wrong with what the rules make of it.
fn judge(engine: &Engine, file: &Loaded, case: &Case) -> Result<Vec<String>, UserError> {
    let mut fired: BTreeMap<String, u64> = BTreeMap::new();
    let mut count = |_: Origin<'_>, detection: Detection| {
        *fired.entry(detection.rule.name.clone()).or_default() += 1;
    };
    let replayed = match (&case.records, &case.recording) {
        (Some(records), _) => replay::records(engine, records.as_bytes(), &mut count),
        (None, Some(path)) => recorded(engine, file, path, &mut count)?,
        (None, None) => Replayed::default(),
    };
    let mut wrong = replayed.problems;
    if replayed.events == 0 && wrong.is_empty() {
        wrong.push("it holds no event".to_owned());
    }
    for rule in &case.fires {
        if !fired.contains_key(rule) {
            wrong.push(format!("`{rule}` does not fire"));
        }
    }
    for rule in &case.silent {
        if let Some(count) = fired.get(rule) {
            let times = if *count == 1 { "once".to_owned() } else { format!("{count} times") };
            wrong.push(format!("`{rule}` fires {times}"));
        }
    }
    Ok(wrong)
}

fn recorded(
    engine: &Engine,
    file: &Loaded,
    path: &Path,
    count: Each<'_>,
) -> Result<Replayed, UserError> {
    match beside(file, path)? {
        Place::Disk(path) => replay::replay(engine, &path, count),
        Place::Own(bytes) => Ok(replay::replay_bytes(engine, &bytes, count)),
    }
}

/// What a case names.
enum Place {
    Disk(PathBuf),
    Own(Vec<u8>),
}

/// Where it is, beside the file that names it or below.
fn beside(file: &Loaded, path: &Path) -> Result<Place, UserError> {
    if !path.components().all(|part| matches!(part, Component::Normal(_))) {
        let message = format!("`{}` of `{}` leaves its folder", path.display(), file.name);
        return Err(UserError::new(ExitCode::Usage, message));
    }
    Ok(match &file.path {
        Some(beside) => Place::Disk(beside.with_file_name("").join(path)),
        None => Place::Own(load::own(&file.name, path)?),
    })
}

/// The rules that cases speak of.
#[derive(Default)]
struct Tested {
    fires: BTreeSet<String>,
    silent: BTreeSet<String>,
}

impl Tested {
    /// What no case says of a rule.
    fn missing(&self, ruleset: &Ruleset) -> Vec<String> {
        let mut missing = Vec::new();
        for rule in ruleset.rules() {
            if !self.fires.contains(&rule.name) {
                missing.push(format!("`{}`: nothing fires it", rule.name));
            }
            if !self.silent.contains(&rule.name) {
                missing.push(format!("`{}`: nothing is said not to fire it", rule.name));
            }
        }
        missing
    }
}
