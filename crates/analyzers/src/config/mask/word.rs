//! One word as a shell reads it, for every expression that has to know where a secret ends.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// What words are made of: texts in any quotes, what a command writes, escaped characters, plain
/// ones.
pub(super) const PIECES: &str = concat!(
    r#""(?:[^"\\]|\\(?s:.))*"|\$'(?:[^'\\]|\\(?s:.))*'|'[^']*'"#,
    r"|\$\((?:[^()\n]|\([^()\n]*\))*\)|`[^`\n]*`",
    r#"|\\"[^"\\]*\\"|\\[^\n]|[^\s"'`|;&\\]"#,
);

/// What stands between quotes.
static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?s)"(?:[^"\\]|\\.)*"|'[^']*'|\\."#).expect("a test compiles it")
});

/// The expression of one word that is no option. A quote that nothing closes runs to the end of the
/// line.
pub(super) fn operand() -> String {
    let first = PIECES.replace(r#"[^\s"'`|;&\\]"#, r#"[^\s"'`|;&\\-]"#);
    format!(r#"(?:(?:{first})(?:{PIECES})*|["'][^\n]*)"#)
}

/// Where texts in quotes stand, without their quotes.
pub(super) fn quoted(text: &str) -> Vec<Range<usize>> {
    let inner = |range: Range<usize>| range.start.saturating_add(1)..range.end.saturating_sub(1);
    let found = QUOTED.find_iter(text).filter(|found| !found.as_str().starts_with('\\'));
    found.map(|found| inner(found.range())).collect()
}

/// A word that begins within quotes ends with them at the latest.
pub(super) fn ended(word: Range<usize>, quoted: &[Range<usize>]) -> Range<usize> {
    let before = quoted.partition_point(|quotes| quotes.start <= word.start);
    let within = before.checked_sub(1).and_then(|at| quoted.get(at));
    let end = within.map(|quotes| quotes.end).filter(|end| *end > word.start);
    word.start..end.map_or(word.end, |end| word.end.min(end))
}
