//! Clients that have not shown yet who they are, by their addresses.
//!
//! A few connections that say nothing must not keep all others out: an address has so many of them,
//! and who is known is not counted here.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An API server opens a connection or two at once, and is known after its first request.
pub(super) const STRANGERS_MAX: usize = 4;

#[derive(Default)]
pub(super) struct Strangers(Mutex<HashMap<IpAddr, usize>>);

/// One of them, until it is dropped.
pub(super) struct Stranger<'a> {
    of: &'a Strangers,
    address: IpAddr,
}

impl Strangers {
    /// None if the address has too many.
    pub(super) fn take(&self, address: IpAddr) -> Option<Stranger<'_>> {
        let mut counts = self.lock();
        let count = counts.entry(address).or_default();
        if *count >= STRANGERS_MAX {
            return None;
        }
        *count += 1;
        Some(Stranger { of: self, address })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stranger<'_> {
    fn drop(&mut self) {
        let mut counts = self.of.lock();
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            // What is kept is bounded by the connections that there are.
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_own_and_leaves_nothing() {
        let strangers = Strangers::default();
        let [one, other] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(IpAddr::from);
        let mut held: Vec<_> = (0..STRANGERS_MAX).map(|_| strangers.take(one).unwrap()).collect();
        assert!(strangers.take(one).is_none());
        assert!(strangers.take(other).is_some());
        held.pop();
        assert!(strangers.take(one).is_some());
        drop(held);
        assert!(strangers.lock().is_empty());
    }
}
