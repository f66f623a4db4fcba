//! `lazaret rules replay`: rules over what happened before. Needs no privileges and no sensor.

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use detect::recording::{HEADER, Reader};
use detect::{Detection, Engine, Relays, audit, json_line, printable};
use policy::guard::{Excuse, Moment, Subject, Verdict};
use serde_json::json;

use super::ListArguments;
use super::list::Filter;
use super::load::{self, Usable};
use crate::cmd::global::Global;
use crate::cmd::guard::{self, Judge};
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::{output, quantity};

#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    /// A recording (`events.lzr`), or audit records of Kubernetes as JSON
    file: PathBuf,
    /// Rule files, or folders of them (repeatable) [default: the rules that come with lazaret]
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    /// Say what this policy of the guard would make of what rules tell
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    lists: ListArguments,
    #[command(flatten)]
    filter: Filter,
    /// How to write what rules tell
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line an alert
    #[default]
    Human,
    /// An object a line
    Json,
    /// An object a line, in the shape that Falco's have
    FalcoJson,
}

/// A log of audit records is rotated at 100 MiB unless an API server is told otherwise.
const AUDIT_BYTES_MAX: u64 = 512 << 20;

/// What is told of a recording has no host of its own.
const HOSTNAME: &str = "recording";

/// What a detection is of.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) number: u64,
    pub(super) subject: Subject<'a>,
}

/// Takes what rules tell.
pub(super) type Each<'a> = &'a mut dyn FnMut(Origin<'_>, Detection);

/// What was held against rules, and what could not be.
#[derive(Default)]
pub(super) struct Replayed {
    pub(super) events: u64,
    pub(super) problems: Vec<String>,
    /// More problems than are kept.
    pub(super) unsaid: u64,
}

/// Problems of one file that are said; a damaged log may have one a line.
const PROBLEMS_MAX: usize = 20;

impl Replayed {
    fn problem(&mut self, problem: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        } else {
            self.unsaid += 1;
        }
    }
}

pub(crate) fn run(arguments: &ReplayArguments, global: &Global) -> Result<ExitCode, UserError> {
    let Usable { mut ruleset, code, .. } = load::rules(&arguments.rules)?;
    let judge = match arguments.policy.as_deref() {
        Some(path) => Judge::new(path, guard::load_policy(path)?, &mut ruleset)?,
        None => Judge::default(),
    };
    ruleset.retain(|rule| arguments.filter.takes(rule));
    let lists = arguments.lists.read(global.calendar.now())?;
    lists.tell(global.is_quiet());
    let code = lists.code(code);
    let engine = Engine::with_lists(&ruleset, lists.lists);
    let mut out = Out { format: arguments.format, text: String::new(), alerts: 0, untold: 0 };
    let mut written = Ok(());
    // What would be done is the question.
    let moment = Moment { today: global.today, enforce: true };
    let replayed = replay(&engine, &arguments.file, &mut |from, mut detection| {
        let verdict = judge.judge(&mut detection, from.subject, moment);
        if written.is_ok() {
            written = out.detection(from, &detection, verdict.as_ref());
        }
    })?;
    written?;
    output::write(None, &out.text)?;
    for problem in &replayed.problems {
        output::note(&format!("`{}`: {problem}", arguments.file.display()));
    }
    if replayed.unsaid > 0 {
        output::note(&format!("and {} more problems", replayed.unsaid));
    }
    if replayed.events == 0 && !replayed.problems.is_empty() {
        let message = format!("`{}` holds no event that can be read", arguments.file.display());
        return Err(UserError::new(ExitCode::Damaged, message));
    }
    if !global.is_quiet() {
        let events = quantity::count(replayed.events, "event");
        let alerts = quantity::count(out.alerts, "alert");
        let untold = match out.untold {
            0 => String::new(),
            count => format!(", {count} not told, as the policy says"),
        };
        output::note(&format!("{events}, {alerts}{untold}"));
    }
    let complete = replayed.problems.is_empty();
    Ok(if code == ExitCode::Done && !complete { ExitCode::Incomplete } else { code })
}

/// Holds the rules against a file; `each` is given what they tell.
pub(super) fn replay(engine: &Engine, path: &Path, each: Each<'_>) -> Result<Replayed, UserError> {
    let failed = |error: std::io::Error| load::unreadable(path, &error);
    let mut file = File::open(path).map_err(failed)?;
    let mut beginning = Vec::new();
    file.by_ref().take(HEADER.len() as u64).read_to_end(&mut beginning).map_err(failed)?;
    let is_recording = is_recording(&beginning);
    // What was read is not read again: a pipe has it once.
    let whole = Cursor::new(beginning).chain(file);
    Ok(match is_recording {
        true => recording(engine, BufReader::new(whole), each),
        false => records(engine, &load::read_from(path, whole, AUDIT_BYTES_MAX)?, each),
    })
}

/// The same of what is in memory.
pub(super) fn replay_bytes(engine: &Engine, bytes: &[u8], each: Each<'_>) -> Replayed {
    if is_recording(bytes) { recording(engine, bytes, each) } else { records(engine, bytes, each) }
}

/// All versions begin alike, and the beginning of that is a recording that was cut off.
fn is_recording(bytes: &[u8]) -> bool {
    let magic = HEADER.split_last().map_or(&[] as &[u8], |(_version, magic)| magic);
    !bytes.is_empty() && (bytes.starts_with(magic) || magic.starts_with(bytes))
}

fn recording(engine: &Engine, source: impl Read, each: Each<'_>) -> Replayed {
    let (mut replayed, mut relays) = (Replayed::default(), Relays::default());
    let reader = match Reader::new(source) {
        Ok(reader) => reader,
        Err(error) => {
            replayed.problem(with_cause(&error));
            return replayed;
        }
    };
    for event in reader {
        match event {
            Ok(event) => {
                replayed.events += 1;
                for event in [Some(&event), relays.follow(&event).as_ref()].into_iter().flatten() {
                    let from = Origin { number: event.number, subject: Subject::Event(event) };
                    engine.judge(event).into_iter().for_each(|it| each(from, it));
                }
            }
            Err(error) => replayed.problem(with_cause(&error)),
        }
    }
    replayed
}

fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

pub(super) fn records(engine: &Engine, bytes: &[u8], each: Each<'_>) -> Replayed {
    let mut replayed = Replayed::default();
    audit::read(bytes, &mut |record| match record {
        Ok(record) => {
            replayed.events += 1;
            let request = guard::request(&record);
            let from = Origin { number: record.number, subject: Subject::Request(&request) };
            engine.judge_record(&record).into_iter().for_each(|it| each(from, it));
        }
        Err(problem) => replayed.problem(with_cause(&problem)),
    });
    replayed
}

/// What goes to stdout, some of it at a time.
struct Out {
    format: Format,
    text: String,
    alerts: u64,
    /// What the policy would not have told.
    untold: u64,
}

impl Out {
    fn detection(
        &mut self,
        from: Origin<'_>,
        detection: &Detection,
        verdict: Option<&Verdict>,
    ) -> Result<(), UserError> {
        const CHUNK: usize = 64 * 1024;
        let is_told = verdict.is_none_or(|verdict| verdict.told);
        *if is_told { &mut self.alerts } else { &mut self.untold } += 1;
        let lines = match self.format {
            Format::Human => {
                let mut lines = printable(&detection.line()).into_owned() + "\n";
                for said in verdict.map(guard::verdict_lines).unwrap_or_default() {
                    lines.extend(["  policy: ", &*printable(&said), "\n"]);
                }
                lines
            }
            Format::Json => {
                let mut object = object(from.number, detection);
                if let Some(verdict) = verdict {
                    object["verdict"] = guard::verdict_object(verdict);
                    let excuse = match from.subject {
                        Subject::Event(event) => Some(Excuse::of(&detection.rule.name, event)),
                        Subject::Request(_) => None,
                    };
                    object["allow"] = json!(excuse.flatten());
                }
                json_line(&object) + "\n"
            }
            Format::FalcoJson if !is_told => String::new(),
            Format::FalcoJson => json_line(&detection.json(HOSTNAME)) + "\n",
        };
        self.text.push_str(&lines);
        if self.text.len() >= CHUNK {
            output::write(None, &std::mem::take(&mut self.text))?;
        }
        Ok(())
    }
}

/// An alert, with everything that its rule names.
pub(crate) fn object(number: u64, detection: &Detection) -> serde_json::Value {
    let fields: serde_json::Map<String, serde_json::Value> =
        detection.fields.iter().cloned().collect();
    json!({
        "event": number,
        "time": detection.time,
        "rule": detection.rule.name,
        "priority": detection.rule.priority.name(),
        "source": detection.rule.source.name(),
        "tags": detection.rule.tags,
        "message": detection.message,
        "fields": fields,
    })
}
