//! Conditions set apart by commas, alternatives by `||`: GitHub's advisories, for all ecosystems.

use super::condition::{Condition, Parsed};

/// Nothing at all, or `*`, is every version.
pub(super) fn parse(text: &str) -> Parsed<'_> {
    text.split("||").map(alternative).collect()
}

fn alternative(text: &str) -> Result<Vec<Condition>, &str> {
    if matches!(text.trim(), "" | "*") {
        return Ok(Vec::new());
    }
    text.split(',').map(|part| Condition::parse(part).ok_or(part)).collect()
}
