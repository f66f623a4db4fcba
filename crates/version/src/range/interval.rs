//! Intervals in brackets: Maven's and NuGet's `[1.0,2.0)`.
//!
//! A bare version is no bound to Maven, which merely prefers it, and the least one to NuGet.

use super::condition::{AnyOf, Condition, Parsed, Relation, is_word};

/// Maven: several intervals may follow each other, set apart by commas ("Dependency Version
/// Requirement Specification").
pub(super) fn parse_maven(text: &str) -> Parsed<'_> {
    let mut any_of = AnyOf::new();
    let mut rest = text.trim();
    while rest.starts_with(['[', '(']) {
        let end = rest.find([']', ')']).ok_or(rest)?;
        let (first, after) = rest.split_at_checked(end + 1).ok_or(rest)?;
        any_of.push(interval(first).ok_or(rest)?);
        let after = after.trim_start();
        rest = after.strip_prefix(',').unwrap_or(after).trim_start();
    }
    match (rest, any_of.is_empty()) {
        ("", false) => Ok(any_of),
        // What Maven prefers excludes nothing.
        (version, true) if is_word(version) => Ok(vec![Vec::new()]),
        _ => Err(rest),
    }
}

/// NuGet: one interval, or the least version ("Package versioning", "Version ranges").
pub(super) fn parse_nuget(text: &str) -> Parsed<'_> {
    let trimmed = text.trim();
    if trimmed.starts_with(['[', '(']) {
        return Ok(vec![interval(trimmed).ok_or(text)?]);
    }
    is_word(trimmed).then(|| vec![vec![Condition::at_least(trimmed)]]).ok_or(text)
}

/// `[1.0]` is one version; an absent bound is none.
fn interval(text: &str) -> Option<Vec<Condition>> {
    let (lower, inner) = match text.strip_prefix('[') {
        Some(inner) => (Relation::GreaterEqual, inner),
        None => (Relation::Greater, text.strip_prefix('(')?),
    };
    let (upper, inner) = match inner.strip_suffix(']') {
        Some(inner) => (Relation::LessEqual, inner),
        None => (Relation::Less, inner.strip_suffix(')')?),
    };
    let Some((least, most)) = inner.split_once(',') else {
        let closed = lower == Relation::GreaterEqual && upper == Relation::LessEqual;
        return bound(Relation::Equal, inner)?.filter(|_| closed).map(|only| vec![only]);
    };
    Some(bound(lower, least)?.into_iter().chain(bound(upper, most)?).collect())
}

/// `Some(None)` where there is no bound.
fn bound(relation: Relation, text: &str) -> Option<Option<Condition>> {
    match text.trim() {
        "" => Some(None),
        version => is_word(version).then(|| Some(Condition::new(relation, version))),
    }
}
