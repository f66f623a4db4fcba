//! Two buffers → one stream in the order of time.
//!
//! That a program began is told in the critical buffer, what it did then in the bulk one. Both are
//! merged, so that nobody hears of deeds before the program that did them. Nothing is taken out ahead
//! of its turn: what waits is in the buffers, where the kernel counts it.
//!
//! One thing this cannot see: a record that another processor is just writing hides what is behind
//! it in its buffer. A program that began behind such a one is told after a deed of its own, if that
//! is in the other buffer already. Writing takes some microseconds.

use aya::maps::{MapData, RingBuf};

use crate::record::{Damage, Record};

type Read = Result<Record, Damage>;

pub(super) struct Inbox {
    critical: RingBuf<MapData>,
    bulk: RingBuf<MapData>,
    heads: Heads,
}

impl Inbox {
    pub(super) fn new(critical: RingBuf<MapData>, bulk: RingBuf<MapData>) -> Self {
        Self { critical, bulk, heads: Heads::default() }
    }

    pub(super) fn next(&mut self) -> Option<Read> {
        let Self { critical, bulk, heads } = self;
        let first = |buffer: &mut RingBuf<MapData>| buffer.next().map(|it| Record::read(&it));
        heads.next(|| first(critical), || first(bulk))
    }
}

/// The first record of each buffer.
#[derive(Default)]
struct Heads {
    critical: Option<Read>,
    bulk: Option<Read>,
}

impl Heads {
    fn next(
        &mut self,
        critical: impl FnOnce() -> Option<Read>,
        mut bulk: impl FnMut() -> Option<Read>,
    ) -> Option<Read> {
        self.bulk = self.bulk.take().or_else(&mut bulk);
        // After the other one: whatever came before the record there is here by now.
        self.critical = self.critical.take().or_else(critical);
        // And once more, if there was none: it may have come before the one that is here.
        if self.critical.is_some() {
            self.bulk = self.bulk.take().or_else(bulk);
        }
        match (&self.critical, &self.bulk) {
            (Some(critical), Some(bulk)) if time(bulk) < time(critical) => self.bulk.take(),
            (Some(_), _) => self.critical.take(),
            (None, _) => self.bulk.take(),
        }
    }
}

/// What makes no sense is told at once.
fn time(read: &Read) -> u64 {
    read.as_ref().map_or(0, |record| record.time)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;

    use super::*;
    use crate::record::{Deed, Exit, ProcessId};

    fn at(time: u64) -> Read {
        Ok(Record {
            time,
            processor: 0,
            thread: 1,
            process: ProcessId::default(),
            parent: ProcessId::default(),
            virtual_thread: 1,
            virtual_process: 1,
            control_group: 1,
            name: "sh".into(),
            cut: false,
            deed: Deed::Exit(Exit::default()),
        })
    }

    /// What is in the critical buffer and in the bulk one, and what comes to the bulk one after it
    /// was looked at; the order in which it is told.
    const CASES: &[[&[u64]; 4]] = &[
        [&[1, 4], &[2, 3], &[], &[1, 2, 3, 4]],
        [&[2], &[1], &[], &[1, 2]],
        [&[1], &[], &[], &[1]],
        [&[], &[1, 2], &[], &[1, 2]],
        // Made before the critical one, between the two looks.
        [&[2], &[], &[1], &[1, 2]],
        [&[2], &[], &[3], &[2, 3]],
    ];

    #[test]
    fn both_are_told_in_the_order_of_time() {
        for [critical, bulk, late, expected] in CASES {
            let mut critical: VecDeque<u64> = critical.iter().copied().collect();
            let bulk: RefCell<VecDeque<u64>> = RefCell::new(bulk.iter().copied().collect());
            let mut late = late.iter();
            let mut heads = Heads::default();
            let mut told = Vec::new();
            while let Some(read) = heads.next(
                || {
                    bulk.borrow_mut().extend(late.by_ref());
                    critical.pop_front().map(at)
                },
                || bulk.borrow_mut().pop_front().map(at),
            ) {
                told.push(time(&read));
            }
            assert_eq!(told, *expected);
        }
    }
}
