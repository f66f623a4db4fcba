//! `lazaret respond list`.

use clap::{Args, ValueEnum};
use document::columns;
use jiff::Timestamp;
use respond::{Entry, Listing, Responder, Target};
use serde_json::json;

use super::refused;
use crate::cmd::global::Global;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Only what holds, or may hold, now
    #[arg(long)]
    open: bool,
    /// Form of the list
    #[arg(short, long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    /// A line a response
    #[default]
    Table,
    /// An array of objects
    Json,
}

pub(super) fn run(
    arguments: &ListArguments,
    responder: &Responder,
    global: &Global,
) -> Result<ExitCode, UserError> {
    let Listing { mut entries, damaged } = responder.list().map_err(|it| refused(&it))?;
    entries.retain(|entry| !arguments.open || entry.state.is_open());
    let text = match arguments.format {
        Format::Table => table(&entries, global.now),
        Format::Json => {
            let all: Vec<_> = entries.iter().map(|entry| object(entry, global.now)).collect();
            format!("{:#}\n", serde_json::Value::from(all))
        }
    };
    output::write(None, &text)?;
    if damaged == 0 {
        return Ok(ExitCode::Done);
    }
    output::note(&format!("{damaged} lines of the journal could not be read"));
    Ok(ExitCode::Incomplete)
}

fn table(entries: &[Entry], now: Timestamp) -> String {
    let head =
        ["ID", "RESPONSE", "TARGET", "STATE", "SINCE", "UNTIL", "WHO", "WHY"].map(str::to_owned);
    let row = |entry: &Entry| {
        let until = entry.until.map_or_else(|| "-".to_owned(), |until| until.to_string());
        let why = if entry.why.is_empty() { "-" } else { &entry.why };
        [
            entry.id.to_string(),
            entry.verb().to_owned(),
            entry.subject.clone(),
            state(entry, now).to_owned(),
            entry.time.to_string(),
            until,
            entry.who.clone(),
            why.to_owned(),
        ]
    };
    columns(&std::iter::once(head).chain(entries.iter().map(row)).collect::<Vec<_>>())
}

/// Overdue and lapsed are what an active one can be besides.
fn state(entry: &Entry, now: Timestamp) -> &'static str {
    if entry.is_lapsed() {
        "lapsed"
    } else if entry.is_overdue(now) {
        "overdue"
    } else {
        entry.state.name()
    }
}

fn object(entry: &Entry, now: Timestamp) -> serde_json::Value {
    let (process, container, path) = match &entry.target {
        Target::Process { pid, .. } => (Some(*pid), None, None),
        Target::Container(id) => (None, Some(id.as_str()), None),
        Target::File { container, path, .. } => {
            (None, container.as_deref(), Some(path.to_string_lossy().into_owned()))
        }
    };
    json!({
        "id": entry.id.to_string(),
        "response": entry.verb(),
        "target": { "title": entry.subject, "process": process, "container": container, "path": path },
        "state": state(entry, now),
        "note": entry.note,
        "since": entry.time.to_string(),
        "until": entry.until.map(|until| until.to_string()),
        "who": entry.who,
        "why": entry.why,
    })
}
