//! The vulnerability predicate of cosign: what `cosign attest --type vuln --predicate FILE` signs.
//!
//! `https://cosign.sigstore.dev/attestation/vuln/v1`: who scanned, with which data, when, and the
//! whole result in the scanner's own form, here the JSON report.

use std::io::{self, Write};

use serde::Serialize;

use crate::{Report, json};

/// Writes the predicate (without the in-toto statement around it, which cosign makes) as
/// pretty-printed JSON with a final newline.
///
/// # Errors
/// Whatever the writer has.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let predicate = Predicate {
        invocation: Invocation {
            uri: "",
            event_id: "",
            builder_id: "",
            parameters: &report.checks,
        },
        scanner: Scanner {
            uri: concat!("pkg:generic/lazaret@", env!("CARGO_PKG_VERSION")),
            version: env!("CARGO_PKG_VERSION"),
            db: Db {
                uri: "",
                version: report.data.iter().map(|it| &*it.stream).collect::<Vec<_>>().join(","),
                // Of several segments the oldest: nothing is fresher than that for sure.
                last_update: report.data.iter().map(|it| &*it.built_at).min(),
            },
            result: json::document(report),
        },
        metadata: Metadata { scan_started_on: &report.now, scan_finished_on: &report.now },
    };
    json::pretty(&predicate, out)
}

#[derive(Serialize)]
struct Predicate<'a, R> {
    invocation: Invocation<'a>,
    scanner: Scanner<'a, R>,
    metadata: Metadata<'a>,
}

#[derive(Serialize)]
struct Invocation<'a> {
    parameters: &'a [String],
    uri: &'static str,
    event_id: &'static str,
    #[serde(rename = "builder.id")]
    builder_id: &'static str,
}

#[derive(Serialize)]
struct Scanner<'a, R> {
    uri: &'static str,
    version: &'static str,
    db: Db<'a>,
    result: R,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Db<'a> {
    uri: &'static str,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_update: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    scan_started_on: &'a str,
    scan_finished_on: &'a str,
}
