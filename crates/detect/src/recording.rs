//! Recordings, `events.lzr`: what a sensor saw, kept so that rules can be held against it later.
//!
//! ```text
//! header   16 bytes: "lazaret events\n", format version
//! frame    length of the record (4 bytes, little-endian), its CRC-32 (4 bytes), the record
//! record   postcard: a process or a container for a slot, or an event that refers to slots
//! ```
//!
//! An event's process, ancestors and container are stored when they are first met and whenever
//! they differ from what their slot holds. There are `SLOTS` of each kind and the oldest makes
//! room, so that writing and reading need no more memory for a day than for an hour.
//!
//! Nothing here opens a file: [`Writer`] gives bytes, [`Reader`] takes any source of them. A
//! recording that is cut off or damaged gives every event before the damage, then says so.

mod held;
mod read;
#[cfg(test)]
pub(crate) mod tests;
mod write;

use model::event::{Act, Call, Container, Process};
use serde::{Deserialize, Serialize};

pub use held::bytes_of;
pub use read::{Reader, RecordingError};
pub use write::{TooLarge, Writer};

/// How a recording begins; the last byte is `VERSION`.
pub const HEADER: [u8; 16] = *b"lazaret events\n\x01";

/// What stands before the version.
const MAGIC: &[u8] = b"lazaret events\n";

/// Changes with every change of `model::event` or of this module that older bytes do not survive.
const VERSION: u8 = 1;

/// Processes, and containers, that are referred to at a time. A busy host has some thousand.
const SLOTS: u32 = 16_384;

/// No record is longer. A process has at most 128 KiB an argument and sensors cut far below that;
/// without a limit, four bytes of a damaged file would ask for 4 GiB.
const MAX_RECORD: usize = 2 * 1024 * 1024;

/// What the slots of one kind take at a time, in memory: `SLOTS` at 32 KiB each.
const MAX_HELD: usize = 512 * 1024 * 1024;

/// One frame's content, as it is read.
#[derive(Deserialize)]
enum Record {
    Process { slot: u32, process: Process },
    Container { slot: u32, container: Container },
    Event(Box<EventRecord>),
}

/// One frame's content, as it is written; the same bytes.
#[derive(Serialize)]
enum RecordOf<'a> {
    Process { slot: u32, process: &'a Process },
    Container { slot: u32, container: &'a Container },
    Event(EventRecord<&'a Act>),
}

/// An event with slots in the place of what it shares with others.
#[derive(Serialize, Deserialize)]
struct EventRecord<A = Act> {
    number: u64,
    time: u64,
    call: Call,
    thread: u32,
    processor: u32,
    process: u32,
    ancestors: Vec<u32>,
    container: Option<u32>,
    act: A,
    result: Option<i64>,
    denied: bool,
}
