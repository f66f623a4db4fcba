//! cargo: *The Cargo Book*, "Specifying Dependencies"; a version without an operator means `^`.
//!
//! Two conditions together of which one gives only the first numbers and the other names a
//! pre-release (`>=1.2, <1.2.5-beta`) can differ from cargo on pre-releases, where its `semver` is
//! not of one mind.

use super::condition::{Condition, Parsed, Relation, split_operator};
use super::partial::Partial;

pub(super) fn parse(text: &str) -> Parsed<'_> {
    if text.trim() == "*" {
        return Ok(vec![Vec::new()]);
    }
    let mut all = Vec::new();
    for part in text.split(',') {
        all.extend(comparator(part.trim()).ok_or(part)?);
    }
    Ok(vec![all])
}

fn comparator(text: &str) -> Option<Vec<Condition>> {
    if let Some(version) = text.strip_prefix('^') {
        return caret(&Partial::parse(version.trim_start())?);
    }
    if let Some(version) = text.strip_prefix('~') {
        let version = Partial::parse(version.trim_start())?;
        return within(&version, version.numbers.len().min(2));
    }
    let (relation, version) = split_operator(text);
    let partial = Partial::parse(version)?;
    match relation {
        None if version.ends_with(".*") => within(&partial, partial.numbers.len()),
        None => caret(&partial),
        Some(relation) => compare(relation, &partial),
    }
}

/// `^0.0` allows `0.0.*`, `^0.0.3` only itself.
fn caret(version: &Partial<'_>) -> Option<Vec<Condition>> {
    within(version, version.compatible())
}

/// At least this version, and the first `kept` numbers the same.
fn within(version: &Partial<'_>, kept: usize) -> Option<Vec<Condition>> {
    (kept > 0).then(|| {
        vec![Condition::at_least(version.floor()), Condition::below(version.ceiling(kept))]
    })
}

fn compare(relation: Relation, version: &Partial<'_>) -> Option<Vec<Condition>> {
    let given = version.numbers.len();
    Some(match relation {
        Relation::NotEqual | Relation::Same => return None,
        _ if given == 0 => return None,
        relation if version.is_whole() => vec![Condition::new(relation, version.floor())],
        Relation::Equal => return within(version, given),
        Relation::Less => vec![Condition::below(version.floor() + "-0")],
        Relation::LessEqual => vec![Condition::below(version.ceiling(given))],
        Relation::Greater => vec![Condition::at_least(version.next(given))],
        Relation::GreaterEqual => vec![Condition::at_least(version.floor())],
    })
}
