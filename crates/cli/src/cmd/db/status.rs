//! `lazaret db status`: what advisories are there, and how old they are.

use advisories::{Installed, SegmentMeta};
use clap::{Args, ValueEnum};
use document::columns;
use jiff::Timestamp;
use serde::Serialize;

use crate::cmd::global::Global;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::output;
use crate::quantity::{age, size};

#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    /// Form of the list
    #[arg(short, long, value_enum, default_value_t)]
    format: StatusFormat,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum StatusFormat {
    #[default]
    Table,
    Json,
}

/// One segment, as the JSON list shows it.
#[derive(Serialize)]
struct SegmentJson<'a> {
    stream: &'a str,
    size_bytes: u64,
    checked_at: Option<&'a str>,
    meta: Option<&'a SegmentMeta>,
    damaged: Option<String>,
}

pub(crate) fn run(arguments: StatusArguments, global: &Global) -> Result<ExitCode, UserError> {
    let installed =
        global.store.list().map_err(|error| UserError::from_chain(ExitCode::Failed, &error))?;
    let text = match arguments.format {
        StatusFormat::Table => table(&installed, global),
        StatusFormat::Json => json(&installed),
    };
    output::write(None, &text)?;
    Ok(ExitCode::Done)
}

fn table(installed: &[Installed], global: &Global) -> String {
    if installed.is_empty() {
        let dir = global.store.dir().display();
        return format!("no advisories in {dir}: a scan fetches what it needs\n");
    }
    let head = ["STREAM", "SOURCE", "AGE", "RECORDS", "SIZE"].map(str::to_owned);
    let rows = installed.iter().map(|segment| row(segment, global.now));
    columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

fn row(segment: &Installed, now: Timestamp) -> [String; 5] {
    let size = size(segment.size_bytes);
    match &segment.meta {
        Ok(meta) => {
            let counts = &meta.counts;
            let records =
                counts.advisories + counts.details + counts.scores + counts.known_exploited;
            let asked = segment.checked_at.as_deref().unwrap_or(&meta.built_at);
            [
                segment.stream.clone(),
                meta.source.clone(),
                asked.parse().map_or_else(|_| "unknown".to_owned(), |asked| age(asked, now)),
                records.to_string(),
                size,
            ]
        }
        Err(error) => {
            let damaged = format!("damaged: {error}");
            [segment.stream.clone(), damaged, String::new(), String::new(), size]
        }
    }
}

fn json(installed: &[Installed]) -> String {
    let segment = |segment: &'_ Installed| {
        serde_json::to_value(SegmentJson {
            stream: &segment.stream,
            size_bytes: segment.size_bytes,
            checked_at: segment.checked_at.as_deref(),
            meta: segment.meta.as_ref().ok(),
            damaged: segment.meta.as_ref().err().map(ToString::to_string),
        })
    };
    let all: Result<Vec<_>, _> = installed.iter().map(segment).collect();
    let text = all.and_then(|all| serde_json::to_string_pretty(&all));
    text.expect("strings and numbers always serialize") + "\n"
}
