//! Who had a number at a moment that is past: what is found out later than it was done is told of whoever
//! did it. It never takes one that began afterwards for it.

use super::{Processes, TICK};
use crate::record::ProcessId;

impl Processes {
    /// The process that had this number then, in nanoseconds since the epoch: the last one that had
    /// begun. Ended ones are known for a while.
    pub fn at(&self, pid: u32, time: u64) -> Option<ProcessId> {
        let entries = self.entries.values().filter(|entry| entry.process.pid == pid);
        let begun = entries.filter(|entry| entry.process.started <= time.saturating_add(TICK));
        let last = begun.max_by_key(|entry| entry.birth.time)?;
        Some(ProcessId { pid, started: last.birth.time })
    }
}
