//! `lazaret db status`: what advisories are there, and how old they are.

use advisories::{Heard, Installed, SegmentMeta};
use clap::{Args, ValueEnum};
use document::columns;
use feeds::stream;
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
    let (shards, others): (Vec<_>, Vec<_>) = installed.iter().partition(|one| is_shard(one));
    let rows = others.into_iter().map(|segment| row(segment, global.now));
    let rows = std::iter::once(head).chain(rows).chain(row_of_shards(&shards, global.now));
    columns(&rows.collect::<Vec<_>>())
}

/// A part of the index of Java archives that can be read: there are hundreds, which are one thing.
fn is_shard(segment: &Installed) -> bool {
    segment.meta.is_ok() && stream::release(&segment.stream, stream::MAVEN_SHA1).is_some()
}

/// One row for all of them, as old as the oldest.
fn row_of_shards(shards: &[&Installed], now: Timestamp) -> Option<[String; 5]> {
    let metas: Vec<&SegmentMeta> =
        shards.iter().filter_map(|segment| segment.meta.as_ref().ok()).collect();
    let heard = shards.iter().zip(&metas).map(|(segment, meta)| heard(segment, meta));
    let records: u64 = metas.iter().map(|meta| meta.counts.records()).sum();
    Some([
        format!("{}-* ({})", stream::MAVEN_SHA1, shards.len()),
        metas.first()?.source.clone(),
        told(heard.min()?, now),
        records.to_string(),
        size(shards.iter().map(|segment| segment.size_bytes).sum()),
    ])
}

/// When a stream's publisher was last heard.
fn heard(segment: &Installed, meta: &SegmentMeta) -> Option<Heard> {
    Heard::of(meta, segment.checked_at.as_deref())
}

fn told(heard: Option<Heard>, now: Timestamp) -> String {
    heard.map_or_else(|| "unknown".to_owned(), |heard| age(heard.at(), now))
}

fn row(segment: &Installed, now: Timestamp) -> [String; 5] {
    let size = size(segment.size_bytes);
    match &segment.meta {
        Ok(meta) => [
            segment.stream.clone(),
            meta.source.clone(),
            told(heard(segment, meta), now),
            match meta.incomplete {
                None => meta.counts.records().to_string(),
                Some(_) => format!("{}, not whole", meta.counts.records()),
            },
            size,
        ],
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
