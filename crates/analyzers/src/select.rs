//! Which paths are worth reading, decided for all analyzers at once.
//!
//! An image has a hundred thousand paths and almost none of them matter, so the question must not
//! cost one comparison an analyzer: all [`Select`]s are compiled into one table by directory, and
//! a path is judged by a single look-up of the directory it lies in.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use crate::{ALL, Analyzer};

/// A pattern of paths. Paths are relative to the root, without a leading slash.
#[derive(Clone, Copy, Debug)]
pub enum Select {
    /// This very path.
    Path(&'static str),
    /// The files directly in a directory whose names end in `suffix` (which may be empty).
    In { directory: &'static str, suffix: &'static str },
    /// As `In`, for files that are looked up by their names when another file speaks of them, and
    /// that nobody lists.
    Consulted { directory: &'static str, suffix: &'static str },
    /// `name` in any directory directly below `directory`; looked up as `Consulted` is.
    Below { directory: &'static str, name: &'static str },
}

/// The selects of all analyzers, compiled.
pub(crate) struct Selector {
    by_directory: HashMap<&'static str, Vec<Rule>>,
    below: Vec<(&'static str, &'static str, &'static dyn Analyzer)>,
    /// Every directory on the way to a selected path: a link there decides what is found.
    ways: HashSet<&'static str>,
}

struct Rule {
    name: Name,
    analyzer: &'static dyn Analyzer,
}

enum Name {
    Exactly(&'static str),
    Ending(&'static str),
}

/// The selector of [`ALL`].
pub(crate) static SELECTOR: LazyLock<Selector> = LazyLock::new(|| Selector::new(ALL));

impl Selector {
    fn new(analyzers: &[&'static dyn Analyzer]) -> Self {
        let mut new =
            Self { by_directory: HashMap::new(), below: Vec::new(), ways: HashSet::new() };
        for &analyzer in analyzers {
            for &select in analyzer.selects() {
                new.add(select, analyzer);
            }
        }
        new
    }

    fn add(&mut self, select: Select, analyzer: &'static dyn Analyzer) {
        let (directory, name) = match select {
            Select::Path(path) => {
                let (directory, name) = split(path);
                (directory, Name::Exactly(name))
            }
            Select::In { directory, suffix } | Select::Consulted { directory, suffix } => {
                (directory, Name::Ending(suffix))
            }
            Select::Below { directory, name } => {
                self.below.push((directory, name, analyzer));
                self.add_ways(directory);
                return;
            }
        };
        self.by_directory.entry(directory).or_default().push(Rule { name, analyzer });
        self.add_ways(directory);
    }

    fn add_ways(&mut self, directory: &'static str) {
        let mut way = directory;
        while !way.is_empty() {
            self.ways.insert(way);
            way = split(way).0;
        }
    }

    /// The analyzers that want the file at `path`; mostly none, which costs no allocation.
    pub(crate) fn analyzers(&self, path: &str) -> Vec<&'static dyn Analyzer> {
        let (directory, name) = split(path);
        let mut wanting = Vec::new();
        for rule in self.by_directory.get(directory).into_iter().flatten() {
            if rule.name.fits(name) {
                wanting.push(rule.analyzer);
            }
        }
        for &(ancestor, wanted, analyzer) in &self.below {
            if name == wanted && split(directory).0 == ancestor {
                wanting.push(analyzer);
            }
        }
        wanting
    }

    /// Whether something other than a directory at `path` decides where a selected path leads.
    pub(crate) fn is_way(&self, path: &str) -> bool {
        let parent = split(path).0;
        self.ways.contains(path) || self.below.iter().any(|(directory, ..)| *directory == parent)
    }
}

impl Name {
    fn fits(&self, name: &str) -> bool {
        match self {
            Self::Exactly(exactly) => name == *exactly,
            Self::Ending(suffix) => name.ends_with(suffix),
        }
    }
}

/// Directory and name; the directory of a path without a slash is empty.
pub(crate) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// The selects of all analyzers, in the order of the list.
pub(crate) fn all() -> impl Iterator<Item = &'static Select> {
    ALL.iter().flat_map(|analyzer| analyzer.selects())
}
