//! Scripts within commands (`sh -c "…"`), which are commands of their own: what their quotes hold is
//! no single word, and no secret because a name within it is followed by one.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// Programs that run a script behind `-c`.
const SHELLS: &str = "(?:(?:ba|da|a|k|z)?sh|su|runuser)";

static QUOTED: LazyLock<Regex> = LazyLock::new(|| {
    let script = r#"(?s:"(?<double>(?:[^"\\]|\\.)*)"|'(?<single>[^']*)')"#;
    let quoted = format!(r#"(?:^|[\s/;&|(]){SHELLS}(?:\s+[^\s"'|;&]+)*?\s+-\w*c\s+{script}"#);
    Regex::new(&quoted).expect("a test compiles it")
});

static SHELL: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&format!("(?:^|/){SHELLS}$")).expect("a test compiles it"));

/// Where scripts stand in a text, without their quotes.
pub(super) fn quoted(text: &str) -> Vec<Range<usize>> {
    let found = QUOTED.captures_iter(text);
    found.filter_map(|it| it.iter().skip(1).flatten().next().map(|script| script.range())).collect()
}

/// Whether a word of a command is a script: behind `-c`, as a test of health in Docker's form, or
/// because there is no other word that could tell of it.
pub(super) fn is_one(words: &[String], at: usize) -> bool {
    let Some(before) = at.checked_sub(1) else {
        return matches!(words, [word] if !word.starts_with('-'));
    };
    let before = words.split_at_checked(before);
    let Some((first, [option, ..])) = before else { return false };
    let is_letters = |letters: &str| {
        letters.ends_with('c') && letters.chars().all(|c| c.is_ascii_alphanumeric())
    };
    option == "CMD-SHELL"
        || option.strip_prefix('-').is_some_and(is_letters)
            && first.iter().any(|word| SHELL.is_match(word))
}

/// The text with nothing in these places, which stay as long as they were.
pub(super) fn blank(text: &str, places: &[Range<usize>]) -> String {
    let mut blank = String::with_capacity(text.len());
    let mut at = 0;
    for place in places {
        blank.push_str(text.get(at..place.start).unwrap_or_default());
        blank.extend(std::iter::repeat_n('_', place.len()));
        at = place.end;
    }
    blank.push_str(text.get(at..).unwrap_or_default());
    blank
}
