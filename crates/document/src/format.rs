//! The names of the machine formats, as `--format` takes them: the next one is a file and a line.

use crate::{
    Report, cosign, csv, cyclonedx, gitlab, html, json, junit, markdown, sarif, spdx, vex,
};

/// The formats that need nothing but a report. The table for people is [`crate::table`]; a GitHub
/// snapshot needs a job ([`crate::github`]), a template a file ([`crate::template`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    CosignVuln,
    Csv,
    CycloneDxJson,
    CycloneDxXml,
    Gitlab,
    Html,
    Json,
    Junit,
    Markdown,
    OpenVexJson,
    Sarif,
    SpdxJson,
    SpdxTagValue,
}

impl Format {
    pub fn render(self, report: &Report) -> String {
        match self {
            Self::CosignVuln => cosign::render(report),
            Self::Csv => csv::render(report),
            Self::CycloneDxJson => cyclonedx::json::render(report),
            Self::CycloneDxXml => cyclonedx::xml::render(report),
            Self::Gitlab => gitlab::render(report),
            Self::Html => html::render(report),
            Self::Json => json::render(report),
            Self::Junit => junit::render(report),
            Self::Markdown => markdown::render(report),
            Self::OpenVexJson => vex::openvex::render(report),
            Self::Sarif => sarif::render(report),
            Self::SpdxJson => spdx::json::render(report),
            Self::SpdxTagValue => spdx::tag_value::render(report),
        }
    }
}
