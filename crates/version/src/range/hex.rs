//! Elixir: `Version.parse_requirement/1`, with `and`, `or` and `~>`.

use super::condition::{Condition, Parsed, is_word};
use super::partial::Partial;

/// `and` binds more tightly than `or`.
pub(super) fn parse(text: &str) -> Parsed<'_> {
    text.split(" or ").map(alternative).collect()
}

fn alternative(text: &str) -> Result<Vec<Condition>, &str> {
    let mut all = Vec::new();
    for part in text.split(" and ") {
        match part.trim().strip_prefix("~>") {
            Some(version) => all.extend(pessimistic(version.trim()).ok_or(part)?),
            None => all.push(Condition::parse(part).ok_or(part)?),
        }
    }
    Ok(all)
}

/// `~> 2.1.3` stays below `2.2.0`, `~> 2.1` below `3.0.0`, and below their pre-releases.
fn pessimistic(text: &str) -> Option<[Condition; 2]> {
    let version =
        Partial::parse(text).filter(|version| is_word(text) && version.numbers.len() > 1)?;
    let kept = version.numbers.len() - 1;
    Some([Condition::at_least(version.floor()), Condition::below(version.ceiling(kept))])
}
