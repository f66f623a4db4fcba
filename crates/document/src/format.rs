//! The machine formats: what `--format` calls them, what they are for, who writes them. The next one
//! is a file and a few lines here.

use std::io::{self, Write};

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

/// What there is to know of a format.
struct Known {
    name: &'static str,
    about: &'static str,
    how: How,
}

#[derive(Clone, Copy)]
enum How {
    Whole(fn(&Report) -> String),
    /// Those that tell of every package and finding with all that is known of it.
    Stream(fn(&Report, &mut dyn Write) -> io::Result<()>),
}

const fn known(name: &'static str, about: &'static str, render: fn(&Report) -> String) -> Known {
    Known { name, about, how: How::Whole(render) }
}

const fn streamed(
    name: &'static str,
    about: &'static str,
    write: fn(&Report, &mut dyn Write) -> io::Result<()>,
) -> Known {
    Known { name, about, how: How::Stream(write) }
}

impl Format {
    /// Every format, in the order in which people are told of them.
    pub const ALL: [Self; 13] = [
        Self::Json,
        Self::Html,
        Self::Markdown,
        Self::Csv,
        Self::Sarif,
        Self::Junit,
        Self::Gitlab,
        Self::CosignVuln,
        Self::CycloneDxJson,
        Self::CycloneDxXml,
        Self::SpdxJson,
        Self::SpdxTagValue,
        Self::OpenVexJson,
    ];

    /// Those that say what is inside, where nothing else was looked for.
    pub const INVENTORIES: [Self; 5] =
        [Self::CycloneDxJson, Self::CycloneDxXml, Self::SpdxJson, Self::SpdxTagValue, Self::Json];

    const fn known(self) -> Known {
        match self {
            Self::CosignVuln => {
                streamed("cosign-vuln", "Predicate for `cosign attest --type vuln`", cosign::write)
            }
            Self::Csv => known("csv", "One row for everything that is wrong", csv::render),
            Self::CycloneDxJson => streamed(
                "cyclonedx-json",
                "Bill of materials, CycloneDX 1.6",
                cyclonedx::json::write,
            ),
            Self::CycloneDxXml => {
                streamed("cyclonedx-xml", "The same as XML", cyclonedx::xml::write)
            }
            Self::Gitlab => streamed("gitlab", "GitLab's container scanning report", gitlab::write),
            Self::Html => known(
                "html",
                "One page with charts and filters that needs nothing else",
                html::render,
            ),
            Self::Json => streamed(
                "json",
                "Everything that is known; see docs/report.schema.json",
                json::write,
            ),
            Self::Junit => streamed("junit", "Test results, for build servers", junit::write),
            Self::Markdown => {
                known("markdown", "For a comment on a pull request", markdown::render)
            }
            Self::OpenVexJson => {
                known("openvex-json", "What is silenced, for others to read", vex::openvex::render)
            }
            Self::Sarif => {
                streamed("sarif", "SARIF 2.1.0, for code hosts and editors", sarif::write)
            }
            Self::SpdxJson => {
                streamed("spdx-json", "Bill of materials, SPDX 2.3", spdx::json::write)
            }
            Self::SpdxTagValue => {
                streamed("spdx-tag-value", "The same as tags and values", spdx::tag_value::write)
            }
        }
    }

    /// What users call it.
    pub const fn name(self) -> &'static str {
        self.known().name
    }

    /// What it is for, in a line.
    pub const fn about(self) -> &'static str {
        self.known().about
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The whole text, for who needs it at once.
    pub fn render(self, report: &Report) -> String {
        match self.known().how {
            How::Whole(render) => render(report),
            How::Stream(write) => {
                let mut text = Vec::new();
                write(report, &mut text).expect("a Vec takes anything");
                String::from_utf8(text).expect("all formats are UTF-8")
            }
        }
    }

    /// # Errors
    /// Whatever the writer has.
    pub fn write(self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        match self.known().how {
            How::Whole(render) => out.write_all(render(report).as_bytes()),
            How::Stream(write) => write(report, out),
        }
    }
}
