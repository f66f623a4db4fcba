//! Verdicts that were given before.
//!
//! A verdict depends on the result that is judged, on what the image is called, on the policy, and on
//! the day, for exceptions end and rules come into force. Where images start by the thousand, the
//! same one is asked about again and again.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use jiff::civil::Date;
use model::Verdict;

/// What a verdict is known by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VerdictKey {
    /// A number that changes with the result: with the image, the advisories, the checks that ran,
    /// and what went wrong.
    pub result: u128,
    /// Rules and exceptions may be for some names alone.
    pub name: String,
    /// [`crate::Policy::version()`].
    pub policy: u128,
    pub today: Date,
}

/// A bounded memory of verdicts; the oldest goes first.
#[derive(Debug)]
pub struct VerdictCache {
    room: usize,
    verdicts: HashMap<VerdictKey, Arc<Verdict>>,
    order: VecDeque<VerdictKey>,
}

impl VerdictCache {
    /// A memory for at most so many verdicts.
    pub fn new(room: usize) -> Self {
        Self { room, verdicts: HashMap::new(), order: VecDeque::new() }
    }

    pub fn get(&self, key: &VerdictKey) -> Option<Arc<Verdict>> {
        self.verdicts.get(key).cloned()
    }

    pub fn put(&mut self, key: VerdictKey, verdict: Arc<Verdict>) {
        if self.room == 0 {
            return;
        }
        if self.verdicts.insert(key.clone(), verdict).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > self.room
            && let Some(oldest) = self.order.pop_front()
        {
            self.verdicts.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_in_anything_is_another_verdict_and_room_is_kept() {
        let key = |result, name: u8, policy, day| VerdictKey {
            result,
            name: name.to_string(),
            policy,
            today: Date::constant(2026, 1, day),
        };
        let mut cache = VerdictCache::new(2);
        let verdict = Arc::new(Verdict::default());
        cache.put(key(1, 1, 1, 1), Arc::clone(&verdict));
        assert!(cache.get(&key(1, 1, 1, 1)).is_some());
        for other in [key(2, 1, 1, 1), key(1, 2, 1, 1), key(1, 1, 2, 1), key(1, 1, 1, 2)] {
            assert!(cache.get(&other).is_none(), "{other:?}");
        }
        cache.put(key(2, 1, 1, 1), Arc::clone(&verdict));
        cache.put(key(2, 1, 1, 1), Arc::clone(&verdict));
        assert!(cache.get(&key(1, 1, 1, 1)).is_some(), "the same again takes no room");
        cache.put(key(3, 1, 1, 1), verdict);
        assert!(cache.get(&key(1, 1, 1, 1)).is_none());
        assert!(cache.get(&key(2, 1, 1, 1)).is_some());
        assert_eq!((cache.verdicts.len(), cache.order.len()), (2, 2));
        let mut none = VerdictCache::new(0);
        none.put(key(1, 1, 1, 1), Arc::new(Verdict::default()));
        assert!(none.get(&key(1, 1, 1, 1)).is_none());
    }
}
