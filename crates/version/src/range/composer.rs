//! Composer: "Versions and constraints", as `composer/semver`'s `VersionParser` reads them.
//!
//! `<` and `>=` without a stability mean the `-dev` of that version: `<1.2` excludes `1.2-beta`.

use super::condition::{AnyOf, Condition, Parsed, Relation, split_operator};
use crate::VersionError;
use crate::composer::Version;
use crate::number::successor;

/// How many numbers a normalized version has.
const NUMBERS: usize = 4;

/// Conditions are set apart by commas or blanks, alternatives by `|` or `||`.
pub(super) fn parse(text: &str) -> Parsed<'_> {
    let alternatives = text.split('|').filter(|part| !part.trim().is_empty());
    let any_of: AnyOf = alternatives.map(alternative).collect::<Result<_, _>>()?;
    if any_of.is_empty() { Err(text) } else { Ok(any_of) }
}

fn alternative(text: &str) -> Result<Vec<Condition>, &str> {
    let is_between = |c: char| c == ',' || c.is_whitespace();
    let mut words = text.split(is_between).filter(|word| !word.is_empty()).peekable();
    let mut all = Vec::new();
    while let Some(word) = words.next() {
        // White space may follow an operator.
        let (sign, version) = match word.trim_start_matches(['<', '>', '=', '!', '~', '^']) {
            "" => (word, words.next().ok_or(text)?),
            version => (word.trim_end_matches(version), version),
        };
        if words.next_if_eq(&"as").is_some() {
            words.next();
        }
        if words.next_if_eq(&"-").is_some() {
            all.extend(hyphen(version, words.next().ok_or(text)?).ok_or(text)?);
        } else {
            all.extend(constraint(sign, version).ok_or(word)?);
        }
    }
    Ok(all)
}

fn constraint(sign: &str, text: &str) -> Option<Vec<Condition>> {
    let (text, flag) = split_flag(text);
    if text.split('.').all(|part| matches!(part, "x" | "X" | "*")) {
        let any = text.len() > 1;
        return Some(any.then(|| Condition::at_least("0.0.0.0-dev")).into_iter().collect());
    }
    match sign {
        "~" => return tilde(&Given::parse(text)?),
        "^" => return caret(&Given::parse(text)?),
        "" if text.ends_with(".*") || text.ends_with(".x") || text.ends_with(".X") => {
            return wildcard(text);
        }
        _ => {}
    }
    let relation = match split_operator(sign) {
        (None, "") => Relation::Equal,
        (Some(relation), "") => relation,
        (Some(Relation::Less), ">") => Relation::NotEqual,
        _ => return None,
    };
    Some(vec![basic(relation, text, flag)?])
}

/// `@beta` at the end: it names no version, but lowers a bound that has no stability.
fn split_flag(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once('@') {
        Some(("", flag)) => ("*", Some(flag)),
        Some((version, flag)) => (version, Some(flag)),
        None => (text, None),
    }
}

fn basic(relation: Relation, text: &str, flag: Option<&str>) -> Option<Condition> {
    let version = Version::parse(text).ok().filter(Version::is_lawful)?;
    let takes_stability = matches!(&version, Version::Normal { suffix, .. } if suffix.is_empty());
    let text = text.split_once('+').map_or(text, |(version, _)| version);
    let suffix = match (relation, flag) {
        _ if !takes_stability => "",
        (Relation::Equal, _) => "",
        (_, Some(flag)) if !flag.eq_ignore_ascii_case("stable") => flag,
        (Relation::Less | Relation::GreaterEqual, _) => "dev",
        _ => "",
    };
    let hyphen = if suffix.is_empty() { "" } else { "-" };
    Some(Condition::new(relation, format!("{text}{hyphen}{suffix}")))
}

/// A version of which the last numbers may be missing.
struct Given<'a> {
    text: &'a str,
    numbers: Vec<&'a str>,
    has_stability: bool,
    /// `1.2.x-dev`.
    is_branch: bool,
}

impl<'a> Given<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.split_once('+').map_or(text, |(version, _)| version);
        let version = Version::parse(text).ok().filter(Version::is_lawful)?;
        let Version::Normal { numbers, absent, .. } = version else { return None };
        let has_stability = text.trim_start_matches(['v', 'V']).contains(char::is_alphabetic);
        let is_branch = absent != crate::number::Number::ZERO;
        let numbers = std::str::from_utf8(numbers).ok()?.split('.').collect();
        Some(Self { text, numbers, has_stability, is_branch })
    }

    fn lower(&self) -> Condition {
        let suffix = if self.has_stability { "" } else { "-dev" };
        Condition::at_least(format!("{}{suffix}", self.text))
    }

    /// The `-dev` of the version that follows all of those with the same first `kept` numbers.
    fn upper(&self, kept: usize) -> Condition {
        let number = |at: usize| match self.numbers.get(at).filter(|_| at < kept) {
            Some(number) if at + 1 == kept => successor(number),
            Some(number) => (*number).to_owned(),
            None if at + 1 == kept => "1".to_owned(),
            None => "0".to_owned(),
        };
        let version = (0..NUMBERS).map(number).collect::<Vec<_>>().join(".");
        Condition::below(version + "-dev")
    }
}

/// `~1.2` stays below `2.0`, `~1.2.3` below `1.3`.
fn tilde(given: &Given<'_>) -> Option<Vec<Condition>> {
    let position = given.numbers.len() + usize::from(given.is_branch);
    Some(vec![given.lower(), given.upper(position.saturating_sub(1).max(1))])
}

/// The first number that is not zero may not change.
fn caret(given: &Given<'_>) -> Option<Vec<Condition>> {
    let zeros = given.numbers.iter().take_while(|number| **number == "0").count();
    let kept = (zeros + 1).min(given.numbers.len()).min(3);
    Some(vec![given.lower(), given.upper(kept)])
}

/// `1.2.*`.
fn wildcard(text: &str) -> Option<Vec<Condition>> {
    let release = text.trim_end_matches(['.', '*', 'x', 'X']);
    let given = Given::parse(release)?;
    let fits = given.numbers.len() < NUMBERS && !given.has_stability && !given.is_branch;
    fits.then(|| vec![given.lower(), given.upper(given.numbers.len())])
}

/// `1.0 - 2.1` holds all of `2.1`.
fn hyphen(from: &str, to: &str) -> Option<Vec<Condition>> {
    let (from, to) = (Given::parse(from)?, Given::parse(to)?);
    let is_whole = to.numbers.len() > 2 || to.has_stability || to.is_branch;
    let upper = match is_whole {
        true => Condition::new(Relation::LessEqual, to.text),
        false => to.upper(to.numbers.len()),
    };
    Some(vec![from.lower(), upper])
}

/// A branch is in no relation to anything but itself.
pub(super) fn holds(condition: &Condition, version: &str) -> Result<bool, VersionError> {
    let order = crate::composer::compare(version, &condition.version)?;
    let with_branch =
        Version::parse(version)?.is_branch() || Version::parse(&condition.version)?.is_branch();
    Ok(match condition.relation {
        Relation::Equal | Relation::NotEqual => condition.relation.holds(order),
        relation => !with_branch && relation.holds(order),
    })
}
