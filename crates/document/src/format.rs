//! The names of the machine formats, as `--format` takes them: the next one is a file and a line.

use crate::{Report, cosign, csv, cyclonedx, gitlab, html, json, junit, markdown, sarif};

/// The formats that need nothing but a report. The table for people is [`crate::table`]; a GitHub
/// snapshot needs a job ([`crate::github`]), a template a file ([`crate::template`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    CosignVuln,
    Csv,
    CycloneDxJson,
    Gitlab,
    Html,
    Json,
    Junit,
    Markdown,
    Sarif,
}

impl Format {
    pub fn render(self, report: &Report) -> String {
        match self {
            Self::CosignVuln => cosign::render(report),
            Self::Csv => csv::render(report),
            Self::CycloneDxJson => cyclonedx::render(report),
            Self::Gitlab => gitlab::render(report),
            Self::Html => html::render(report),
            Self::Json => json::render(report),
            Self::Junit => junit::render(report),
            Self::Markdown => markdown::render(report),
            Self::Sarif => sarif::render(report),
        }
    }
}
