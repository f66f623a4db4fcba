//! pub.dev: `VersionConstraint.parse` of `pub_semver`; conditions follow each other without commas.

use super::condition::{Condition, Parsed, Relation, split_operator};
use super::partial::Partial;

/// `any`, or nothing at all, is every version.
pub(super) fn parse(text: &str) -> Parsed<'_> {
    if matches!(text.trim(), "" | "any") {
        return Ok(vec![Vec::new()]);
    }
    let mut all = Vec::new();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        // White space may follow an operator.
        let (sign, version) = match word.trim_start_matches(['<', '>', '=', '^']) {
            "" => (word, words.next().ok_or(text)?),
            version => (word.trim_end_matches(version), version),
        };
        all.extend(comparator(sign, version).ok_or(word)?);
    }
    exclude_prereleases_of_maximum(&mut all);
    Ok(vec![all])
}

fn comparator(sign: &str, text: &str) -> Option<Vec<Condition>> {
    let version = Partial::parse(text).filter(Partial::is_whole)?;
    if sign == "^" {
        // Before 1.0.0 only the patch may change.
        let kept = version.compatible().min(2);
        return Some(vec![Condition::at_least(text), Condition::below(version.ceiling(kept))]);
    }
    let relation = match split_operator(sign) {
        (None, "") => Relation::Equal,
        (Some(relation), "") if sign != "=" && sign != "==" => relation,
        _ => return None,
    };
    Some(vec![Condition::new(relation, text)])
}

/// `<2.0.0` excludes `2.0.0-dev` too, unless the minimum is a pre-release of `2.0.0` itself.
fn exclude_prereleases_of_maximum(all: &mut [Condition]) {
    let is_minimum = |relation| matches!(relation, Relation::Greater | Relation::GreaterEqual);
    let minimum = all.iter().find(|condition| is_minimum(condition.relation));
    let opened = minimum.and_then(|minimum| Some(minimum.version.split_once('-')?.0.to_owned()));
    for maximum in all.iter_mut().filter(|condition| condition.relation == Relation::Less) {
        let is_release = !maximum.version.contains(['-', '+']);
        if is_release && opened.as_ref() != Some(&maximum.version) {
            maximum.version.push_str("-0");
        }
    }
}
