//! Programs that start others: which words of theirs are the command.

use super::Command;

/// Options of `xargs` that take the next word.
const OF_XARGS: [&str; 10] =
    ["-I", "-n", "-P", "-L", "-d", "-a", "-s", "-E", "--max-args", "--max-procs"];

/// Commands of one `find` that are looked at; people write one.
const STARTED_MAX: usize = 16;

/// The words of the commands that `xargs`, `find` and the like start.
pub(super) fn started(command: &Command) -> Vec<Vec<String>> {
    match &*command.program {
        "xargs" => {
            let inner = behind_options(&command.words, &OF_XARGS).unwrap_or_default();
            if inner.is_empty() { Vec::new() } else { vec![inner.to_vec()] }
        }
        "find" => of_find(&command.words),
        "runuser" => {
            let at = command.words.iter().position(|word| word == "--");
            let inner = at.and_then(|at| command.words.get(at.saturating_add(1)..));
            inner.map(<[String]>::to_vec).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// What follows the options, of which some take the next word.
fn behind_options<'w>(words: &'w [String], taking: &[&str]) -> Option<&'w [String]> {
    let mut at = 0_usize;
    while let Some(word) = words.get(at).filter(|word| word.starts_with('-')) {
        at = at.saturating_add(if taking.contains(&word.as_str()) { 2 } else { 1 });
    }
    words.get(at..)
}

/// Each command between `-exec` and its end.
fn of_find(words: &[String]) -> Vec<Vec<String>> {
    let begins = |word: &String| matches!(&**word, "-exec" | "-execdir" | "-ok" | "-okdir");
    let ends = |word: &&String| !matches!(&***word, ";" | "+");
    let places = words.iter().enumerate().filter(|(_, word)| begins(word)).map(|(at, _)| at);
    let commands = places.map(|at| {
        words.iter().skip(at.saturating_add(1)).take_while(ends).cloned().collect::<Vec<_>>()
    });
    commands.filter(|words| !words.is_empty()).take(STARTED_MAX).collect()
}

/// What `su` hands to the shell of a user.
pub(super) fn script_of_su(words: &[String]) -> Option<&str> {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.strip_prefix("--command=") {
            Some(script) => return Some(script),
            None if matches!(&**word, "-c" | "--command" | "-lc") => {
                return words.next().map(String::as_str);
            }
            None => {}
        }
    }
    None
}

/// Whether a command follows the operand that comes first.
pub(super) fn has_more(words: &[String]) -> bool {
    words.iter().filter(|word| !word.starts_with('-')).count() > 1
}

/// Takes the options and the first operand off.
pub(super) fn skip_operand(words: &mut std::slice::Iter<'_, String>, taking: &[&str]) {
    while let Some(word) = words.next() {
        if taking.contains(&word.as_str()) {
            words.next();
        } else if !word.starts_with('-') {
            return;
        }
    }
}
