//! Python: PyPA's "version specifiers", as `packaging`'s `SpecifierSet` reads them, pre-releases
//! included.

use super::condition::{Condition, Parsed, Relation, is_word, split_operator};
use crate::VersionError;
use crate::pep440::Version;

/// Nothing at all is every version.
pub(super) fn parse(text: &str) -> Parsed<'_> {
    let mut all = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        all.extend(clause(part).ok_or(part)?);
    }
    Ok(vec![all])
}

fn clause(text: &str) -> Option<Vec<Condition>> {
    if let Some(version) = text.strip_prefix("===") {
        return Some(vec![Condition::new(Relation::Same, version.trim())]);
    }
    if let Some(version) = text.strip_prefix("~=") {
        return compatible(version.trim());
    }
    let (relation, version) = split_operator(text);
    let relation = relation.filter(|_| is_word_but_epoch(version))?;
    let takes_prefix = matches!(relation, Relation::Equal | Relation::NotEqual);
    let is_sign = text.starts_with("==") || relation != Relation::Equal;
    (is_sign && (takes_prefix || !version.ends_with(".*")))
        .then(|| vec![Condition::new(relation, version)])
}

/// An exclamation mark ends the epoch.
fn is_word_but_epoch(version: &str) -> bool {
    is_word(&version.replacen('!', "", 1))
}

/// `~=1.4.5` is `>=1.4.5, ==1.4.*`.
fn compatible(text: &str) -> Option<Vec<Condition>> {
    let prefix = Version::parse(text).ok()?.without_last_number()?;
    Some(vec![Condition::at_least(text), Condition::new(Relation::Equal, prefix + ".*")])
}

/// The relations are not those of the order: see "Version specifiers", from "Version matching" to
/// "Arbitrary equality".
pub(super) fn holds(condition: &Condition, text: &str) -> Result<bool, VersionError> {
    let version = Version::parse(text)?;
    if condition.relation == Relation::Same {
        return Ok(text.trim().eq_ignore_ascii_case(&condition.version));
    }
    if let Some(prefix) = condition.version.strip_suffix(".*") {
        let is_inside = version.begins_with(&Version::parse(prefix)?);
        return Ok(is_inside == (condition.relation == Relation::Equal));
    }
    let bound = Version::parse(&condition.version)?;
    Ok(match condition.relation {
        Relation::Less => {
            let of_bound = version.has_base_of(&bound) && version.is_prerelease();
            version < bound && (bound.is_prerelease() || !of_bound)
        }
        Relation::Greater => {
            let of_bound = version.has_base_of(&bound);
            let is_later_post = version.is_post_release() && !bound.is_post_release();
            version > bound && !(of_bound && (is_later_post || version.has_local()))
        }
        relation if bound.has_local() => relation.holds(version.cmp(&bound)),
        relation => relation.holds(version.without_local().cmp(&bound)),
    })
}
