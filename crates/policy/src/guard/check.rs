//! Checking: texts of the file become patterns and lists, and mistakes are gathered with their places.

use std::collections::BTreeMap;

use serde_saphyr::Spanned;

use super::list::ListFile;
use super::{ReadList, list};
use crate::error::PolicyError;
use crate::glob::Glob;
use crate::suggest;

/// Texts in all, those of a list as often as it is named: two large lists of bad domains.
const WORDS_MAX: usize = 200_000;
/// Patterns with wildcards in all: each is an automaton of some 20 KiB.
const WILD_MAX: usize = 2_000;
/// Mistakes that are kept: a file of the wrong kind has one a line.
const MISTAKES_MAX: usize = 200;
/// What stands before the name of a list.
const LIST: &str = "list:";

/// A text with its place.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) text: String,
    line: u64,
    column: u64,
    /// In which line of which list's file; empty where it stands in the policy.
    within: String,
}

impl Word {
    pub(super) fn new(text: &Spanned<String>) -> Self {
        Self {
            text: text.value.clone(),
            line: text.referenced.line(),
            column: text.referenced.column(),
            within: String::new(),
        }
    }

    /// One of a file, which is named at `place`.
    pub(super) fn of_file(text: &str, place: &Spanned<String>, line: usize) -> Self {
        let within = format!("`{}`, line {line}: ", place.value);
        Self { text: text.to_owned(), within, ..Self::new(place) }
    }

    pub(super) fn mistake(&self, message: impl AsRef<str>) -> PolicyError {
        let message = format!("{}{}", self.within, message.as_ref());
        PolicyError { line: self.line, column: self.column, message, hint: None }
    }
}

/// What is known while a file is checked.
pub(super) struct Check {
    lists: BTreeMap<String, Vec<Word>>,
    pub(super) errors: Vec<PolicyError>,
    words_left: usize,
    wild_left: usize,
}

impl Check {
    pub(super) fn new() -> Self {
        Self {
            lists: BTreeMap::new(),
            errors: Vec::new(),
            words_left: WORDS_MAX,
            wild_left: WILD_MAX,
        }
    }

    /// Takes the lists, which everything else may name.
    pub(super) fn lists(&mut self, files: &[ListFile], read: ReadList<'_>) {
        for file in files {
            let words = list::words(file, read, &mut self.errors);
            let id = &file.id.value;
            if self.lists.insert(id.clone(), words).is_some() {
                let message = format!("two lists are called `{id}`");
                self.errors.push(PolicyError::at(&file.id, message));
            }
        }
    }

    pub(super) fn count<T>(&mut self, entries: &[Spanned<T>], limit: usize, what: &str) {
        if let Some(entry) = entries.get(limit) {
            self.errors.push(PolicyError::at(entry, format!("more than {limit} {what}")));
        }
    }

    pub(super) fn wrong(&mut self, place: &Spanned<String>, message: impl Into<String>) {
        self.errors.push(PolicyError::at(place, message));
    }

    /// The texts, with lists in their places.
    pub(super) fn words(&mut self, texts: &[Spanned<String>]) -> Vec<Word> {
        let mut words = Vec::new();
        for text in texts {
            let named = text.value.strip_prefix(LIST).map(|name| (name, self.lists.get(name)));
            match named {
                None => words.push(Word::new(text)),
                Some((_, Some(list))) => words.extend(list.iter().take(self.words_left).cloned()),
                Some((name, None)) => {
                    let message = format!("there is no list `{name}`");
                    let hint = suggest::hint(name, self.lists.keys().map(String::as_str));
                    let hint = Some(hint).filter(|_| !self.lists.is_empty());
                    self.errors.push(PolicyError::at(text, message).hint(hint));
                }
            }
            if words.len() >= self.words_left {
                let message = format!(
                    "more than {WORDS_MAX} texts in all, those of a list as often as it is named"
                );
                self.wrong(text, message);
                return Vec::new();
            }
        }
        self.words_left -= words.len();
        words
    }

    /// Patterns of names, in which `*` is anything.
    pub(super) fn names(&mut self, texts: &[Spanned<String>]) -> Vec<Glob> {
        let words = self.words(texts);
        words.iter().filter_map(|word| self.glob(word, Glob::name)).collect()
    }

    pub(super) fn name(&mut self, text: &Spanned<String>) -> Option<Glob> {
        self.glob(&Word::new(text), Glob::name)
    }

    /// Patterns of paths, in which `*` stays within one folder.
    pub(super) fn paths(&mut self, texts: &[Spanned<String>]) -> Vec<Glob> {
        let words = self.words(texts);
        words.iter().filter_map(|word| self.path(word)).collect()
    }

    fn path(&mut self, word: &Word) -> Option<Glob> {
        // What is in memory alone has a name and no folder.
        let is_whole = word.text.starts_with(['/', '*']) || word.text.starts_with("memfd:");
        if !is_whole {
            let message = format!("`{}` begins neither with `/` nor with `**`", word.text);
            let hint = "paths are those that a process sees, from its root on";
            self.errors.push(word.mistake(message).hint(Some(hint.to_owned())));
            return None;
        }
        self.glob(word, Glob::path)
    }

    pub(super) fn glob(
        &mut self,
        word: &Word,
        compile: fn(&str) -> Result<Glob, String>,
    ) -> Option<Glob> {
        if word.text.contains(['*', '?']) {
            let Some(left) = self.wild_left.checked_sub(1) else {
                let message = format!("more than {WILD_MAX} patterns with `*` or `?` in all");
                self.errors.push(word.mistake(message));
                return None;
            };
            self.wild_left = left;
        }
        compile(&word.text).map_err(|message| self.errors.push(word.mistake(message))).ok()
    }

    /// All mistakes, in the order of their places.
    pub(super) fn mistakes(self) -> Vec<PolicyError> {
        let mut errors = self.errors;
        errors.sort_by_key(|error| (error.line, error.column));
        errors.dedup();
        errors.truncate(MISTAKES_MAX);
        errors
    }
}
