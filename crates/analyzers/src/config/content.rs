//! All checks of a scan: those of `content/checks`, as they were compiled in, and a user's own.
//!
//! A check is `content/checks/<group>/<id>.toml`; `docs/adding-a-check.md` explains its fields.

use std::fmt;

use include_dir::{Dir, DirEntry, include_dir};

use super::check::{Check, Description, Refusal};
use super::condition::{self, Patterns};
use super::cost::Meter;
use super::judge;

static CONTENT: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../content/checks");

/// The largest file of a user's check.
const CHECK_BYTES_MAX: usize = 256 << 10;

/// Checks that a user may add; each costs on everything that is found.
const CHECKS_MAX: usize = 1000;

/// The checks of a scan.
#[derive(Debug)]
pub struct CheckSet {
    /// By id.
    pub(super) checks: Vec<Check>,
    pub(super) patterns: Patterns,
}

/// Why a user's check is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckError {
    /// The file, as the user named it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub message: String,
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, message } = self;
        write!(f, "`{file}`, line {line}, column {column}: {message}")
    }
}

impl std::error::Error for CheckError {}

impl Default for CheckSet {
    /// Those of the content.
    fn default() -> Self {
        let mut set = Self::empty();
        for (id, text) in texts() {
            let description = toml::from_str(text).expect("a test reads all of the content");
            let check = Check::compile(id, description, &mut set.patterns);
            set.checks.push(check.expect("a test compiles all of the content"));
        }
        set.checks.sort_by(|a, b| a.id.cmp(&b.id));
        set
    }
}

impl CheckSet {
    /// No check at all.
    pub(crate) fn empty() -> Self {
        Self { checks: Vec::new(), patterns: Patterns::default() }
    }

    /// Adds a user's check: the text of a file, whose name without its extension is its id.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), CheckError> {
        let error = |at: usize, message: String| {
            let (line, column) = position(text, at);
            CheckError { file: file.to_owned(), line, column, message }
        };
        if text.len() > CHECK_BYTES_MAX {
            return Err(error(0, format!("more than {CHECK_BYTES_MAX} bytes")));
        }
        if self.checks.len() >= CHECKS_MAX {
            return Err(error(0, format!("more than {CHECKS_MAX} checks")));
        }
        let id = id_of(file);
        if !is_id(id) {
            let message = "the name of the file, which is the check's, has other characters than \
                           a-z, 0-9 and `-`";
            return Err(error(0, message.to_owned()));
        }
        if self.checks.iter().any(|known| known.id == id) {
            return Err(error(0, format!("there is a check `{id}` already")));
        }
        let description: Description = toml::from_str(text).map_err(|it| {
            error(it.span().map_or(0, |span| span.start), it.message().replace('\n', " "))
        })?;
        let refused = |it: Refusal| error(place(text, &it), it.message);
        let check = Check::compile(id, description, &mut self.patterns).map_err(refused)?;
        judge::rehearse(&check, &self.patterns).map_err(|(at, message)| error(at, message))?;
        self.checks.push(check);
        self.checks.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(())
    }
}

/// The ids and texts of the content.
pub(super) fn texts() -> Vec<(&'static str, &'static str)> {
    let mut texts = Vec::new();
    let mut ahead: Vec<&'static Dir<'static>> = vec![&CONTENT];
    while let Some(folder) = ahead.pop() {
        for entry in folder.entries() {
            match entry {
                DirEntry::Dir(inner) => ahead.push(inner),
                DirEntry::File(file) => {
                    let path = file.path().to_str().expect("names of the content are ASCII");
                    let text = file.contents_utf8().expect("a test reads all of the content");
                    texts.push((id_of(path), text));
                }
            }
        }
    }
    texts.sort_unstable();
    texts
}

fn id_of(path: &str) -> &str {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    name.strip_suffix(".toml").unwrap_or(name)
}

pub(super) fn is_id(id: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !id.is_empty() && id.len() <= 100 && id.bytes().all(fits)
}

/// The byte of the file at which something is wrong within a text of it.
fn place(file: &str, refusal: &Refusal) -> usize {
    let Some(fault) = &refusal.fault else { return refusal.at };
    let value = file.get(refusal.at..).unwrap_or_default();
    // Behind the quotes, and a line break that follows them, the expression begins.
    let quotes = if value.starts_with("'''") || value.starts_with("\"\"\"") { 3 } else { 1 };
    let rest = value.get(quotes..).unwrap_or_default();
    let is_multiline = quotes == 3 && rest.starts_with('\n');
    let text = if is_multiline { rest.get(1..).unwrap_or_default() } else { rest };
    let begin = file.len().saturating_sub(text.len());
    let lines = text.split_inclusive('\n').take(fault.line.saturating_sub(1));
    let skipped: usize = lines.map(str::len).sum();
    let line = text.get(skipped..).unwrap_or_default();
    let column = line.chars().take(fault.column.saturating_sub(1)).map(char::len_utf8).sum();
    begin.saturating_add(skipped).saturating_add(column)
}

/// Line and column, from 1, of a byte.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let (lines, last) = before
        .rsplit_once('\n')
        .map_or((0, before), |(all, last)| (all.matches('\n').count().saturating_add(1), last));
    (lines.saturating_add(1), last.chars().count().saturating_add(1))
}

/// Where conditions of these checks are evaluated.
pub(super) fn context(set: &CheckSet, meter: &Meter) -> cel::Context<'static, 'static> {
    condition::context(&set.patterns, meter)
}
