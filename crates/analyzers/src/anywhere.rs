//! Files that are wanted wherever they stand: by name, by the name of their directory, or because
//! they are programs.
//!
//! One look-up of the whole name and one of its extension, whatever the number of analyzers; only
//! the few patterns that end in `*` are tried one by one.

use std::collections::HashMap;

use crate::Analyzer;
use crate::select::split;

/// The patterns of all analyzers, compiled.
#[derive(Default)]
pub(crate) struct Anywhere {
    named: HashMap<&'static str, Vec<Wanted>>,
    /// By what follows the last dot.
    extended: HashMap<&'static str, Vec<Wanted>>,
    beginning: Vec<Wanted>,
    executables: Vec<&'static dyn Analyzer>,
    any: Vec<&'static dyn Analyzer>,
}

struct Wanted {
    directory: Pattern,
    name: Pattern,
    analyzer: &'static dyn Analyzer,
}

/// A text with at most one `*`, at its beginning or its end.
#[derive(Clone, Copy)]
enum Pattern {
    Exactly(&'static str),
    Beginning(&'static str),
    Ending(&'static str),
}

impl Anywhere {
    pub(crate) fn add(
        &mut self,
        directory: &'static str,
        name: &'static str,
        analyzer: &'static dyn Analyzer,
    ) {
        let directory = Pattern::of(directory);
        let name = Pattern::of(name);
        let wanted = Wanted { directory, name, analyzer };
        match name {
            Pattern::Exactly(name) => self.named.entry(name).or_default().push(wanted),
            // All there is in such a directory.
            Pattern::Ending("") => self.beginning.push(wanted),
            Pattern::Ending(end) => {
                self.extended.entry(extension(end)).or_default().push(wanted);
            }
            Pattern::Beginning(_) => self.beginning.push(wanted),
        }
    }

    pub(crate) fn add_executables(&mut self, analyzer: &'static dyn Analyzer) {
        self.executables.push(analyzer);
    }

    pub(crate) fn add_any(&mut self, analyzer: &'static dyn Analyzer) {
        self.any.push(analyzer);
    }

    /// The analyzers that want the file, each once.
    pub(crate) fn analyzers(&self, path: &str, mode: u32) -> Vec<&'static dyn Analyzer> {
        let mut analyzers: Vec<&'static dyn Analyzer> = Vec::new();
        for analyzer in self.by_name(path) {
            if analyzers.iter().all(|known| known.name() != analyzer.name()) {
                analyzers.push(analyzer);
            }
        }
        if mode & EXECUTE != 0 {
            for &analyzer in &self.executables {
                if analyzers.iter().all(|known| known.name() != analyzer.name()) {
                    analyzers.push(analyzer);
                }
            }
        }
        analyzers.extend(&self.any);
        analyzers
    }

    /// The analyzers that look for packages in a file of this name; one may come twice.
    pub(crate) fn packages(&self, path: &str) -> impl Iterator<Item = &'static dyn Analyzer> {
        self.by_name(path).filter(|analyzer| analyzer.check().is_none())
    }

    fn by_name(&self, path: &str) -> impl Iterator<Item = &'static dyn Analyzer> {
        let (directory, name) = split(path);
        let directory = split(directory).1;
        let by_name = self.named.get(name).into_iter().flatten();
        let by_extension = self.extended.get(extension(name)).into_iter().flatten();
        let wanted = by_name.chain(by_extension).chain(&self.beginning);
        wanted
            .filter(move |it| it.name.fits(name) && it.directory.fits(directory))
            .map(|it| it.analyzer)
    }
}

/// Anybody's right to execute (inode(7)).
const EXECUTE: u32 = 0o111;

impl Pattern {
    fn of(text: &'static str) -> Self {
        if let Some(end) = text.strip_prefix('*') {
            Self::Ending(end)
        } else if let Some(beginning) = text.strip_suffix('*') {
            Self::Beginning(beginning)
        } else {
            Self::Exactly(text)
        }
    }

    fn fits(self, text: &str) -> bool {
        match self {
            Self::Exactly(exactly) => text == exactly,
            Self::Beginning(beginning) => text.starts_with(beginning),
            Self::Ending(end) => text.ends_with(end),
        }
    }
}

/// What follows the last dot; all of a name that has none.
fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, extension)| extension)
}
