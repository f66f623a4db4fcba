//! All mistakes of a policy that cannot be read as a whole, where reading it ends at the first.
//!
//! The file is taken apart by its lines: each section by itself, and each rule, exception and case of
//! one. A piece is read alone; an entry that is wrong is blanked out, and the rest of the piece read again,
//! so that every mistake keeps its place. What can be read is checked as always. It must never say what is
//! not so: a file whose pieces do not make sense by themselves (one in braces, aliases across pieces) has
//! the first mistake told alone, and so has one whose first mistake is not found in its piece again.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::IgnoredAny;

use super::{PolicyFile, VERSION, check_licenses, read, rules};
use crate::error::PolicyError;
use crate::facts::On;
use crate::rule::OnUnknown;

/// Mistakes that are told; who has more has another file in mind.
const MISTAKES_MAX: usize = 100;
/// Mistakes in one rule, exception or case.
const IN_PIECE_MAX: usize = 16;
/// Pieces that are read; twice what a file has with as many rules and exceptions as may be.
const PIECES_MAX: usize = 20_000;
/// Text that is read for one piece, again and again.
const PIECE_BYTES_MAX: usize = 64 << 10;

/// Every mistake, `first` among them, in the order of their places.
pub(super) fn all(text: &str, source: &str, first: PolicyError) -> Vec<PolicyError> {
    let mut all = Found::default();
    let Some(pieces) = pieces(text) else { return vec![first] };
    let mut sound = Vec::new();
    for piece in &pieces {
        match all.read(piece) {
            Some(file) => sound.push((piece.shift, file)),
            None if all.errors.len() > MISTAKES_MAX => break,
            None => {}
        }
    }
    if !pieces.iter().any(|piece| piece.text.starts_with("version")) {
        let message = "`version` is missing".to_owned();
        all.errors.insert((1, 1), PolicyError { line: 1, column: 1, message, hint: None });
    }
    all.check(&sound, source);
    if !all.errors.contains_key(&(first.line, first.column)) {
        return vec![first];
    }
    let mut errors: Vec<PolicyError> = all.errors.into_values().take(MISTAKES_MAX).collect();
    if let Some(last) = errors.get_mut(MISTAKES_MAX.saturating_sub(1)) {
        last.hint = Some(format!("only the first {MISTAKES_MAX} mistakes are told"));
    }
    errors
}

/// A part of the file that can be read alone.
struct Piece {
    /// What its lines are numbered less than in the file.
    shift: u64,
    text: String,
}

/// The pieces; None if the lines do not tell them.
fn pieces(text: &str) -> Option<Vec<Piece>> {
    let lines: Vec<&str> = text.lines().collect();
    let starts: Vec<usize> = (0..lines.len()).filter(|at| is_key(lines.get(*at))).collect();
    let mut pieces = Vec::new();
    for (position, start) in starts.iter().enumerate() {
        let end = starts.get(position.checked_add(1)?).copied().unwrap_or(lines.len());
        let (head, rest) = lines.get(*start..end)?.split_first()?;
        let items = items(rest);
        if items.is_empty() || !value(head).is_empty() {
            let text = lines.get(*start..end)?.join("\n");
            pieces.push(Piece { shift: u64::try_from(*start).ok()?, text });
        }
        for (at, item) in items.iter().enumerate().filter(|_| value(head).is_empty()) {
            let until = items.get(at.checked_add(1)?).copied().unwrap_or(rest.len());
            let text = format!("{head}\n{}", rest.get(*item..until)?.join("\n"));
            pieces.push(Piece { shift: u64::try_from(start.checked_add(*item)?).ok()?, text });
        }
    }
    if pieces.len() > PIECES_MAX {
        return None;
    }
    let is_sound = |piece: &Piece| {
        piece.text.len() <= PIECE_BYTES_MAX && read::<IgnoredAny>(&piece.text).is_ok()
    };
    (!pieces.is_empty() && pieces.iter().all(is_sound)).then_some(pieces)
}

/// Whether a section begins: `rules:`.
fn is_key(line: Option<&&str>) -> bool {
    line.is_some_and(|line| {
        line.starts_with(|c: char| c.is_ascii_alphabetic()) && line.contains(':')
    })
}

/// What stands behind the first colon, without a comment.
fn value(line: &str) -> &str {
    let value = line.split_once(':').map_or("", |(_, value)| value).trim();
    if value.starts_with('#') { "" } else { value }
}

/// Where the items of a list begin, by the indentation of the first; none if it is no list.
fn items(lines: &[&str]) -> Vec<usize> {
    let is_told = |line: &&&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let first = lines.iter().find(is_told).copied().unwrap_or_default();
    let indent = first.len().saturating_sub(first.trim_start().len());
    let begins = |line: &str| {
        let rest = line
            .get(indent..)
            .filter(|_| line.get(..indent).is_some_and(|it| it.trim().is_empty()));
        rest.is_some_and(|rest| rest == "-" || rest.starts_with("- "))
    };
    (0..lines.len()).filter(|at| lines.get(*at).is_some_and(|line| begins(line))).collect()
}

/// What was found so far, by place.
#[derive(Default)]
struct Found {
    errors: BTreeMap<(u64, u64), PolicyError>,
    /// A rule could not be read: then which names there are is not known.
    lacks_rules: bool,
}

impl Found {
    fn add(&mut self, mut error: PolicyError, shift: u64) {
        if error.line > 0 {
            error.line = error.line.saturating_add(shift);
        }
        self.errors.entry((error.line, error.column)).or_insert(error);
    }

    /// What a piece says; None if something is wrong with it, which is noted.
    fn read(&mut self, piece: &Piece) -> Option<PolicyFile> {
        let mut text = piece.text.clone();
        let (mut blanked, mut seen) = (Vec::new(), BTreeSet::new());
        for _ in 0..IN_PIECE_MAX {
            let error = match read::<PolicyFile>(&text) {
                Ok(file) if seen.is_empty() => return Some(file),
                Ok(_) => break,
                Err(error) => error,
            };
            let place = (error.line, error.column);
            let missing = error.message.strip_suffix("` is missing");
            let missing = missing.and_then(|it| it.strip_prefix('`')).map(str::to_owned);
            // What was blanked out is missing since.
            if missing.as_ref().is_some_and(|it| blanked.contains(it)) || !seen.insert(place) {
                break;
            }
            let is_key = error.message.starts_with("there is no setting");
            self.add(error, piece.shift);
            let rest = missing.is_none().then(|| without(&text, place, is_key)).flatten();
            let Some((rest, key)) = rest else { break };
            blanked.push(key);
            text = rest;
        }
        self.lacks_rules |= piece.text.starts_with("rules");
        None
    }

    /// Checks what could be read.
    fn check(&mut self, files: &[(u64, PolicyFile)], source: &str) {
        let unknown = files.iter().find_map(|(_, file)| file.unknown);
        let unknown = unknown.unwrap_or(OnUnknown::Unknown);
        let mut names: BTreeSet<String> = BTreeSet::new();
        let mut known: Vec<(String, Option<On>)> = Vec::new();
        for (shift, file) in files {
            let mut errors = Vec::new();
            let checked = rules(file, unknown, &mut errors);
            known.extend(checked.into_iter().map(|rule| (rule.id, Some(rule.on))));
            for rule in &file.rules {
                known.push((rule.id.value.clone(), rule.on));
                if !names.insert(rule.id.value.clone()) {
                    let message = format!("two rules are called `{}`", rule.id.value);
                    errors.push(PolicyError::at(&rule.id, message));
                }
            }
            check_licenses(&file.licenses, &mut errors);
            file.tests.iter().for_each(|case| case.check(&mut errors));
            if let Some(version) = file.version.as_ref().filter(|it| it.value != VERSION) {
                errors.push(super::other_version(version));
            }
            errors.into_iter().for_each(|error| self.add(error, *shift));
        }
        let known: Vec<(&str, Option<On>)> =
            known.iter().map(|(name, on)| (name.as_str(), *on)).collect();
        for (shift, file) in files {
            let mut errors = Vec::new();
            for exception in &file.exceptions {
                drop(exception.check(source, &known, &mut errors));
            }
            errors.retain(|it| !(self.lacks_rules && it.message.starts_with("there is no rule")));
            errors.into_iter().for_each(|error| self.add(error, *shift));
        }
    }
}

/// The text with the entry at a place blanked out, and its name; None where the place does not tell the
/// entry, or nothing would be left. `is_key`: the place is that of the name, and not of what it has.
fn without(text: &str, (line, column): (u64, u64), is_key: bool) -> Option<(String, String)> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = usize::try_from(line.checked_sub(1)?).ok()?;
    let column = usize::try_from(column.checked_sub(1)?).ok()?;
    let place = lines.get(at)?.char_indices().nth(column)?.0;
    let key = match in_braces(lines.get(at)?, place) {
        Some((start, end)) => blank(lines.get_mut(at)?, start, end)?,
        None => {
            let start = key_start(lines.get(at)?);
            // What has no name on its line belongs to that of a line above.
            let at = if place > start || is_key { at } else { above(&lines, at, start)? };
            let key = entry(&mut lines, at)?;
            // What has nothing left would be a mistake of its own.
            if let Some(holder) = emptied(&lines, at, start) {
                entry(&mut lines, holder)?;
            }
            key
        }
    };
    let is_left = lines.iter().skip(1).any(|line| !line.trim_matches([' ', '-']).is_empty());
    is_left.then(|| (lines.join("\n"), key))
}

/// Where the entry of `{a: 1, b: 2}` that holds a place begins and ends; None outside of braces.
fn in_braces(line: &str, place: usize) -> Option<(usize, usize)> {
    let mut open: Vec<usize> = Vec::new();
    let mut quote = None;
    for (at, c) in line.char_indices() {
        let next = at.checked_add(c.len_utf8())?;
        match (quote, c) {
            (Some(end), c) if c == end => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{' | '[') => open.push(next),
            (None, ',') if at < place => {
                if let Some(last) = open.last_mut() {
                    *last = next;
                }
            }
            (None, '}' | ']') if at < place => drop(open.pop()),
            _ => {}
        }
        if next > place {
            break;
        }
    }
    let start = *open.last()?;
    let (mut depth, mut quote) = (0_usize, None);
    for (at, c) in line.char_indices().skip_while(|(at, _)| *at < start) {
        match (quote, c) {
            (Some(end), c) if c == end => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{' | '[') => depth = depth.checked_add(1)?,
            (None, ',') if depth == 0 => return Some((start, at.checked_add(1)?)),
            (None, '}' | ']') if depth == 0 => return Some((start, at)),
            (None, '}' | ']') => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}

/// Puts blanks in the place of a part of a line; the name that stood there.
fn blank(line: &mut String, start: usize, end: usize) -> Option<String> {
    let part = line.get(start..end)?;
    let key = part.split(':').next()?.trim().to_owned();
    let blanks = " ".repeat(part.chars().count());
    line.replace_range(start..end, &blanks);
    Some(key)
}

/// Where the name of an entry stands, behind dashes of lists.
fn key_start(line: &str) -> usize {
    let mut rest = line.trim_start();
    while let Some(item) = rest.strip_prefix("- ") {
        rest = item.trim_start();
    }
    line.len().saturating_sub(rest.len())
}

/// The line above whose entry holds what begins at a column.
fn above(lines: &[String], at: usize, start: usize) -> Option<usize> {
    let is_told = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    (1..at)
        .rev()
        .find(|at| lines.get(*at).is_some_and(|line| is_told(line) && key_start(line) < start))
}

/// The line above whose entry held nothing but what was blanked out.
fn emptied(lines: &[String], at: usize, start: usize) -> Option<usize> {
    let holder = above(lines, at, start)?;
    let line = lines.get(holder)?;
    let is_within = |it: &&String| it.len().saturating_sub(it.trim_start().len()) > key_start(line);
    let is_left = lines
        .iter()
        .skip(holder.checked_add(1)?)
        .take_while(|it| it.trim().is_empty() || is_within(it));
    let is_left = is_left.into_iter().any(|it| !it.trim().is_empty());
    (value(line).is_empty() && !is_left).then_some(holder)
}

/// Blanks out an entry with all lines that belong to it; its name.
fn entry(lines: &mut [String], at: usize) -> Option<String> {
    let line = lines.get_mut(at)?;
    let start = key_start(line);
    let has_list = value(line).is_empty();
    let end = line.len();
    let key = blank(line, start, end)?;
    for line in lines.iter_mut().skip(at.checked_add(1)?) {
        let rest = line.trim_start();
        let indent = line.len().saturating_sub(rest.len());
        let belongs = indent > start || (has_list && indent == start && rest.starts_with('-'));
        if !belongs && !rest.is_empty() {
            break;
        }
        line.clear();
    }
    Some(key)
}
