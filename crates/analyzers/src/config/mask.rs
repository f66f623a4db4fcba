//! Takes secrets out of texts, so that what is left may be looked at and shown.
//!
//! Three things make a value one: that the finder of secrets says so, that its name does (`named`),
//! and that it stands where a command awaits one (`commands`, `fed`). Values of the latter kinds need
//! no form (`DB_PASSWORD=hunter2`, `mysql -phunter2`). All of them read words alike (`word`), and a
//! script within a command by itself (`scripts`). This is the one redactor of texts that are
//! shown: of commands, variables and labels, in checks and in reports. Where it is in doubt it hides:
//! the name of a database that is taken for a password is no loss.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::list;
use crate::secret::FINDER;

mod commands;
mod fed;
mod named;
mod scripts;
mod telling;
mod word;

#[cfg(test)]
mod tests;

pub(crate) use self::telling::gives_away;
use self::telling::is_literal;

/// Where secrets may stand in a text.
type Places = Vec<Range<usize>>;

/// What was put in the place of a secret.
static MARK: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"…_\d+_characters").expect("a test compiles it"));

/// `NAME=value`, of which the value is masked where it is or gives away a secret.
pub fn value(name: &str, value: &str) -> String {
    if gives_away(name, value) {
        return masked(value);
    }
    let line = FINDER.redacted(&format!("{name}={value}"), in_a_word);
    let kept = line.strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
    kept.map_or_else(|| masked(value), without_told)
}

/// A text of any kind with nothing in it that is or gives away a secret.
pub fn text(text: &str) -> String {
    without_told(&FINDER.redacted(text, in_a_word))
}

/// The words of one command, each of which may tell what the next one is.
pub fn words(words: &[String]) -> Vec<String> {
    let mut line = String::new();
    let mut shape = String::new();
    let mut ends = Vec::new();
    for (at, word) in words.iter().enumerate() {
        // What ends a command or a word means nothing within one that stands alone, and a script is
        // looked into by itself.
        let is_script = scripts::is_one(words, at);
        let is_plain = |c: char| !(is_script || c.is_whitespace() || "\"'|;&\\<>`()".contains(c));
        line.push_str(word);
        // As many bytes, so that places are the same.
        shape.extend(word.chars().flat_map(|c| {
            let (shown, times) = if is_plain(c) { (c, 1) } else { ('_', c.len_utf8()) };
            std::iter::repeat_n(shown, times)
        }));
        ends.push(line.len());
        line.push('\r');
        shape.push('\r');
    }
    let secrets = secrets(&shape, &line);
    let mut secrets = secrets.iter().peekable();
    let mut begin = 0;
    let word = |end: usize| {
        let mut shown = String::new();
        let mut at = begin;
        while let Some(secret) = secrets.next_if(|it| it.start < end) {
            shown.push_str(line.get(at..secret.start).unwrap_or_default());
            let till = secret.end.min(end);
            shown.push_str(&masked(line.get(secret.start..till).unwrap_or_default()));
            at = till;
        }
        shown.push_str(line.get(at..end).unwrap_or_default());
        begin = end.saturating_add(1);
        text(&shown)
    };
    ends.into_iter().map(word).collect()
}

/// The two parts of the command that a container runs: the program of the first may await a secret
/// in the second.
pub fn command(entrypoint: &[String], command: &[String]) -> (Vec<String>, Vec<String>) {
    let mut first = words(&[entrypoint, command].concat());
    let second = first.split_off(entrypoint.len().min(first.len()));
    (first, second)
}

/// The masked words of a command if there is a secret in them.
pub(crate) fn told_by(words: &[String]) -> Option<String> {
    let masked = self::words(words);
    (masked != words).then(|| masked.join(" "))
}

/// The text without what names and commands tell to be secret, the finder's are taken out already.
fn without_told(text: &str) -> String {
    let (text, lists) = without_listed(text);
    let shape = scripts::blank(&text, &lists);
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    for secret in secrets(&shape, &text) {
        shown.push_str(text.get(at..secret.start).unwrap_or_default());
        shown.push_str(&masked(text.get(secret.clone()).unwrap_or_default()));
        at = secret.end;
    }
    shown.push_str(text.get(at..).unwrap_or_default());
    shown
}

/// The same of commands whose words stand in brackets, and where the words now stand. Calls itself
/// for lists within quotes, whose escapes grow twofold with each.
fn without_listed(text: &str) -> (String, Places) {
    let mut shown = String::with_capacity(text.len());
    let mut places = Places::new();
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('[')) {
        let list = list::at(text, at.saturating_add(found));
        let texts: Vec<String> = list.elements.iter().map(|it| it.text.clone()).collect();
        for (element, masked) in list.elements.iter().zip(words(&texts)) {
            shown.push_str(text.get(at..element.range.start).unwrap_or_default());
            let begin = shown.len();
            if element.text == masked {
                shown.push_str(text.get(element.range.clone()).unwrap_or_default());
            } else {
                shown.push_str(&serde_json::to_string(&masked).unwrap_or_default());
            }
            places.push(begin..shown.len());
            at = element.range.end;
        }
        shown.push_str(text.get(at..list.end).unwrap_or_default());
        at = list.end;
    }
    shown.push_str(text.get(at..).unwrap_or_default());
    (shown, places)
}

/// Where secrets stand in a text whose places are found in its `shape`: in order, one behind the
/// other. Calls itself for scripts in quotes, which hold no others in the same quotes.
fn secrets(shape: &str, text: &str) -> Places {
    let scripts = scripts::quoted(shape);
    let mut places = Places::new();
    for script in &scripts {
        let inner = text.get(script.clone()).unwrap_or_default();
        let moved = |at: usize| script.start.saturating_add(at);
        places.extend(secrets(inner, inner).iter().map(|it| moved(it.start)..moved(it.end)));
    }
    let shape = scripts::blank(shape, &scripts);
    let quoted = word::quoted(&shape);
    let mut found = Places::new();
    named::find(&shape, &mut found);
    commands::find(&shape, &mut found);
    fed::find(&shape, &mut found);
    places.extend(found.into_iter().map(|place| word::ended(place, &quoted)));
    places.retain(|place| {
        let secret = text.get(place.clone()).unwrap_or_default();
        is_literal(secret) && !MARK.is_match(secret)
    });
    places.sort_unstable_by_key(|place| (place.start, std::cmp::Reverse(place.end)));
    let mut end = 0;
    places.retain(|place| {
        let is_new = place.start >= end;
        end = end.max(place.end);
        is_new
    });
    places
}

/// An excerpt without blanks and brackets: what it stands in is a single word of a command.
fn in_a_word(excerpt: String) -> String {
    excerpt.replace(" (", "_").replace(' ', "_").replace(')', "")
}

/// Whether something in a masked text was put in the place of a secret.
pub(crate) fn is_marked(text: &str) -> bool {
    MARK.is_match(text)
}

/// Says no more than that something was there.
fn masked(value: &str) -> String {
    format!("…_{}_characters", value.chars().count())
}
