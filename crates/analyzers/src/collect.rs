//! Visits the entries of one layer and keeps what matters of them.
//!
//! Of an ordinary entry nothing stays but eight bytes in a [`PathSet`], and as many for each
//! directory; of a selected file its facts, and of a link on the way to one its target. While
//! walking that makes 16 bytes an entry at most, and less than 100 for the few that are kept by
//! name and have no facts.
//!
//! The collector knows one layer only. The order of its entries does not matter, but for two
//! entries at one path, of which the later counts.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use model::{Entry, EntryKind, HEAD_BYTES, Problem, ProblemKind, Visitor, Want};

use crate::config::system::Mode;
use crate::detour::Detour;
use crate::facts::{FACTS_BYTES_MAX, FileFacts, LayerFacts, Named};
use crate::malware::{self, Seen};
use crate::path_set::{PathHash, PathSet};
use crate::select::{Rules, Selector, split};
use crate::{Analyzer, Checks, File, Signatures, Until};

/// Entries that one layer keeps by name: a Debian system with all its packages has 130 000 that
/// matter.
const NAMED_MAX: usize = 256 << 10;

/// What an entry that is kept by name occupies beside its texts.
const NAMED_OVERHEAD: usize = 64;

/// Entries of one layer whose headers are kept for checks; a Debian system has 30. A tree in which
/// everybody may write to everything has as many as it has files, and the first tell enough.
const MODES_MAX: usize = 4096;

/// Collects the facts of one layer.
pub struct LayerCollector {
    interest: Interest,
    selector: &'static Selector,
    signatures: Option<Arc<Signatures>>,
    seen: Seen,
    until: Until,
    facts: LayerFacts,
    directories: Vec<PathHash>,
    others: Vec<PathHash>,
    whiteouts: Vec<PathHash>,
    opaques: Vec<PathHash>,
    /// The directory of the last entry; it and all above it are among `directories`.
    directory: String,
    /// What matters in that directory.
    rules: &'static Rules,
    /// Bytes that facts, names and hashes may still take.
    room: usize,
    overflowed: bool,
    /// The directories that have entries of their own; None if no check asks for headers.
    explicit: Option<Vec<PathHash>>,
}

/// Which entries are looked at.
enum Interest {
    /// Whatever is selected by its path, or stands on the way there.
    Selected,
    /// What a second pass was sent for. Paths stand beside the selected paths that lead to them,
    /// if any.
    Detours { entries: HashMap<String, Option<String>>, directories: HashMap<String, String> },
}

impl LayerCollector {
    /// For the first pass over a layer.
    pub fn new(checks: Checks) -> Self {
        let explicit = checks.misconfigurations.then(Vec::new);
        Self { explicit, ..Self::interested(Interest::Selected, Selector::of(checks)) }
    }

    /// The same, looking for malware with these besides our own rules.
    #[must_use]
    pub fn with_signatures(self, signatures: Option<Arc<Signatures>>) -> Self {
        Self { signatures, ..self }
    }

    /// The same, ending early when that says so.
    #[must_use]
    pub fn until(self, until: Until) -> Self {
        Self { until, ..self }
    }

    /// For the second pass over a layer, which looks at nothing but these. Only packages are
    /// reached through links; everything else was looked at where it stands.
    pub fn for_paths(detours: &[Detour]) -> Self {
        let mut entries = HashMap::new();
        let mut directories = HashMap::new();
        for detour in detours.iter().cloned() {
            match detour {
                // Whoever wants the content also learns where a link leads.
                Detour::Link { at } => {
                    entries.entry(at).or_insert(None);
                }
                Detour::File { at, like } => {
                    entries.insert(at, Some(like));
                }
                Detour::Directory { at, like } => {
                    directories.insert(at, like);
                }
            }
        }
        let selector = Selector::of(Checks::default());
        Self::interested(Interest::Detours { entries, directories }, selector)
    }

    fn interested(interest: Interest, selector: &'static Selector) -> Self {
        Self {
            interest,
            selector,
            signatures: None,
            seen: Seen::default(),
            until: Until::default(),
            facts: LayerFacts::default(),
            directories: Vec::new(),
            others: Vec::new(),
            whiteouts: Vec::new(),
            opaques: Vec::new(),
            directory: String::new(),
            rules: selector.rules(""),
            room: FACTS_BYTES_MAX,
            overflowed: false,
            explicit: None,
        }
    }

    /// About how many bytes of memory are taken so far. Never less than before.
    pub fn size(&self) -> usize {
        FACTS_BYTES_MAX.saturating_sub(self.room)
    }

    /// The facts, once every entry was visited.
    pub fn finish(self) -> LayerFacts {
        let size = self.size();
        let mut facts = self.facts;
        facts.size = size;
        if let Some(explicit) = self.explicit.map(PathSet::new) {
            let implied = self.directories.iter().filter(|path| !explicit.holds(**path));
            facts.implied = PathSet::new(implied.copied().collect());
        }
        facts.directories = PathSet::new(self.directories);
        facts.others = PathSet::new(self.others);
        facts.problems.extend(torn(&facts));
        facts.whiteouts = PathSet::new(self.whiteouts);
        facts.opaques = PathSet::new(self.opaques);
        if let Interest::Detours { directories, .. } = self.interest {
            facts.detoured = directories.into_keys().map(String::into_boxed_str).collect();
            facts.detoured.sort_unstable();
        }
        facts
    }

    fn remember(&mut self, entry: &Entry<'_>) {
        if entry.kind != EntryKind::Directory && !self.spend(entry.path, size_of::<PathHash>()) {
            self.rules = self.selector.rules(split(entry.path).0);
            return;
        }
        match entry.kind {
            EntryKind::Directory => self.enter(entry.path),
            EntryKind::Whiteout => self.whiteouts.push(PathHash::of(entry.path)),
            EntryKind::Opaque => self.opaques.push(PathHash::of(entry.path)),
            EntryKind::File
            | EntryKind::Symlink(_)
            | EntryKind::HardLink(_)
            | EntryKind::Special => {
                self.others.push(PathHash::of(entry.path));
                self.enter(split(entry.path).0);
            }
        }
    }

    /// Remembers a directory and those above it: some tools write no entries for the directories
    /// that they create on the way. Most entries lie in the directory of the entry before them or
    /// above it, which was remembered with it.
    fn enter(&mut self, path: &str) {
        if path == self.directory {
            return;
        }
        let mut directory = path;
        while !is_at_or_above(directory, &self.directory) {
            if !self.spend(path, size_of::<PathHash>()) {
                break;
            }
            self.directories.push(PathHash::of(directory));
            directory = split(directory).0;
        }
        path.clone_into(&mut self.directory);
        self.rules = self.selector.rules(path);
    }

    /// Keeps what checks may ask for of the header.
    fn note(&mut self, entry: &Entry<'_>) {
        if self.explicit.is_none() {
            return;
        }
        if entry.kind == EntryKind::Directory && self.spend(entry.path, size_of::<PathHash>()) {
            self.explicit.iter_mut().for_each(|it| it.push(PathHash::of(entry.path)));
        }
        // Of two entries at one path the later counts.
        let Some(mode) = Mode::of_notable(entry) else {
            self.facts.modes.remove(entry.path);
            return;
        };
        if self.facts.modes.len() >= MODES_MAX && !self.facts.modes.contains_key(entry.path) {
            let message = format!("more than {MODES_MAX} entries with rights worth a check");
            return self.overflow(entry.path, message);
        }
        if self.spend(entry.path, entry.path.len().saturating_add(NAMED_OVERHEAD)) {
            self.facts.modes.insert(entry.path.into(), mode);
        }
    }

    /// Takes so many bytes of the room that is left; that there is none is a problem of the layer.
    fn spend(&mut self, path: &str, bytes: usize) -> bool {
        if let Some(rest) = self.room.checked_sub(bytes) {
            self.room = rest;
            return true;
        }
        self.overflow(path, out_of_room());
        false
    }

    /// Takes over what is left of the room after the facts of a file.
    fn settle(&mut self, path: &str, facts: &FileFacts) {
        self.room = facts.room();
        if facts.overflowed() {
            self.overflow(path, out_of_room());
        }
    }

    /// The first overflow is reported; what follows is more of it.
    fn overflow(&mut self, path: &str, message: String) {
        if !std::mem::replace(&mut self.overflowed, true) {
            self.facts.problems.push(Problem::new(ProblemKind::LimitReached, path, message));
        }
    }

    fn keep(&mut self, path: &str, named: Named) {
        let is_new = !self.facts.entries.contains_key(path);
        if is_new && self.facts.entries.len() >= NAMED_MAX {
            let message = format!("more than {NAMED_MAX} entries that matter in one layer");
            self.overflow(path, message);
            return;
        }
        let name = if is_new { path.len().saturating_add(NAMED_OVERHEAD) } else { 0 };
        let target = match &named {
            Named::Symlink(target) | Named::HardLink(target) => target.len(),
            _ => 0,
        };
        if self.spend(path, name.saturating_add(target)) {
            self.facts.entries.insert(path.into(), named);
        }
    }
}

/// That one entry of the layer stands where others have a directory: one of them replaced the other
/// when they were unpacked, with all that was in it, and what is known here has both.
fn torn(facts: &LayerFacts) -> Option<Problem> {
    let torn = facts.others.shared(&facts.directories);
    let name = facts.entries.keys().find(|path| torn.holds(PathHash::of(path)));
    let subject = name.map_or("the layer", |path| &**path);
    let message = format!(
        "{} paths are directories and something else in one layer, and what is unpacked is not certain",
        torn.len()
    );
    (!torn.is_empty()).then(|| Problem::new(ProblemKind::Damaged, subject, message))
}

impl Visitor for LayerCollector {
    fn entry(&mut self, entry: &Entry<'_>) -> Want {
        if matches!(self.interest, Interest::Selected) {
            self.remember(entry);
            self.note(entry);
        }
        let named = match entry.kind {
            EntryKind::File => return self.file(entry),
            EntryKind::Symlink(target) => Named::Symlink(target.into()),
            EntryKind::HardLink(target) => Named::HardLink(target.into()),
            EntryKind::Special => Named::Special,
            EntryKind::Directory | EntryKind::Whiteout | EntryKind::Opaque => return Want::Nothing,
        };
        if self.is_wanted(entry.path) || self.is_way(entry.path) {
            self.keep(entry.path, named);
        }
        Want::Nothing
    }

    fn head(&mut self, entry: &Entry<'_>, head: &[u8]) -> Want {
        let wanting = self.analyzers(entry).into_iter().filter(|it| takes(*it, head));
        match wanting.map(Analyzer::max_bytes).max() {
            Some(limit) if entry.size <= limit => Want::Content,
            Some(limit) => {
                self.refuse(entry, limit);
                Want::Nothing
            }
            None => Want::Nothing,
        }
    }

    fn content(&mut self, entry: &Entry<'_>, bytes: &[u8]) {
        let selected = self.interest.selected(entry.path, self.selector);
        let path = selected.as_deref().unwrap_or(entry.path);
        let signatures = self.signatures.as_deref();
        let (seen, until) = (&self.seen, &self.until);
        let file = File { path, bytes, mode: entry.mode, signatures, seen, until };
        let mut facts = FileFacts::with_room(self.room).at(entry.path.len());
        for analyzer in self.analyzers(entry).into_iter().filter(|it| takes(*it, bytes)) {
            match analyzer.max_bytes() {
                _ if until.has_come() => {
                    let message = format!("stopped before `{}` had looked at it", analyzer.name());
                    facts.problem(ProblemKind::LimitReached, message);
                }
                limit if entry.size <= limit => analyzer.analyze(&file, &mut facts),
                // Another analyzer takes larger files: this one has not seen it all the same.
                limit => facts.problem(ProblemKind::LimitReached, too_large(entry, limit)),
            }
        }
        facts.shrink();
        self.settle(entry.path, &facts);
        if selected.is_some() {
            self.keep(entry.path, Named::File(Some(Box::new(facts))));
        } else if !facts.is_empty() {
            self.keep(entry.path, Named::Found(Box::new(facts)));
        }
    }
}

impl LayerCollector {
    /// Takes in that another engine calls the content of a file, which was shown before, malware.
    pub fn suspect(&mut self, entry: &Entry<'_>, bytes: &[u8], name: &str) {
        if let Some(Named::File(Some(facts)) | Named::Found(facts)) =
            self.facts.entries.get_mut(entry.path)
        {
            malware::suspect(facts, bytes, name);
            return;
        }
        let mut facts = FileFacts::with_room(self.room).at(entry.path.len());
        malware::suspect(&mut facts, bytes, name);
        self.settle(entry.path, &facts);
        self.keep(entry.path, Named::Found(Box::new(facts)));
    }

    fn file(&mut self, entry: &Entry<'_>) -> Want {
        let is_selected = self.is_wanted(entry.path);
        if !is_selected && self.is_way(entry.path) {
            self.keep(entry.path, Named::Unwanted);
        }
        let analyzers = self.analyzers(entry);
        let (by_head, by_path): (Vec<_>, Vec<_>) =
            analyzers.into_iter().partition(|analyzer| analyzer.wants().is_some());
        let limit = by_path.into_iter().map(Analyzer::max_bytes).max();
        if let Some(limit) = limit.filter(|limit| entry.size > *limit) {
            self.refuse(entry, limit);
        } else if is_selected {
            self.keep(entry.path, Named::File(None));
        }
        match limit {
            Some(limit) if entry.size <= limit => Want::Content,
            _ if !by_head.is_empty() => Want::Head,
            _ => Want::Nothing,
        }
    }

    /// Notes that nobody takes a file of this size, which somebody wants.
    fn refuse(&mut self, entry: &Entry<'_>, limit: u64) {
        let mut facts = FileFacts::with_room(self.room);
        facts.problem(ProblemKind::LimitReached, too_large(entry, limit));
        self.settle(entry.path, &facts);
        let facts = Box::new(facts);
        let is_selected = self.is_wanted(entry.path);
        let named = if is_selected { Named::File(Some(facts)) } else { Named::Found(facts) };
        self.keep(entry.path, named);
    }

    /// Everyone who wants this file, in this pass.
    fn analyzers(&self, entry: &Entry<'_>) -> Vec<&'static dyn Analyzer> {
        match self.interest {
            Interest::Selected => {
                let mut analyzers: Vec<_> = self.rules.analyzers(split(entry.path).1).collect();
                analyzers.extend(self.selector.anywhere().analyzers(entry.path, entry.mode));
                analyzers
            }
            Interest::Detours { .. } => self
                .interest
                .selected(entry.path, self.selector)
                .map(|like| self.selector.analyzers(&like))
                .unwrap_or_default(),
        }
    }

    /// Whether an analyzer wants a file at this path.
    fn is_wanted(&self, path: &str) -> bool {
        match self.interest {
            Interest::Selected => self.rules.analyzers(split(path).1).next().is_some(),
            Interest::Detours { .. } => self.interest.selected(path, self.selector).is_some(),
        }
    }

    /// Whether something other than a directory at this path decides where a wanted path leads.
    fn is_way(&self, path: &str) -> bool {
        match &self.interest {
            Interest::Selected => self.rules.is_way(split(path).1),
            Interest::Detours { entries, .. } => entries.contains_key(path),
        }
    }
}

impl Interest {
    /// The selected path that the file at `path` is analyzed as, if it is.
    fn selected<'p>(&self, path: &'p str, selector: &Selector) -> Option<Cow<'p, str>> {
        let like: Cow<'p, str> = match self {
            Self::Selected => path.into(),
            Self::Detours { entries, directories } => match entries.get(path) {
                Some(like) => like.clone()?.into(),
                None => {
                    let (directory, name) = split(path);
                    format!("{}/{name}", directories.get(directory)?).into()
                }
            },
        };
        (!selector.analyzers(&like).is_empty()).then_some(like)
    }
}

/// Whether an analyzer wants a file that begins so; more than the beginning does no harm.
fn takes(analyzer: &dyn Analyzer, bytes: &[u8]) -> bool {
    let head = bytes.get(..HEAD_BYTES).unwrap_or(bytes);
    analyzer.wants().is_none_or(|wants| wants(head))
}

fn out_of_room() -> String {
    format!("more than {} MiB of facts in one layer", FACTS_BYTES_MAX >> 20)
}

fn too_large(entry: &Entry<'_>, limit: u64) -> String {
    format!("{} bytes, more than the {limit} that are read", entry.size)
}

fn is_at_or_above(path: &str, directory: &str) -> bool {
    let rest = directory.strip_prefix(path);
    path.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
