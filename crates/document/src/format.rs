//! The names of the machine formats, as `--format` takes them: the next one is a file and a line.

use crate::{Report, cyclonedx, json, spdx, vex};

/// The machine formats of a report or an inventory; the table for people is [`crate::table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    CycloneDxJson,
    CycloneDxXml,
    Json,
    OpenVexJson,
    SpdxJson,
    SpdxTagValue,
}

impl Format {
    pub fn render(self, report: &Report) -> String {
        match self {
            Self::CycloneDxJson => cyclonedx::json::render(report),
            Self::CycloneDxXml => cyclonedx::xml::render(report),
            Self::Json => json::render(report),
            Self::OpenVexJson => vex::openvex::render(report),
            Self::SpdxJson => spdx::json::render(report),
            Self::SpdxTagValue => spdx::tag_value::render(report),
        }
    }
}
