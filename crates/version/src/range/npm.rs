//! npm: the grammar of node-semver's README, "Ranges", with its rule about pre-releases.

use super::condition::{AnyOf, Condition, Parsed, Relation, split_operator};
use super::partial::Partial;

/// No version is below it.
const NOTHING: &str = "0.0.0-0";

/// Nothing at all is every version.
pub(super) fn parse(text: &str) -> Parsed<'_> {
    let any_of: AnyOf = text.split("||").map(alternative).collect::<Result<_, _>>()?;
    // `*` among the alternatives is all that node-semver keeps: the pre-releases that others name
    // are then let through no more.
    Ok(if any_of.iter().any(Vec::is_empty) { vec![Vec::new()] } else { any_of })
}

fn alternative(text: &str) -> Result<Vec<Condition>, &str> {
    if let Some((from, to)) = text.split_once(" - ") {
        return hyphen(from.trim(), to.trim()).ok_or(text);
    }
    let mut words = text.split_whitespace();
    let mut all = Vec::new();
    while let Some(word) = words.next() {
        // White space may follow an operator.
        let (sign, version) = match strip_signs(word) {
            "" => (word, words.next().ok_or(text)?),
            _ => ("", word),
        };
        all.extend(simple(sign, version).ok_or(word)?);
    }
    Ok(all)
}

fn strip_signs(word: &str) -> &str {
    word.trim_start_matches(['<', '>', '=', '~', '^'])
}

/// `1.2 - 2.3` holds all of `2.3`.
fn hyphen(from: &str, to: &str) -> Option<Vec<Condition>> {
    let (from, to) = (partial(from)?, partial(to)?);
    let lower = (!from.numbers.is_empty()).then(|| Condition::at_least(from.floor()));
    let upper = match to.numbers.len() {
        0 => None,
        _ if to.is_whole() => Some(Condition::new(Relation::LessEqual, to.floor())),
        given => Some(Condition::below(to.ceiling(given))),
    };
    Some(lower.into_iter().chain(upper).collect())
}

/// One operator and one version, of which the last numbers may be missing.
fn simple(sign: &str, text: &str) -> Option<Vec<Condition>> {
    let text = format!("{sign}{text}");
    if let Some(version) = text.strip_prefix('^') {
        let version = partial(version)?;
        return Some(within(&version, version.compatible()));
    }
    if let Some(version) = text.strip_prefix('~') {
        let version = partial(version.trim_start_matches('>'))?;
        return Some(within(&version, version.numbers.len().min(2)));
    }
    let (relation, version) = split_operator(&text);
    compare(relation.unwrap_or(Relation::Equal), &partial(version)?)
}

/// At least this version, and the first `kept` numbers the same.
fn within(version: &Partial<'_>, kept: usize) -> Vec<Condition> {
    match kept {
        0 => Vec::new(),
        kept => vec![Condition::at_least(version.floor()), Condition::below(version.ceiling(kept))],
    }
}

fn compare(relation: Relation, version: &Partial<'_>) -> Option<Vec<Condition>> {
    let given = version.numbers.len();
    Some(match relation {
        Relation::NotEqual | Relation::Same => return None,
        relation if version.is_whole() => vec![Condition::new(relation, version.floor())],
        Relation::Less | Relation::Greater if given == 0 => vec![Condition::below(NOTHING)],
        _ if given == 0 => Vec::new(),
        Relation::Equal => within(version, given),
        Relation::Less => vec![Condition::below(version.floor() + "-0")],
        Relation::LessEqual => vec![Condition::below(version.ceiling(given))],
        Relation::Greater => vec![Condition::at_least(version.next(given))],
        Relation::GreaterEqual => vec![Condition::at_least(version.floor())],
    })
}

fn partial(text: &str) -> Option<Partial<'_>> {
    Partial::parse(text.trim_start_matches(['v', '=']))
}
