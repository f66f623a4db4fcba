//! Licenses as R's packages declare them ("Writing R Extensions", 1.1.2): `GPL (>= 2) | MIT + file LICENSE`,
//! where `|` leaves the choice and parentheses restrict the version.
//!
//! What a file says beside a license that is whole without it (`GPL-3 + file LICENSE`) may restrict it, and
//! nobody here reads that file.

use super::{SPELLINGS, spelled};

/// Licenses that are templates, of which the file has the year and the holder alone.
const TEMPLATES: &[&str] = &["BSD_2_clause", "BSD_3_clause", "MIT"];

/// What stands after them.
const FILES: &[&str] = &["file LICENSE", "file LICENCE"];

/// The expression that a clause means; None where it is not in this form, or not certain.
pub(super) fn translate(clause: &str) -> Option<String> {
    if !clause.contains(['|', '+', '(']) {
        return None;
    }
    let choices: Vec<String> =
        clause.split('|').map(|one| choice(one.trim())).collect::<Option<_>>()?;
    Some(choices.join(" OR "))
}

fn choice(text: &str) -> Option<String> {
    if let Some((template, file)) = text.split_once('+')
        && TEMPLATES.contains(&template.trim())
        && FILES.contains(&file.trim())
    {
        return spelled(&SPELLINGS.licenses, &[template.trim()]);
    }
    let Some((name, restriction)) = text.split_once('(') else {
        return spelled(&SPELLINGS.licenses, &[text]);
    };
    let restriction = restriction.strip_suffix(')')?.trim();
    let (version, later) = match restriction.strip_prefix(">=") {
        Some(version) => (version.trim(), "+"),
        None => (restriction.strip_prefix("==")?.trim(), ""),
    };
    let is_version = |c: char| c.is_ascii_digit() || c == '.';
    if version.is_empty() || !version.chars().all(is_version) {
        return None;
    }
    let name = name.trim();
    let versions = [version.to_owned(), format!("{version}.0")];
    let ways = versions
        .iter()
        .flat_map(|version| ["-", " "].map(|between| format!("{name}{between}{version}{later}")));
    ways.into_iter().find_map(|way| spelled(&SPELLINGS.licenses, &[&way]))
}
