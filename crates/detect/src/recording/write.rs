//! Events to bytes.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use model::event::{Container, Event, Process};
use thiserror::Error;

use super::held::{self, Sizes};
use super::{EventRecord, MAX_RECORD, RecordOf, SLOTS};

/// Turns events into the bytes that follow a [`super::HEADER`].
#[derive(Default)]
pub struct Writer {
    processes: Slots<(u32, u64), Process>,
    containers: Slots<String, Container>,
}

/// An event that cannot be recorded.
#[derive(Debug, Error)]
#[error("event {number} cannot be recorded: {why}")]
pub struct TooLarge {
    pub number: u64,
    pub why: &'static str,
}

/// One record would be longer than `MAX_RECORD`.
const LONG_RECORD: &str = "it needs a record of more than 2 MiB";

/// With it, slots would take more than `MAX_HELD`.
const MUCH_HELD: &str = "more would be referred to at a time than a reader holds";

/// A record is as much longer, at most, if the number of its slot is.
const SLOT_NUMBER: usize = 4;

impl Writer {
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the event, and before it whatever it refers to and the recording does not have yet.
    /// After an error the recording is whole, without the event.
    pub fn event(&mut self, event: &Event, bytes: &mut Vec<u8>) -> Result<(), TooLarge> {
        self.append(event, bytes).map_err(|why| TooLarge { number: event.number, why })
    }

    fn append(&mut self, event: &Event, bytes: &mut Vec<u8>) -> Result<(), &'static str> {
        let process = self.process(&event.process, &[], bytes)?;
        let mut used = vec![process];
        for ancestor in event.ancestors.iter().take(Event::MAX_ANCESTORS) {
            used.push(self.process(ancestor, &used, bytes)?);
        }
        let container = match &event.container {
            Some(container) => Some(self.container(container, bytes)?),
            None => None,
        };
        let record = EventRecord {
            number: event.number,
            time: event.time,
            call: event.call,
            thread: event.thread,
            processor: event.processor,
            process,
            ancestors: used.split_off(1),
            container,
            act: &event.act,
            result: event.result,
            denied: event.denied,
        };
        frame(&RecordOf::Event(record), bytes).map(drop)
    }

    /// The slot of a process; those in `used` are not to be disturbed.
    fn process(
        &mut self,
        process: &Arc<Process>,
        used: &[u32],
        bytes: &mut Vec<u8>,
    ) -> Result<u32, &'static str> {
        let write = |slot, bytes: &mut Vec<u8>| {
            let record = frame(&RecordOf::Process { slot, process }, bytes)?;
            Ok(held::of_process(process, record))
        };
        self.processes.hold((process.pid, process.started), process, used, bytes, write)
    }

    fn container(
        &mut self,
        container: &Arc<Container>,
        bytes: &mut Vec<u8>,
    ) -> Result<u32, &'static str> {
        let write = |slot, bytes: &mut Vec<u8>| {
            let record = frame(&RecordOf::Container { slot, container }, bytes)?;
            Ok(held::of_container(container, record))
        };
        self.containers.hold(container.id.clone(), container, &[], bytes, write)
    }
}

/// Appends one frame and says how long its record is, or appends nothing.
fn frame(record: &RecordOf<'_>, bytes: &mut Vec<u8>) -> Result<usize, &'static str> {
    let record = postcard::to_stdvec(record).expect("postcard encodes every type of the model");
    let length = u32::try_from(record.len()).ok().filter(|_| record.len() <= MAX_RECORD);
    let length = length.ok_or(LONG_RECORD)?;
    bytes.extend(length.to_le_bytes());
    bytes.extend(crc32fast::hash(&record).to_le_bytes());
    bytes.extend(&record);
    Ok(record.len())
}

/// What the reader will hold in its slots, and where.
struct Slots<K, T> {
    held: HashMap<K, (u32, Arc<T>)>,
    /// By slot.
    keys: Vec<Option<K>>,
    sizes: Sizes,
    next: u32,
}

impl<K, T> Default for Slots<K, T> {
    fn default() -> Self {
        Self { held: HashMap::new(), keys: Vec::new(), sizes: Sizes::default(), next: 0 }
    }
}

impl<K: Clone + Eq + Hash, T: PartialEq> Slots<K, T> {
    /// The slot that holds the thing, which is written there if it was not; `write` says what it
    /// takes. Where there is no room, the oldest that takes enough goes.
    fn hold(
        &mut self,
        key: K,
        thing: &Arc<T>,
        used: &[u32],
        bytes: &mut Vec<u8>,
        write: impl Fn(u32, &mut Vec<u8>) -> Result<usize, &'static str>,
    ) -> Result<u32, &'static str> {
        let (mut slot, mut is_new) = self.slot(key.clone(), thing, used);
        while is_new {
            let before = bytes.len();
            let size = write(slot, bytes).inspect_err(|_| self.forget(slot))?;
            if self.sizes.replace(slot, size) {
                break;
            }
            bytes.truncate(before);
            self.forget(slot);
            let mut slots = (self.next..SLOTS).chain(0..self.next);
            let has_room =
                |slot: &u32| !used.contains(slot) && self.sizes.has_room(*slot, size + SLOT_NUMBER);
            self.next = slots.find(has_room).ok_or(MUCH_HELD)?;
            (slot, is_new) = self.slot(key.clone(), thing, used);
        }
        Ok(slot)
    }

    /// The slot that holds the thing, and whether it has yet to be written there. Slots in `used`
    /// keep what they hold.
    fn slot(&mut self, key: K, thing: &Arc<T>, used: &[u32]) -> (u32, bool) {
        if let Some((slot, held)) = self.held.get_mut(&key) {
            if Arc::ptr_eq(held, thing) || **held == **thing {
                return (*slot, false);
            }
            // The same at another moment; where one event needs both, they need two slots.
            if !used.contains(slot) {
                *held = Arc::clone(thing);
                return (*slot, true);
            }
        }
        while used.contains(&self.next) {
            self.next = (self.next + 1) % SLOTS;
        }
        let slot = self.next;
        self.next = (self.next + 1) % SLOTS;
        self.forget(slot);
        let index = slot as usize;
        if self.keys.len() <= index {
            self.keys.resize(index + 1, None);
        }
        if let Some(place) = self.keys.get_mut(index) {
            *place = Some(key.clone());
        }
        self.held.insert(key, (slot, Arc::clone(thing)));
        (slot, true)
    }

    fn forget(&mut self, slot: u32) {
        let Some(key) = self.keys.get_mut(slot as usize).and_then(Option::take) else { return };
        // The key may live in a later slot by now.
        if self.held.get(&key).is_some_and(|(held, _)| *held == slot) {
            self.held.remove(&key);
        }
    }
}
