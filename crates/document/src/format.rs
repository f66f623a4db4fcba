//! The names of the machine formats, as `--format` takes them: the next one is a file and a line.

use crate::{Report, cyclonedx, json};

/// The machine formats of a report or an inventory; the table for people is [`crate::table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    CycloneDxJson,
    Json,
}

impl Format {
    pub fn render(self, report: &Report) -> String {
        match self {
            Self::CycloneDxJson => cyclonedx::render(report),
            Self::Json => json::render(report),
        }
    }
}
