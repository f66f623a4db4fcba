//! Which entries of a layer are looked at, and as what: by their own paths, or because links lead to them.

use std::collections::HashMap;

use crate::Analyzer;
use crate::detour::Detour;
use crate::select::{Selector, split};

/// What a pass over a layer is for.
pub(crate) enum Interest {
    /// Whatever is selected by its path, or stands on the way there.
    Selected,
    /// What a second pass was sent for.
    Detours(Detours),
}

/// What a second pass was sent for, by path.
#[derive(Default)]
pub(crate) struct Detours {
    /// With the paths that lead there from where they are wanted: none if only a link is asked for.
    entries: HashMap<String, Vec<String>>,
    /// With the directories that lead there.
    directories: HashMap<String, String>,
}

impl Detours {
    pub(crate) fn new(detours: &[Detour]) -> Self {
        let mut new = Self::default();
        for detour in detours.iter().cloned() {
            match detour {
                // Whoever wants the content also learns where a link leads.
                Detour::Link { at } => drop(new.entries.entry(at).or_default()),
                Detour::File { at, like } => new.entries.entry(at).or_default().push(like),
                Detour::Directory { at, like } => drop(new.directories.insert(at, like)),
            }
        }
        new
    }

    /// What the file at `path` is analyzed as, because links lead to it.
    pub(crate) fn likes(&self, path: &str) -> &[String] {
        self.entries.get(path).map(Vec::as_slice).unwrap_or_default()
    }

    /// The same, because links lead to its directory, if it is wanted there.
    pub(crate) fn in_directory(&self, path: &str, selector: &Selector) -> Option<String> {
        let (directory, name) = split(path);
        let like = format!("{}/{name}", self.directories.get(directory)?);
        (!selector.analyzers(&like).is_empty()).then_some(like)
    }

    /// Whether it was asked what stands at this very path.
    pub(crate) fn names(&self, path: &str) -> bool {
        self.entries.contains_key(path)
    }

    /// Everyone who wants the file at `path` as anything.
    pub(crate) fn analyzers(&self, path: &str, selector: &Selector) -> Vec<&'static dyn Analyzer> {
        let mut analyzers: Vec<&'static dyn Analyzer> = Vec::new();
        let likes = self.likes(path).iter().flat_map(|like| selector.analyzers_of_name(like));
        let there = self.in_directory(path, selector);
        let there = there.iter().flat_map(|like| selector.analyzers(like));
        for analyzer in likes.chain(there) {
            if analyzers.iter().all(|known| known.name() != analyzer.name()) {
                analyzers.push(analyzer);
            }
        }
        analyzers
    }

    /// The directories whose files were asked for, sorted.
    pub(crate) fn into_directories(self) -> Vec<Box<str>> {
        let mut directories: Vec<Box<str>> =
            self.directories.into_keys().map(String::into_boxed_str).collect();
        directories.sort_unstable();
        directories
    }
}
