//! Visits the entries of one layer and keeps what matters of them.
//!
//! Of an ordinary entry nothing stays but eight bytes in a [`PathSet`], and as many for each
//! directory; of a selected file its facts, and of a link on the way to one its target. While
//! walking that makes 16 bytes an entry at most, and less than 100 for the few that are kept by
//! name and have no facts.
//!
//! The collector knows one layer only. The order of its entries does not matter, but for two
//! entries at one path, of which the later counts.

mod second;

use std::sync::{Arc, Mutex, PoisonError};

use self::second::AGAIN_BYTES_MAX;
use model::{Entry, EntryKind, HEAD_BYTES, Problem, ProblemKind, Visitor, Want};

use crate::config::system::Mode;
use crate::detour::Detour;
use crate::facts::{FACTS_BYTES_MAX, FileFacts, LayerFacts, Named};
use crate::interest::{Detours, Interest};
use crate::malware::{self, Seen};
use crate::path_set::{PathHash, PathSet};
use crate::select::{Rules, Selector, split};
use crate::{Analyzer, Checks, File, Scratch, Signatures, Until};

/// Entries that one layer keeps by name: a Debian system with all its packages has 130 000 that
/// matter.
const NAMED_MAX: usize = 256 << 10;

/// What an entry that is kept by name occupies beside its texts.
const NAMED_OVERHEAD: usize = 64;

/// Entries of one layer whose headers are kept for checks; a Debian system has 30. A tree in which
/// everybody may write to everything has as many as it has files, and the first tell enough.
const MODES_MAX: usize = 4096;

/// The length from which on a file that is taken apart in memory waits until no other is: how many layers are
/// read at a time must not decide how much memory is taken. Lock files and databases are mostly shorter.
const TURN_BYTES: u64 = 1 << 20;

/// Whose turn it is.
static TURN: Mutex<()> = Mutex::new(());

/// Collects the facts of one layer.
pub struct LayerCollector {
    interest: Interest,
    selector: &'static Selector,
    signatures: Option<Arc<Signatures>>,
    seen: Seen,
    until: Until,
    scratch: Scratch,
    give_back: fn(),
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
    /// Bytes of files that may be looked at for further names.
    again: u64,
    /// The directories that have entries of their own; None if no check asks for headers.
    explicit: Option<Vec<PathHash>>,
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

    /// The same, putting what is too large for memory there.
    #[must_use]
    pub fn with_scratch(self, scratch: Scratch) -> Self {
        Self { scratch, ..self }
    }

    /// The same, calling this when a large file was taken apart in memory and all of that was freed.
    #[must_use]
    pub fn giving_back(self, give_back: fn()) -> Self {
        Self { give_back, ..self }
    }

    /// For the second pass over a layer, which looks at nothing but these. Only packages are
    /// reached through links; everything else was looked at where it stands.
    pub fn for_paths(detours: &[Detour]) -> Self {
        let interest = Interest::Detours(Detours::new(detours));
        Self::interested(interest, Selector::of(Checks::default()))
    }

    fn interested(interest: Interest, selector: &'static Selector) -> Self {
        Self {
            interest,
            selector,
            signatures: None,
            seen: Seen::default(),
            until: Until::default(),
            scratch: Scratch::default(),
            give_back: || {},
            facts: LayerFacts::default(),
            directories: Vec::new(),
            others: Vec::new(),
            whiteouts: Vec::new(),
            opaques: Vec::new(),
            directory: String::new(),
            rules: selector.rules(""),
            room: FACTS_BYTES_MAX,
            overflowed: false,
            again: AGAIN_BYTES_MAX,
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
        if let Interest::Detours(detours) = self.interest {
            facts.detoured = detours.into_directories();
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
        let path = entry.path;
        if self.is_wanted(path) || self.is_way(path) || self.speaks(path) {
            self.keep(path, named);
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
        if !matches!(self.interest, Interest::Selected) {
            return self.content_again(entry, bytes);
        }
        let facts = self.analyze(entry, entry.path, self.analyzers(entry), bytes);
        if self.is_wanted(entry.path) {
            self.keep(entry.path, Named::File(Some(Box::new(facts))));
        } else if !facts.is_empty() {
            self.keep(entry.path, Named::Found(Box::new(facts)));
        }
    }
}

impl LayerCollector {
    /// What these analyzers say of a file that is wanted as one at `path`.
    fn analyze(
        &mut self,
        entry: &Entry<'_>,
        path: &str,
        analyzers: Vec<&'static dyn Analyzer>,
        bytes: &[u8],
    ) -> FileFacts {
        let signatures = self.signatures.as_deref();
        let (seen, until, scratch) = (&self.seen, &self.until, &self.scratch);
        let file = File { path, bytes, mode: entry.mode, signatures, seen, until, scratch };
        let mut facts = FileFacts::with_room(self.room).at(path.len());
        for analyzer in analyzers.into_iter().filter(|it| takes(*it, bytes)) {
            let waits = entry.size > TURN_BYTES && !analyzer.reads_in_place();
            let _turn = waits.then(|| TURN.lock().unwrap_or_else(PoisonError::into_inner));
            match analyzer.max_bytes() {
                _ if until.has_come() => {
                    let message = format!("stopped before `{}` had looked at it", analyzer.name());
                    facts.problem(ProblemKind::LimitReached, message);
                }
                limit if entry.size <= limit => analyzer.analyze(&file, &mut facts),
                // Another analyzer takes larger files: this one has not seen it all the same.
                limit => facts.problem(ProblemKind::LimitReached, too_large(entry, limit)),
            }
            if waits {
                (self.give_back)();
            }
        }
        facts.shrink();
        self.settle(entry.path, &facts);
        facts
    }

    /// Facts that say why there are none.
    fn refused(&mut self, entry: &Entry<'_>, message: String) -> FileFacts {
        let mut facts = FileFacts::with_room(self.room);
        facts.problem(ProblemKind::LimitReached, message);
        self.settle(entry.path, &facts);
        facts
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
        let analyzers = self.analyzers(entry);
        let (by_head, by_path): (Vec<_>, Vec<_>) =
            analyzers.into_iter().partition(|analyzer| analyzer.wants().is_some());
        let limit = by_path.into_iter().map(Analyzer::max_bytes).max();
        if let Some(limit) = limit.filter(|limit| entry.size > *limit) {
            self.refuse(entry, limit);
        } else {
            self.expect(entry);
        }
        match limit {
            Some(limit) if entry.size <= limit => Want::Content,
            _ if !by_head.is_empty() => Want::Head,
            _ => Want::Nothing,
        }
    }

    /// Keeps the place of a file whose content comes, unless the reader says why it does not.
    fn expect(&mut self, entry: &Entry<'_>) {
        if self.is_wanted(entry.path) {
            self.keep(entry.path, Named::File(None));
        } else if !self.likes(entry).is_empty() {
            for like in self.likes(entry) {
                self.keep_elsewhere(entry.path, &like, FileFacts::default());
            }
        } else if self.is_way(entry.path) {
            self.keep(entry.path, Named::Unwanted);
        }
    }

    /// Notes that nobody takes a file of this size, which somebody wants.
    fn refuse(&mut self, entry: &Entry<'_>, limit: u64) {
        let likes = self.likes(entry);
        for like in &likes {
            let facts = self.refused(entry, too_large(entry, limit));
            self.keep_elsewhere(entry.path, like, facts);
        }
        let is_wanted = self.is_wanted(entry.path);
        if likes.is_empty() || is_wanted {
            let facts = Box::new(self.refused(entry, too_large(entry, limit)));
            let named = if is_wanted { Named::File(Some(facts)) } else { Named::Found(facts) };
            self.keep(entry.path, named);
        }
    }

    /// Everyone who wants this file, in this pass.
    fn analyzers(&self, entry: &Entry<'_>) -> Vec<&'static dyn Analyzer> {
        match &self.interest {
            Interest::Selected => {
                let mut analyzers: Vec<_> = self.rules.analyzers(split(entry.path).1).collect();
                analyzers.extend(self.selector.anywhere().analyzers(entry.path, entry.mode));
                analyzers
            }
            Interest::Detours(detours) => detours.analyzers(entry.path, self.selector),
        }
    }

    /// Whether an analyzer wants a file because of where this path is.
    fn is_wanted(&self, path: &str) -> bool {
        match &self.interest {
            Interest::Selected => self.rules.analyzers(split(path).1).next().is_some(),
            Interest::Detours(_) => self.in_directory(path).is_some(),
        }
    }

    /// Whether something other than a directory at this path decides where a wanted path leads.
    fn is_way(&self, path: &str) -> bool {
        match &self.interest {
            Interest::Selected => self.rules.is_way(split(path).1),
            Interest::Detours(detours) => detours.names(path),
        }
    }

    /// Whether a link of this name speaks for the file that it leads to.
    fn speaks(&self, path: &str) -> bool {
        matches!(self.interest, Interest::Selected)
            && self.selector.anywhere().packages(path).next().is_some()
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
