//! RubyGems: `Gem::Requirement`, several of them set apart by commas: `~> 2.2, >= 2.2.1`.
//!
//! RubySec writes one such text for each line of versions that has its fix.

use super::condition::{Condition, Parsed, is_word};
use crate::number::successor;

/// The word that is older than all others: `3.A` is the oldest pre-release of `3`.
const OLDEST_WORD: &str = "A";

/// Nothing at all is every version.
pub(super) fn parse(text: &str) -> Parsed<'_> {
    let mut all = Vec::new();
    for part in text.split(',').filter(|_| !text.trim().is_empty()) {
        match part.trim().strip_prefix("~>") {
            Some(version) => all.extend(pessimistic(version.trim()).ok_or(part)?),
            None => all.push(Condition::parse(part).ok_or(part)?),
        }
    }
    Ok(vec![all])
}

/// `~> 2.2.1` is `>= 2.2.1` and below `2.3` and its pre-releases.
fn pessimistic(version: &str) -> Option<[Condition; 2]> {
    let numbers = version.split(['.', '-']).take_while(|part| is_number(part));
    let mut numbers: Vec<&str> = numbers.collect();
    if numbers.len() > 1 {
        numbers.pop();
    }
    let next = successor(numbers.pop()?);
    let kept: String = numbers.iter().map(|number| format!("{number}.")).collect();
    is_word(version).then(|| {
        [Condition::at_least(version), Condition::below(format!("{kept}{next}.{OLDEST_WORD}"))]
    })
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}
