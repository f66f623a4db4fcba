//! What waits for a sink: in a spool, or in memory where there is none or the disk does not take it.
//!
//! One order: what is in the spool is older than what is in memory.

use std::collections::VecDeque;
use std::path::PathBuf;

use crate::letter::Letter;
use crate::spool::{Position, Spool};

/// What may wait in memory. What is more costs the oldest.
const MEMORY_BYTES_MAX: usize = 32 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ticket {
    OnDisk(Position),
    InMemory(u64),
}

#[derive(Debug, Default)]
pub(crate) struct Store {
    spool: Option<Spool>,
    memory: VecDeque<Letter>,
    bytes: usize,
    /// The number of the first in memory; every letter that was there has one.
    first: u64,
    lost: u64,
    /// Why the disk did not take the last letter.
    pub(crate) full: Option<String>,
}

impl Store {
    pub(crate) fn new(spool: Option<Spool>) -> Self {
        Self { spool, ..Self::default() }
    }

    pub(crate) fn push(&mut self, letter: Letter) {
        self.bytes += letter.bytes();
        self.memory.push_back(letter);
        self.write_back();
        while self.bytes > MEMORY_BYTES_MAX && self.pop_memory().is_some() {
            self.lost += 1;
        }
    }

    /// As much as the disk takes. What it never will must not stand before the others.
    fn write_back(&mut self) {
        let Some(spool) = &mut self.spool else { return };
        self.full = None;
        while let Some(letter) = self.memory.front() {
            if letter.is_too_long() {
                self.lost += 1;
            } else if let Err(error) = spool.push(letter) {
                self.full = Some(error.to_string());
                return;
            }
            self.bytes -= letter.bytes();
            self.memory.pop_front();
            self.first += 1;
        }
    }

    fn pop_memory(&mut self) -> Option<Letter> {
        let letter = self.memory.pop_front()?;
        self.bytes -= letter.bytes();
        self.first += 1;
        Some(letter)
    }

    /// The oldest. It stays until it is taken.
    pub(crate) fn front(&mut self) -> Option<(Ticket, Letter)> {
        if let Some((position, letter)) = self.spool.as_mut().and_then(Spool::front) {
            return Some((Ticket::OnDisk(position), letter));
        }
        Some((Ticket::InMemory(self.first), self.memory.front()?.clone()))
    }

    /// Nothing happens if it was dropped, or put on disk, meanwhile.
    pub(crate) fn take(&mut self, ticket: Ticket) {
        match ticket {
            Ticket::OnDisk(position) => {
                if let Some(spool) = &mut self.spool {
                    spool.take(position);
                }
            }
            Ticket::InMemory(number) if number == self.first => drop(self.pop_memory()),
            Ticket::InMemory(_) => {}
        }
    }

    /// The sink will never have it.
    pub(crate) fn give_up(&mut self, ticket: Ticket) {
        self.lost += 1;
        self.take(ticket);
    }

    /// What there is to sync on disk, where all is that it takes by now.
    pub(crate) fn paths(&mut self) -> Vec<PathBuf> {
        self.write_back();
        self.spool.as_ref().map_or_else(Vec::new, Spool::paths)
    }

    /// Letters that nobody will have.
    pub(crate) fn lost(&self) -> u64 {
        self.lost + self.spool.as_ref().map_or(0, |spool| spool.lost)
    }

    /// Places of the spool that made no sense.
    pub(crate) fn damaged(&self) -> u64 {
        self.spool.as_ref().map_or(0, |spool| spool.damaged)
    }

    pub(crate) fn on_disk(&self) -> u64 {
        self.spool.as_ref().map_or(0, Spool::waiting)
    }

    pub(crate) fn in_memory(&self) -> u64 {
        self.memory.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::letter::LETTER_BYTES_MAX;

    fn letter(text: impl Into<String>) -> Letter {
        Letter { time: 1, severity: 4, text: text.into() }
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_go() {
        let mut store = Store::new(None);
        for number in 0..5 {
            store.push(letter(number.to_string().repeat(MEMORY_BYTES_MAX / 4)));
        }
        assert_eq!((store.lost(), store.in_memory()), (2, 3));
        let (ticket, first) = store.front().unwrap();
        assert!(first.text.starts_with('2'));
        store.take(ticket);
        store.take(ticket);
        assert_eq!(store.in_memory(), 2, "nothing is taken twice");
    }

    #[test]
    fn what_no_disk_takes_is_lost_and_the_next_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::new(Some(Spool::open(folder.path()).unwrap()));
        for text in ["one".to_owned(), "x".repeat(LETTER_BYTES_MAX + 1), "three".to_owned()] {
            store.push(letter(text));
        }
        assert_eq!((store.on_disk(), store.in_memory(), store.lost()), (2, 0, 1));
        assert_eq!(store.full, None);
    }

    #[test]
    fn what_the_disk_has_room_for_again_is_there_when_it_is_synced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool");
        let mut store = Store::new(Some(Spool::open(&path).unwrap()));
        std::fs::remove_dir_all(&path).unwrap();
        store.push(letter("one"));
        assert_eq!((store.on_disk(), store.in_memory()), (0, 1));
        std::fs::create_dir(&path).unwrap();
        assert_eq!(store.paths().len(), 2, "the file and its folder");
        assert_eq!((store.on_disk(), store.in_memory()), (1, 0));
    }

    #[test]
    fn what_the_disk_does_not_take_waits_in_memory_and_goes_there_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool");
        let mut store = Store::new(Some(Spool::open(&path).unwrap()));
        store.push(letter("one"));
        let (ticket, _) = store.front().unwrap();
        std::fs::remove_dir_all(&path).unwrap();
        store.push(letter("two"));
        assert!(store.full.is_some());
        assert_eq!((store.on_disk(), store.in_memory()), (1, 1));
        store.take(ticket);
        let (of_two, two) = store.front().unwrap();
        assert_eq!(two.text, "two");
        std::fs::create_dir(&path).unwrap();
        store.push(letter("three"));
        assert_eq!((store.on_disk(), store.in_memory(), &store.full), (2, 0, &None));
        store.take(of_two);
        assert_eq!(store.front().unwrap().1.text, "two", "told again rather than lost");
    }
}
