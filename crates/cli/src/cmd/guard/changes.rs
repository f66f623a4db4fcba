//! What a file that decides much held before somebody changed it, and holds since.
//!
//! ```text
//! a container begins → its files are read      rule that tells a change → Pending, read when who wrote is done
//!                            └──── before ───────────────────┴──── after ──→ Change, told as an update
//! ```
//!
//! An alert is told at once; its change follows it with the same id, when whoever wrote has ended or half a
//! second later. Reading is left to `sensor::watched`, whose thread may wait for a file system: here nobody
//! does. A file that was not read before it was changed has no `before`, and says so.

mod difference;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::event::{Act, Container, Event, Text};
use policy::guard;
use sensor::watched::{Answer, Place, Question, Roots, Unread, Watched};
use serde_json::{Value, json};

use self::difference::Difference;
use super::merge::{Found, What};

/// Of rules whose alerts have changes.
const TAGS: [&str; 3] = ["scheduled_task_change", "system_program_change", "user_config_change"];
/// After which a file is read whoever still has it open.
const DELAY: Duration = Duration::from_millis(500);
/// After which a file that nobody reads is given up.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks at the end.
const PAUSE: Duration = Duration::from_millis(5);
/// Changes that are waited for at once.
const PENDING_MAX: usize = 256;
/// Roots of which files are kept, the host's among them.
const ROOTS_MAX: usize = 1_024;
/// What the contents of all roots take; those of one image are the same and are kept once.
const BYTES_MAX: usize = 32 << 20;

pub(super) struct Changes {
    roots: Roots,
    /// By container, the host as "".
    kept: HashMap<String, Kept>,
    /// The oldest first.
    order: VecDeque<String>,
    /// By the number of their question.
    reading: HashMap<u64, Asked>,
    pending: VecDeque<Pending>,
    contents: HashSet<Arc<[u8]>>,
    bytes: usize,
    last: u64,
}

/// The files of a root.
struct Kept {
    place: Place,
    /// None until they were read.
    files: Option<BTreeMap<Text, Watched>>,
    /// A process that began since it was asked for: the first of a container is its runtime's, which is not
    /// in its root yet.
    next: Option<u32>,
}

impl Kept {
    /// Its files were read in the root of this process.
    fn is_of(&self, pid: u32) -> bool {
        self.place.pid == pid && self.files.is_some()
    }
}

/// What a question was for.
enum Asked {
    Root(String),
    Change(Box<Pending>),
}

/// An alert whose file is still being written.
pub(super) struct Pending {
    found: Found,
    /// The alert was told when it came; else it was counted with others.
    was_told: bool,
    root: String,
    path: Text,
    writer: u32,
    since: Instant,
    is_due: bool,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    path: Text,
    before: State,
    after: State,
    difference: Option<Difference>,
    /// The alert was told before.
    pub(super) is_update: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Why it is not known.
    Unknown(&'static str),
    Absent,
    There(Watched),
}

/// Takes an alert with the change that it is about.
pub(super) type Tell<'a> = &'a mut dyn FnMut(&Found, &Change);

impl Default for Changes {
    fn default() -> Self {
        let mut changes = Self {
            roots: Roots::default(),
            kept: HashMap::new(),
            order: VecDeque::new(),
            reading: HashMap::new(),
            pending: VecDeque::new(),
            contents: HashSet::new(),
            bytes: 0,
            last: 0,
        };
        changes.read_root(String::new(), sensor::watched::HOST);
        changes
    }
}

impl Changes {
    /// A container that begins is read; whoever wrote and ends is waited for no more.
    pub(super) fn meet(&mut self, event: &Event) {
        match (&event.act, &event.container) {
            (Act::Exec { .. } | Act::Container, Some(container)) if !event.failed() => {
                self.meet_container(container, event);
            }
            (Act::Exit { .. }, container) if event.thread == event.process.pid => {
                let pid = event.process.pid;
                let done = self.pending.iter_mut().filter(|pending| pending.writer == pid);
                done.for_each(|pending| pending.is_due = true);
                let root = container.as_ref().map(|it| it.id.as_str()).unwrap_or_default();
                // Nobody shows its root any more.
                if self.kept.get(root).is_some_and(|kept| kept.is_of(pid)) {
                    self.forget(root);
                }
            }
            _ => {}
        }
    }

    fn meet_container(&mut self, container: &Container, event: &Event) {
        let pid = event.process.pid;
        if pid == 0 || container.id.is_empty() {
            return;
        }
        match self.kept.get_mut(&container.id) {
            Some(Kept { files: Some(_), .. }) => {}
            Some(kept) => kept.next = Some(pid),
            None => self.read_root(container.id.clone(), pid),
        }
    }

    fn read_root(&mut self, root: String, pid: u32) {
        let place = Place { pid, mount: None };
        let Some(number) = self.ask(place, None) else { return };
        self.reading.insert(number, Asked::Root(root.clone()));
        self.kept.insert(root.clone(), Kept { place, files: None, next: None });
        self.order.push_back(root);
        while self.order.len() > ROOTS_MAX || self.bytes > BYTES_MAX {
            // The host's were first, and stay.
            let Some(eldest) = self.order.get(1).cloned() else { break };
            self.forget(&eldest);
        }
    }

    fn forget(&mut self, root: &str) -> Option<Kept> {
        self.order.retain(|it| it != root);
        let kept = self.kept.remove(root);
        if self.bytes > BYTES_MAX / 2 {
            self.sweep();
        }
        kept
    }

    fn ask(&mut self, place: Place, path: Option<Text>) -> Option<u64> {
        self.last += 1;
        let number = self.last;
        self.roots.ask(Question { number, place, path }).then_some(number)
    }

    /// What is found may be that a file was changed.
    pub(super) fn expect(&self, found: &Found, now: Instant) -> Option<Pending> {
        let What::Event(event) = &found.what else { return None };
        let is_change = found.detection.rule.tags.iter().any(|tag| TAGS.contains(&tag.as_str()));
        if !is_change || event.denied || matches!(event.act, Act::Exec { .. } | Act::Container) {
            return None;
        }
        let path = guard::file(event)?;
        let root = event.container.as_ref().map(|it| it.id.clone()).unwrap_or_default();
        let rule = &found.detection.rule.name;
        let is_same = |it: &Pending| {
            let is_of_rule = it.found.detection.rule.name == *rule;
            is_of_rule && it.root == root && it.path == *path && !it.is_due
        };
        let is_new = self.pending.len() < PENDING_MAX && !self.pending.iter().any(is_same);
        is_new.then(|| Pending {
            found: found.clone(),
            was_told: false,
            root,
            path: path.clone(),
            writer: event.process.pid,
            since: now,
            is_due: false,
        })
    }

    /// Its file is looked at soon.
    pub(super) fn wait(&mut self, expected: Option<Pending>, was_told: bool) {
        self.pending.extend(expected.map(|pending| Pending { was_told, ..pending }));
    }

    /// Whether anything comes without an event.
    pub(super) fn is_waiting(&self) -> bool {
        !self.pending.is_empty() || self.roots.is_asked()
    }

    /// Nobody is waited for any more: what is due is all.
    pub(super) fn finish(&mut self, patience: Duration, tell: Tell<'_>) {
        let begun = Instant::now();
        self.pending.iter_mut().for_each(|pending| pending.is_due = true);
        while self.is_waiting() && begun.elapsed() < patience {
            self.look(Instant::now(), tell);
            std::thread::sleep(PAUSE);
        }
    }

    /// Asks for what is due, and tells what was read.
    pub(super) fn look(&mut self, now: Instant, tell: Tell<'_>) {
        for answer in self.roots.answers() {
            match self.reading.remove(&answer.number) {
                Some(Asked::Root(root)) => self.learn(&root, answer),
                Some(Asked::Change(pending)) => self.tell(&pending, answer, tell),
                // Nobody asked.
                None => {}
            }
        }
        let waiting = std::mem::take(&mut self.pending);
        for pending in waiting {
            let age = now.saturating_duration_since(pending.since);
            if pending.is_due || age >= DELAY {
                self.read_change(pending, age, tell);
            } else {
                self.pending.push_back(pending);
            }
        }
    }

    fn read_change(&mut self, pending: Pending, age: Duration, tell: Tell<'_>) {
        let known = self.kept.get(&pending.root).map(|kept| kept.place);
        let place = known.unwrap_or(Place { pid: pending.writer, mount: None });
        match self.ask(place, Some(pending.path.clone())) {
            Some(number) => {
                self.reading.insert(number, Asked::Change(Box::new(pending)));
            }
            None if age < PATIENCE => self.pending.push_back(pending),
            None => {
                let place = Err(Unread::Late);
                self.tell(&pending, Answer { number: 0, place, files: BTreeMap::new() }, tell);
            }
        }
    }

    /// The files of a root, as they are when it is met.
    fn learn(&mut self, root: &str, answer: Answer) {
        let Ok(place) = answer.place else {
            let next = self.forget(root).and_then(|kept| kept.next);
            next.into_iter().for_each(|pid| self.read_root(root.to_owned(), pid));
            return;
        };
        let files = answer.files.into_iter().map(|(path, file)| (path, self.interned(file)));
        let files = files.collect();
        if let Some(kept) = self.kept.get_mut(root) {
            *kept = Kept { place, files: Some(files), next: None };
        }
    }

    /// The same content is kept once.
    fn interned(&mut self, mut file: Watched) -> Watched {
        if let Some(content) = &file.content {
            let known = self.contents.get(content).cloned();
            file.content = Some(known.unwrap_or_else(|| {
                self.bytes += content.len();
                self.contents.insert(Arc::clone(content));
                Arc::clone(content)
            }));
        }
        file
    }

    /// Contents that no root has any more.
    fn sweep(&mut self) {
        self.contents.retain(|content| Arc::strong_count(content) > 1);
        self.bytes = self.contents.iter().map(|content| content.len()).sum();
    }

    fn tell(&mut self, pending: &Pending, mut answer: Answer, tell: Tell<'_>) {
        let file = answer.files.remove(&pending.path).map(|file| self.interned(file));
        let after = match (answer.place, file) {
            (Err(Unread::Gone), _) => State::Unknown("who wrote it has ended, with its container"),
            (Err(Unread::Late), _) => State::Unknown("its file system does not answer"),
            (Ok(_), None) => State::Absent,
            (Ok(_), Some(file)) => State::There(file),
        };
        let before = self.before(pending);
        let content = |state: &State| match state {
            State::Absent => Some(Arc::from([])),
            State::There(file) => file.content.clone(),
            State::Unknown(_) => None,
        };
        let both = content(&before).zip(content(&after));
        let difference =
            both.and_then(|(before, after)| difference::of(&pending.path, &before, &after));
        let path = pending.path.clone();
        let change = Change { path, before, after, difference, is_update: pending.was_told };
        tell(&pending.found, &change);
        let files = self.kept.get_mut(&pending.root).and_then(|kept| kept.files.as_mut());
        match (files, change.after) {
            (Some(files), State::There(file)) => {
                files.insert(pending.path.clone(), file);
            }
            (Some(files), State::Absent) => {
                files.remove(&pending.path);
            }
            _ => {}
        }
        if self.bytes > BYTES_MAX {
            self.sweep();
        }
    }

    fn before(&self, pending: &Pending) -> State {
        let kept = self.kept.get(&pending.root);
        let Some(files) = kept.and_then(|kept| kept.files.as_ref()) else {
            return State::Unknown("it was not read before");
        };
        match files.get(&pending.path) {
            Some(file) => State::There(file.clone()),
            None if sensor::watched::is_watched(&pending.path) => State::Absent,
            None => State::Unknown("what it was is not kept"),
        }
    }
}

impl Change {
    /// As it stands in an alert.
    pub(super) fn object(&self) -> Value {
        let difference = self.difference.as_ref();
        json!({
            "path": self.path.to_string(),
            "before": self.before.object(),
            "after": self.after.object(),
            "added": difference.map(|it| it.added),
            "removed": difference.map(|it| it.removed),
            "lines": difference.map(|it| &it.lines),
            "cut": difference.is_some_and(|it| it.is_cut),
        })
    }

    /// For a person: what became of it, then line by line.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{}: {}", self.path, self.summary())];
        let Some(difference) = &self.difference else { return lines };
        lines.extend(difference.lines.iter().cloned());
        if difference.is_cut {
            lines.push("… and more".to_owned());
        }
        lines
    }

    fn summary(&self) -> String {
        match (&self.before, &self.after) {
            (State::Unknown(why), State::There(file)) => {
                format!("{} bytes now; {why}", file.size)
            }
            (_, State::Unknown(why)) => format!("could not be read: {why}"),
            (State::Absent, State::There(file)) => format!("new, {} bytes", file.size),
            (State::There(_), State::Absent) => "removed".to_owned(),
            (before, after) if before == after => "as it was when it was read before".to_owned(),
            (State::There(before), State::There(after)) => {
                format!("{} bytes, {} before", after.size, before.size)
            }
            (_, State::Absent) => "not there any more".to_owned(),
        }
    }
}

impl State {
    fn object(&self) -> Value {
        match self {
            Self::Unknown(why) => json!({ "state": "unknown", "why": why }),
            Self::Absent => json!({ "state": "absent" }),
            Self::There(file) => {
                let hex = |digest: &[u8; 32]| -> String {
                    digest.iter().map(|byte| format!("{byte:02x}")).collect()
                };
                let sha256 = file.sha256.as_ref().map(hex);
                json!({ "state": "there", "size": file.size, "sha256": sha256 })
            }
        }
    }
}
