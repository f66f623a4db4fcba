//! Bytes to events.

use std::io::{self, ErrorKind, Read};
use std::sync::Arc;

use model::event::{Act, Container, Event, Process};
use thiserror::Error;

use super::held::{self, Sizes};
use super::{EventRecord, HEADER, MAGIC, MAX_RECORD, Record, SLOTS, VERSION};

/// Gives the events of a recording in their order. After the first error it ends.
pub struct Reader<R> {
    source: R,
    /// Bytes that were understood.
    offset: u64,
    processes: Held<Process>,
    containers: Held<Container>,
    ended: bool,
}

/// Why a recording cannot be read, or not to its end.
#[derive(Debug, Error)]
pub enum RecordingError {
    #[error("it is not a recording of events")]
    NotARecording,
    #[error("it is a recording of format {0}; this version reads format {VERSION}")]
    Version(u8),
    #[error("it is cut off at byte {0}")]
    CutOff(u64),
    #[error("it is damaged at byte {offset}: {what}")]
    Damaged { offset: u64, what: &'static str },
    #[error("it cannot be read behind byte {offset}")]
    Io { offset: u64, source: io::Error },
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    pub fn new(mut source: R) -> Result<Self, RecordingError> {
        let mut header = [0; HEADER.len()];
        source.read_exact(&mut header).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => RecordingError::NotARecording,
            _ => RecordingError::Io { offset: 0, source: error },
        })?;
        match header.strip_prefix(MAGIC) {
            Some([VERSION]) => {}
            Some([version]) => return Err(RecordingError::Version(*version)),
            _ => return Err(RecordingError::NotARecording),
        }
        let (processes, containers) = (Held::default(), Held::default());
        let offset = header.len() as u64;
        Ok(Self { source, offset, processes, containers, ended: false })
    }

    /// The next event; None at a proper end.
    fn event(&mut self) -> Result<Option<Event>, RecordingError> {
        while let Some(bytes) = self.frame()? {
            let record = postcard::from_bytes(&bytes);
            match record.map_err(|_why| self.damaged("a record of no known form"))? {
                Record::Process { slot, process } => {
                    let size = held::of_process(&process, bytes.len());
                    let held = self.processes.hold(slot, process, size);
                    held.map_err(|what| self.damaged(what))?;
                }
                Record::Container { slot, container } => {
                    let size = held::of_container(&container, bytes.len());
                    let held = self.containers.hold(slot, container, size);
                    held.map_err(|what| self.damaged(what))?;
                }
                Record::Event(record) => {
                    let event = self.resolve(*record);
                    let event = event.ok_or_else(|| {
                        self.damaged("an event of a process or container that is not there")
                    })?;
                    self.offset += 8 + bytes.len() as u64;
                    return Ok(Some(event));
                }
            }
            self.offset += 8 + bytes.len() as u64;
        }
        Ok(None)
    }

    /// The next record's bytes, which are what was written.
    fn frame(&mut self) -> Result<Option<Vec<u8>>, RecordingError> {
        let head = self.take(8)?;
        let (length, checksum) = match *head.as_slice() {
            [] => return Ok(None),
            [a, b, c, d, e, f, g, h] => {
                (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]))
            }
            _ => return Err(RecordingError::CutOff(self.offset)),
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > MAX_RECORD {
            return Err(self.damaged("a record longer than any is"));
        }
        let bytes = self.take(length)?;
        if bytes.len() < length {
            return Err(RecordingError::CutOff(self.offset));
        }
        if crc32fast::hash(&bytes) != checksum {
            return Err(self.damaged("a record's checksum is wrong"));
        }
        Ok(Some(bytes))
    }

    /// So many bytes, or fewer where the source ends.
    fn take(&mut self, length: usize) -> Result<Vec<u8>, RecordingError> {
        let mut bytes = Vec::new();
        let read = self.source.by_ref().take(length as u64).read_to_end(&mut bytes);
        read.map_err(|source| RecordingError::Io { offset: self.offset, source })?;
        Ok(bytes)
    }

    fn damaged(&self, what: &'static str) -> RecordingError {
        RecordingError::Damaged { offset: self.offset, what }
    }

    fn resolve(&self, record: EventRecord) -> Option<Event> {
        let container = match record.container {
            Some(slot) => Some(self.containers.get(slot)?),
            None => None,
        };
        let ancestors = record.ancestors.iter().map(|slot| self.processes.get(*slot));
        Some(Event {
            number: record.number,
            time: record.time,
            call: record.call,
            thread: record.thread,
            processor: record.processor,
            process: self.processes.get(record.process)?,
            ancestors: ancestors.take(Event::MAX_ANCESTORS).collect::<Option<_>>()?,
            container,
            act: of_today(record.act),
            result: record.result,
            denied: record.denied,
        })
    }
}

/// What recordings of before have in another form.
fn of_today(act: Act) -> Act {
    match act {
        Act::ExecAlone { file } => Act::Exec { file, streams: Vec::new() },
        act => act,
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Event, RecordingError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let event = self.event().transpose();
        self.ended = !matches!(event, Some(Ok(_)));
        event
    }
}

/// What slots hold.
struct Held<T> {
    slots: Vec<Option<Arc<T>>>,
    sizes: Sizes,
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), sizes: Sizes::default() }
    }
}

impl<T> Held<T> {
    fn hold(&mut self, slot: u32, thing: T, size: usize) -> Result<(), &'static str> {
        if slot >= SLOTS {
            return Err("a slot that there is not");
        }
        let index = slot as usize;
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, || None);
        }
        let Some(place) = self.slots.get_mut(index) else { return Ok(()) };
        if !self.sizes.replace(slot, size) {
            return Err("more is referred to at a time than any recording needs");
        }
        *place = Some(Arc::new(thing));
        Ok(())
    }

    fn get(&self, slot: u32) -> Option<Arc<T>> {
        self.slots.get(slot as usize)?.clone()
    }
}
