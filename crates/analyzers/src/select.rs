//! Which paths are worth reading, decided for all analyzers at once.
//!
//! An image has a hundred thousand paths and almost none of them matter, so the question must not
//! cost one comparison an analyzer: all [`Select`]s are compiled into one table by directory, and
//! a path is judged by a single look-up of the directory it lies in, which entries that follow
//! each other mostly share, and two of its name for what is wanted wherever it stands
//! (`anywhere.rs`).

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::anywhere::Anywhere;
use crate::{ALL, Analyzer, Checks};

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
    /// `name` in any directory directly below `directory`, but for directories that other selects
    /// name; looked up as `Consulted` is.
    Below { directory: &'static str, name: &'static str },
    /// Files of this name in any directory of that name, wherever they stand. A `*` at the
    /// beginning or the end of either matches anything; names that begin with one end in an
    /// extension, or with it. Symbolic links are followed only to files that nobody would have read for the
    /// same: a file speaks where it is.
    Anywhere { directory: &'static str, name: &'static str },
    /// Programs: files that may be executed, wherever they stand.
    Executable,
    /// Every file there is.
    Any,
}

/// Directories at the root that distributions have merged into `usr`, and left links for.
pub(crate) const MERGED: [&str; 6] = ["bin", "lib", "lib32", "lib64", "libx32", "sbin"];

/// The selects of all analyzers, compiled.
pub(crate) struct Selector {
    directories: HashMap<&'static str, Rules>,
    /// What holds in every directory directly below one.
    below: HashMap<&'static str, Rules>,
    anywhere: Anywhere,
}

/// What matters in one directory.
#[derive(Default)]
pub(crate) struct Rules {
    wanted: Vec<(Name, &'static dyn Analyzer)>,
    /// Names on the way to selected paths: a link there decides what is found.
    ways: Vec<Name>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Exactly(&'static str),
    Ending(&'static str),
}

/// The selectors of all sets of checks, by their numbers.
static SELECTORS: [OnceLock<Selector>; Checks::SETS] = [const { OnceLock::new() }; Checks::SETS];

static NOTHING: Rules = Rules { wanted: Vec::new(), ways: Vec::new() };

impl Selector {
    /// The selector of those in [`ALL`] that these checks need.
    pub(crate) fn of(checks: Checks) -> &'static Self {
        static NONE: OnceLock<Selector> = OnceLock::new();
        let selector = SELECTORS.get(checks.number()).unwrap_or(&NONE);
        selector.get_or_init(|| Self::new(checks))
    }

    fn new(checks: Checks) -> Self {
        let (directories, below) = (HashMap::new(), HashMap::new());
        let mut new = Self { directories, below, anywhere: Anywhere::default() };
        for &analyzer in ALL.iter().filter(|analyzer| checks.include(analyzer.check())) {
            for &select in analyzer.selects() {
                new.add(select, analyzer);
            }
        }
        MERGED.iter().for_each(|name| new.add_way("", Name::Exactly(name)));
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
                let rules = self.below.entry(directory).or_default();
                rules.wanted.push((Name::Exactly(name), analyzer));
                self.add_way(directory, Name::Ending(""));
                return self.add_ways(directory);
            }
            Select::Anywhere { directory, name } => {
                return self.anywhere.add(directory, name, analyzer);
            }
            Select::Executable => return self.anywhere.add_executables(analyzer),
            Select::Any => return self.anywhere.add_any(analyzer),
        };
        self.directories.entry(directory).or_default().wanted.push((name, analyzer));
        self.add_ways(directory);
    }

    /// The directory itself and all above it.
    fn add_ways(&mut self, directory: &'static str) {
        let mut way = directory;
        while !way.is_empty() {
            let (above, name) = split(way);
            self.add_way(above, Name::Exactly(name));
            way = above;
        }
    }

    fn add_way(&mut self, directory: &'static str, name: Name) {
        let ways = &mut self.directories.entry(directory).or_default().ways;
        if !ways.contains(&name) {
            ways.push(name);
        }
    }

    /// What matters in a directory; mostly nothing.
    pub(crate) fn rules(&self, directory: &str) -> &Rules {
        self.directories
            .get(directory)
            .or_else(|| self.below.get(split(directory).0))
            .unwrap_or(&NOTHING)
    }

    /// The analyzers that want the file at `path` because it stands there.
    pub(crate) fn analyzers(&self, path: &str) -> Vec<&'static dyn Analyzer> {
        let (directory, name) = split(path);
        self.rules(directory).analyzers(name).collect()
    }

    /// These, and those that look for packages in files of its name wherever they stand; each once.
    pub(crate) fn analyzers_of_name(&self, path: &str) -> Vec<&'static dyn Analyzer> {
        let mut analyzers = self.analyzers(path);
        for analyzer in self.anywhere.packages(path) {
            if analyzers.iter().all(|known| known.name() != analyzer.name()) {
                analyzers.push(analyzer);
            }
        }
        analyzers
    }

    /// What is wanted wherever it stands.
    pub(crate) fn anywhere(&self) -> &Anywhere {
        &self.anywhere
    }
}

impl Rules {
    /// The analyzers that want the file of this name.
    pub(crate) fn analyzers(&self, name: &str) -> impl Iterator<Item = &'static dyn Analyzer> {
        let wanted = self.wanted.iter().filter(move |(wanted, _)| wanted.fits(name));
        wanted.map(|(_, analyzer)| *analyzer)
    }

    /// Whether something other than a directory of this name decides where a selected path leads.
    pub(crate) fn is_way(&self, name: &str) -> bool {
        self.ways.iter().any(|way| way.fits(name))
    }
}

impl Name {
    fn fits(self, name: &str) -> bool {
        match self {
            Self::Exactly(exactly) => name == exactly,
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
