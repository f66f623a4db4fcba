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
    let dated = shards.iter().zip(&metas).map(|(segment, meta)| dated(segment, meta));
    let records: u64 = metas.iter().map(|meta| meta.counts.records()).sum();
    Some([
        format!("{}-* ({})", stream::MAVEN_SHA1, shards.len()),
        metas.first()?.source.clone(),
        told(dated.min()?, now),
        records.to_string(),
        size(shards.iter().map(|segment| segment.size_bytes).sum()),
    ])
}

/// When a stream's publisher was last heard, and whether that is only the time of an import.
fn dated(segment: &Installed, meta: &SegmentMeta) -> Option<(Heard, bool)> {
    let checked_at = segment.checked_at.as_deref();
    let is_of_an_import = Heard::is_of_an_import(meta, checked_at);
    Heard::of(meta, checked_at).map(|heard| (heard, is_of_an_import))
}

/// A file that does not say how old it is may be of any age.
fn told(dated: Option<(Heard, bool)>, now: Timestamp) -> String {
    match dated {
        None => "unknown".to_owned(),
        Some((heard, false)) => age(heard.at(), now),
        Some((heard, true)) => match age(heard.at(), now).as_str() {
            "now" => "imported now".to_owned(),
            since => format!("imported {since} ago"),
        },
    }
}

fn row(segment: &Installed, now: Timestamp) -> [String; 5] {
    let size = size(segment.size_bytes);
    match &segment.meta {
        Ok(meta) => [
            segment.stream.clone(),
            meta.source.clone(),
            told(dated(segment, meta), now),
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
