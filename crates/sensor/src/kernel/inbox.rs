//! Two buffers → one stream in the order of time.
//!
//! That a program began is told in the critical buffer, what it did then in the bulk one. Both are
//! merged, so that nobody hears of deeds before the program that did them; and the critical one is
//! emptied ahead, so that it does not fill while the other is worked off.

use std::collections::VecDeque;

use aya::maps::{MapData, RingBuf};

use crate::record::{Damage, Record};

/// What is taken ahead of the critical buffer: four times that buffer, and as it was there, for a
/// record that was read takes many times as much.
const AHEAD_BYTES_MAX: usize = 64 << 20;

type Read = Result<Record, Damage>;

pub(super) struct Inbox {
    critical: RingBuf<MapData>,
    bulk: RingBuf<MapData>,
    /// Taken out of the critical buffer.
    ahead: VecDeque<Box<[u8]>>,
    ahead_bytes: usize,
    /// The first of each.
    first_critical: Option<Read>,
    first_bulk: Option<Read>,
}

impl Inbox {
    pub(super) fn new(critical: RingBuf<MapData>, bulk: RingBuf<MapData>) -> Self {
        let ahead = VecDeque::new();
        Self { critical, bulk, ahead, ahead_bytes: 0, first_critical: None, first_bulk: None }
    }

    pub(super) fn next(&mut self) -> Option<Read> {
        if self.first_bulk.is_none() {
            self.first_bulk = self.bulk.next().map(|bytes| Record::read(&bytes));
        }
        // After the other one: whatever came before the record there is here by now.
        self.take_ahead();
        if self.first_critical.is_none()
            && let Some(bytes) = self.ahead.pop_front()
        {
            self.ahead_bytes -= bytes.len();
            self.first_critical = Some(Record::read(&bytes));
        }
        let is_full = self.ahead_bytes >= AHEAD_BYTES_MAX;
        match (&self.first_critical, &self.first_bulk) {
            // Order is worth less than a program that is not told at all.
            (Some(critical), Some(bulk)) if !is_full && time(bulk) < time(critical) => {
                self.first_bulk.take()
            }
            (Some(_), _) => self.first_critical.take(),
            (None, _) => self.first_bulk.take(),
        }
    }

    fn take_ahead(&mut self) {
        while self.ahead_bytes < AHEAD_BYTES_MAX
            && let Some(bytes) = self.critical.next()
        {
            self.ahead_bytes += bytes.len();
            self.ahead.push_back(Box::from(&*bytes));
        }
    }
}

/// What makes no sense is told at once.
fn time(read: &Read) -> u64 {
    read.as_ref().map_or(0, |record| record.time)
}
