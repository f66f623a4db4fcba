//! The license that a package declares, in the terms of SPDX, where that is certain.
//!
//! Distributions have words of their own (`GPLv2+`, `GPL-2+`, `Expat`); the table
//! `content/licenses/spellings.toml` says which of them mean one license of the SPDX list. What
//! it does not know is never guessed at: then there is no [`License`], and the declared text, which
//! inventories keep verbatim, stands for itself. Which licenses may be used is judged elsewhere.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

mod restricted;

/// Longer declarations are not read. The longest of a Debian system, Perl's, has 800 bytes.
const DECLARED_BYTES_MAX: usize = 4096;

/// A declared license as SPDX spells it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum License {
    /// One identifier of the SPDX license list: `MIT`.
    Id(String),
    /// A license expression (SPDX spec 3.0, annex "SPDX license expressions"), with operators in
    /// upper case: `MIT AND (GPL-2.0-or-later OR Apache-2.0)`.
    Expression(String),
}

impl License {
    /// Reads what a package declares: an SPDX expression, or words of a distribution joined by
    /// `and`, `or`, parentheses and commas (Debian's list of the licenses of its files: all hold).
    /// None where any part of it does not certainly mean a license of the list.
    pub fn of(declared: &str) -> Option<Self> {
        if declared.len() > DECLARED_BYTES_MAX {
            return None;
        }
        let mut clauses: Vec<String> = Vec::new();
        for clause in clauses_of(declared) {
            let clause = translate(clause)?;
            if !clauses.contains(&clause) {
                clauses.push(clause);
            }
        }
        let expression = match clauses.as_slice() {
            [only] => only.clone(),
            several => several.iter().map(|it| grouped(it)).collect::<Vec<_>>().join(" AND "),
        };
        spdx::Expression::parse(&expression).ok()?;
        let is_id = spdx::license_id(&expression).is_some_and(|id| id.name == expression);
        Some(if is_id { Self::Id(expression) } else { Self::Expression(expression) })
    }

    /// The identifier or expression.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Id(text) | Self::Expression(text) => text,
        }
    }
}

/// The parts of a list, each without the `and` that may stand after a comma. A comma inside a word
/// of the table is no separator.
fn clauses_of(declared: &str) -> Vec<&str> {
    let mut clauses = Vec::new();
    let mut rest = Some(declared);
    while let Some(text) = rest {
        // At most one comma stands in a word of the table.
        let commas = text.match_indices(',').map(|(at, _)| at).take(2);
        let ends: Vec<usize> = commas.chain(std::iter::once(text.len())).collect();
        let until = |end: &usize| text.get(..*end).map(str::trim);
        let is_word = |end: &&usize| until(end).is_some_and(|part| whole(part).is_some());
        // The second comma, or the end where there is none.
        let longer = ends.get(1).filter(is_word);
        let end = longer.or_else(|| ends.first()).copied().unwrap_or(text.len());
        let part = until(&end).unwrap_or_default();
        clauses.push(part.strip_prefix("and ").unwrap_or(part));
        rest = text.get(end..).and_then(|rest| rest.strip_prefix(','));
    }
    clauses
}

/// What a text means as one: a word of the table, or the address of a text.
fn whole(text: &str) -> Option<String> {
    spelled(&SPELLINGS.licenses, &[text]).or_else(|| {
        let place = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        let place = place.strip_prefix("www.").unwrap_or(place).trim_end_matches('/');
        let ends = [".txt", ".html", ".php"];
        let place = ends.iter().find_map(|end| place.strip_suffix(end)).unwrap_or(place);
        SPELLINGS.addresses.get(&place.to_lowercase()).cloned()
    })
}

fn grouped(clause: &str) -> String {
    if clause.contains(" OR ") { format!("({clause})") } else { clause.to_owned() }
}

/// One clause in the terms of SPDX.
fn translate(clause: &str) -> Option<String> {
    let known = whole(clause).or_else(|| either(clause)).or_else(|| restricted::translate(clause));
    if known.is_some() {
        return known;
    }
    let spaced = clause.replace('(', " ( ").replace(')', " ) ");
    let (mut parts, mut term): (Vec<String>, Vec<&str>) = (Vec::new(), Vec::new());
    for word in spaced.split_whitespace() {
        let operator = match word {
            "and" | "AND" => "AND",
            "or" | "OR" => "OR",
            "(" | ")" => word,
            _ => {
                term.push(word);
                continue;
            }
        };
        parts.extend(take(&mut term)?);
        parts.push(operator.to_owned());
    }
    parts.extend(take(&mut term)?);
    let has = |operator: &str| parts.iter().any(|part| part == operator);
    // Which of the two binds tighter, the distributions do not agree on; SPDX says it of its own.
    let is_spdx = || spdx::Expression::parse(clause).is_ok();
    if has("AND") && has("OR") && !has("(") && !is_spdx() {
        return None;
    }
    Some(parts.join(" ").replace("( ", "(").replace(" )", ")"))
}

/// Licenses with slashes between, as manifests of Cargo had it before they wrote SPDX: one may choose
/// (doc.rust-lang.org/cargo, "The license and license-file fields").
fn either(clause: &str) -> Option<String> {
    let one = |text: &str| spelled(&SPELLINGS.licenses, &[text.trim()]);
    let all: Vec<String> = clause.split('/').map(one).collect::<Option<_>>()?;
    (all.len() > 1).then(|| all.join(" OR "))
}

/// The license that the collected words mean, if there are any; None if they mean none.
#[expect(clippy::option_option, reason = "no words are no mistake, unknown words are")]
fn take(term: &mut Vec<&str>) -> Option<Option<String>> {
    if term.is_empty() {
        return Some(None);
    }
    let words = std::mem::take(term);
    let Some(with) = words.iter().position(|word| word.eq_ignore_ascii_case("with")) else {
        return spelled(&SPELLINGS.licenses, &words).map(Some);
    };
    let (license, exception) = words.split_at(with);
    let license = spelled(&SPELLINGS.licenses, license)?;
    let exception = spelled(&SPELLINGS.exceptions, exception.get(1..)?)?;
    Some(Some(format!("{license} WITH {exception}")))
}

fn spelled(table: &HashMap<String, String>, words: &[&str]) -> Option<String> {
    let text = words.join(" ").to_lowercase();
    let later = || Some(format!("{}+", table.get(text.strip_suffix('+')?)?));
    table.get(&text).cloned().or_else(later)
}

/// From lower case to SPDX.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spellings {
    licenses: HashMap<String, String>,
    addresses: HashMap<String, String>,
    exceptions: HashMap<String, String>,
}

/// The table, and every identifier of the SPDX list under itself.
static SPELLINGS: LazyLock<Spellings> = LazyLock::new(|| {
    let mut table = table();
    for license in spdx::identifiers::LICENSES {
        if license.flags & spdx::flags::IS_DEPRECATED == 0 {
            table.licenses.insert(license.name.to_lowercase(), license.name.to_owned());
        }
    }
    for exception in spdx::identifiers::EXCEPTIONS {
        table.exceptions.insert(exception.name.to_lowercase(), exception.name.to_owned());
    }
    table
});

fn table() -> Spellings {
    let text = include_str!("../../../content/licenses/spellings.toml");
    let written: Spellings = toml::from_str(text).expect("a test reads the same table");
    let lower = |table: HashMap<String, String>| {
        table.into_iter().map(|(from, to)| (from.to_lowercase(), to)).collect()
    };
    Spellings {
        licenses: lower(written.licenses),
        addresses: lower(written.addresses),
        exceptions: lower(written.exceptions),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Declared texts and what they come to; `-` is nothing certain. From rpm, dpkg and apk
    /// databases.
    const CASES: &str = include_str!("../testdata/licenses.txt");

    #[test]
    fn declared_texts_come_to_what_is_certain() {
        for line in CASES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (declared, want) = line.split_once(" => ").expect("two sides");
            let license = License::of(declared);
            assert_eq!(license.as_ref().map_or("-", License::as_str), want, "{declared}");
            let is_id = !want.contains([' ', '(', '+']) && want != "-";
            assert_eq!(matches!(license, Some(License::Id(_))), is_id, "{declared}");
        }
    }

    #[test]
    fn every_line_of_the_table_says_something_that_the_list_knows() {
        let written = table();
        for (from, to) in written.licenses {
            assert!(spdx::license_id(&to).is_some_and(|id| id.name == to), "{from}: {to}");
            let same = spdx::identifiers::LICENSES.iter().find(|it| it.name.to_lowercase() == from);
            let is_needed = same.is_none_or(|it| it.flags & spdx::flags::IS_DEPRECATED != 0);
            assert!(is_needed, "{from} is on the list as it is");
        }
        for (from, to) in written.addresses {
            assert!(spdx::license_id(&to).is_some_and(|id| id.name == to), "{from}: {to}");
        }
        for (from, to) in written.exceptions {
            assert!(spdx::exception_id(&to).is_some(), "{from}: {to}");
        }
    }

    #[test]
    fn hostile_texts_end() {
        for text in
            ["(".repeat(4096), "MIT and ".repeat(500), "a".repeat(1 << 20), ",".repeat(4096)]
        {
            assert_eq!(License::of(&text), None);
        }
    }
}
