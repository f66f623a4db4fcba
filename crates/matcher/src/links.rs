//! Which vulnerable functions a program really links, where both the publisher and the program
//! say so: Go's vulnerability database names functions, and a Go program the ones in it.
//!
//! A program in which none of them is has the module but not the vulnerability: its linker left the
//! code out. Such a finding is told apart with this reason, never dropped. Where either side does
//! not say, the finding stands.

use std::collections::BTreeSet;

use model::Package;

use crate::vulnerability::Said;

/// Functions that are named; the rest are counted.
const SHOWN: usize = 5;

/// What is known of the vulnerable functions.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Links {
    Unknown,
    /// In words.
    Some(String),
    /// None of these, in words.
    None(String),
}

/// What the program that a package was found in links of what statements name.
pub(crate) fn links(package: &Package, said: &[Said<'_>]) -> Links {
    // A record of the database without functions means all of the module.
    let means_all = |one: &Said<'_>| one.advisory.scope.symbols.is_empty() && is_of_go(one);
    let named = said.iter().flat_map(|one| &one.advisory.scope.symbols);
    let named: BTreeSet<&str> = named.map(String::as_str).collect();
    if package.symbols.is_empty() || named.is_empty() || said.iter().any(means_all) {
        return Links::Unknown;
    }
    let linked = |symbol: &&&str| {
        symbol.split_once(' ').is_none_or(|(path, name)| package.symbols.holds(path, name))
    };
    let linked: Vec<&str> = named.iter().filter(linked).copied().collect();
    match linked.as_slice() {
        [] => Links::None(words(&named.into_iter().collect::<Vec<_>>())),
        linked => Links::Some(words(linked)),
    }
}

/// Whether Go's vulnerability database says so.
pub(crate) fn is_of_go(said: &Said<'_>) -> bool {
    let advisory = said.advisory;
    advisory.notices.iter().chain([&advisory.id]).any(|name| name.starts_with("GO-"))
}

/// `example.org/tide.Rise, example.org/tide.Fall and 3 more`.
fn words(symbols: &[&str]) -> String {
    let shown: Vec<String> =
        symbols.iter().take(SHOWN).map(|symbol| symbol.replacen(' ', ".", 1)).collect();
    let more = match symbols.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", shown.join(", "))
}
