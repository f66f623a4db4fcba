//! Equal alerts become one: the first is told at once, the others as a count when a window ends.
//!
//! Alerts are equal if they are of one rule, container, program and object, and alike in whether the
//! act was refused; those of audit records, if they are of one rule, namespace, user, verb and object. Memory is bounded: the oldest window ends early when there are too many, and of a
//! rule that finds ever new things in one container the rest are counted together. The time is an
//! argument. What is merged is told less often, never judged less often.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use detect::Detection;
use detect::audit::Record;
use detect::recording::bytes_of;
use model::event::Event;
use policy::guard::{self, Verdict};
use serde_json::Value;

/// Windows that are open at once: a hundred containers with forty alerts each.
const OPEN_MAX: usize = 4_096;
/// What they take: an event of a program with many words has 50 KiB.
const BYTES_MAX: usize = 32 << 20;
/// Different alerts of one rule in one container that are told one by one in a window; what makes
/// more of them mostly counts on being lost in them.
const DISTINCT_MAX: usize = 64;

/// An alert, and what the policy makes of it.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) what: What,
    pub(super) detection: Detection,
    pub(super) verdict: Option<Verdict>,
}

impl Found {
    pub(super) fn is_of(&self, event: &Event) -> bool {
        matches!(&self.what, What::Event(it) if it.number == event.number)
    }
}

/// What it was found in.
#[derive(Clone, Debug)]
pub(super) enum What {
    Event(Box<Event>),
    Record(Box<Record>),
}

impl What {
    fn bytes(&self) -> usize {
        match self {
            Self::Event(event) => bytes_of(event),
            // A map of keys and texts is larger than its text.
            Self::Record(record) => record.bytes.saturating_mul(4),
        }
    }
}

/// How often something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    /// Nanoseconds since the Unix epoch.
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) count: u64,
    /// Different things are counted together.
    pub(super) various: bool,
}

impl Tally {
    /// Of what was found once.
    pub(super) fn once(time: u64) -> Self {
        Self { first: time, last: time, count: 1, various: false }
    }

    /// The first one was told before.
    pub(super) fn is_update(self) -> bool {
        self.count > 1
    }
}

/// Takes what is to be told.
pub(super) type Tell<'a> = &'a mut dyn FnMut(&Found, Tally);

pub(super) struct Merge {
    /// Nothing is merged if it is zero.
    window: Duration,
    open: HashMap<Key, Open>,
    /// The oldest first.
    order: VecDeque<(Instant, Key)>,
    /// How many windows are open for a rule in a container.
    distinct: BTreeMap<Place, usize>,
    bytes: usize,
}

type Place = (String, Option<String>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    rule: String,
    /// None is the host; of an audit record, its namespace.
    container: Option<String>,
    denied: bool,
    /// Who and what: executable and object. None for all that is not told one by one.
    what: Option<(String, String)>,
}

struct Open {
    /// The last one.
    found: Found,
    bytes: usize,
    tally: Tally,
}

impl Merge {
    pub(super) fn new(window: Duration) -> Self {
        Self {
            window,
            open: HashMap::new(),
            order: VecDeque::new(),
            distinct: BTreeMap::new(),
            bytes: 0,
        }
    }

    pub(super) fn take(&mut self, now: Instant, found: Found, tell: Tell<'_>) {
        let time = found.detection.time;
        if self.window.is_zero() {
            return tell(&found, Tally::once(time));
        }
        self.close(now, tell);
        let mut key = Key::of(&found);
        if !self.open.contains_key(&key) && self.has_too_many(&key) {
            key.what = None;
        }
        let bytes = found.what.bytes();
        self.bytes = self.bytes.saturating_add(bytes);
        if let Some(open) = self.open.get_mut(&key) {
            self.bytes = self.bytes.saturating_sub(open.bytes);
            open.tally.count += 1;
            open.tally.last = open.tally.last.max(time);
            (open.found, open.bytes) = (found, bytes);
        } else {
            let tally = Tally { various: key.what.is_none(), ..Tally::once(time) };
            tell(&found, tally);
            *self.distinct.entry(key.place()).or_default() += 1;
            self.order.push_back((now, key.clone()));
            self.open.insert(key, Open { found, bytes, tally });
        }
        while self.open.len() > OPEN_MAX || self.bytes > BYTES_MAX {
            self.close_oldest(tell);
        }
    }

    /// Ends the windows whose time is over.
    pub(super) fn close(&mut self, now: Instant, tell: Tell<'_>) {
        while let Some((opened, _)) = self.order.front()
            && now.saturating_duration_since(*opened) >= self.window
        {
            self.close_oldest(tell);
        }
    }

    /// Ends all.
    pub(super) fn finish(&mut self, tell: Tell<'_>) {
        while !self.order.is_empty() {
            self.close_oldest(tell);
        }
    }

    fn has_too_many(&self, key: &Key) -> bool {
        self.distinct.get(&key.place()).is_some_and(|count| *count >= DISTINCT_MAX)
    }

    fn close_oldest(&mut self, tell: Tell<'_>) {
        let Some((_, key)) = self.order.pop_front() else { return };
        let Some(open) = self.open.remove(&key) else { return };
        self.bytes = self.bytes.saturating_sub(open.bytes);
        let place = key.place();
        if let Some(count) = self.distinct.get_mut(&place) {
            *count -= 1;
            if *count == 0 {
                self.distinct.remove(&place);
            }
        }
        if open.tally.is_update() {
            tell(&open.found, open.tally);
        }
    }
}

impl Key {
    fn of(found: &Found) -> Self {
        let rule = found.detection.rule.name.clone();
        let event = match &found.what {
            What::Event(event) => event,
            What::Record(record) => return Self::of_record(rule, record),
        };
        Self {
            rule,
            container: event.container.as_ref().map(|container| container.id.clone()),
            denied: event.denied,
            what: Some((event.process.executable.path.to_string(), guard::object(event))),
        }
    }

    fn of_record(rule: String, record: &Record) -> Self {
        let text = |path: &str| record.json.pointer(path).and_then(Value::as_str);
        let all = |paths: &[&str]| {
            let texts = paths.iter().map(|path| text(path).unwrap_or_default());
            texts.collect::<Vec<_>>().join("\0")
        };
        let code = record.json.pointer("/responseStatus/code").and_then(Value::as_u64);
        // What is of no object is told apart by where it was asked.
        let object = match record.json.get("objectRef") {
            Some(_) => all(&[
                "/objectRef/apiGroup",
                "/objectRef/resource",
                "/objectRef/subresource",
                "/objectRef/name",
            ]),
            None => all(&["/requestURI"]),
        };
        Self {
            rule,
            container: text("/objectRef/namespace").map(str::to_owned),
            denied: code.is_some_and(|code| code >= 400),
            what: Some((all(&["/user/username", "/impersonatedUser/username", "/verb"]), object)),
        }
    }

    fn place(&self) -> Place {
        (self.rule.clone(), self.container.clone())
    }
}

#[cfg(test)]
mod tests;
