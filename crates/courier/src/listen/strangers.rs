//! Clients that have not shown yet who they are, by their addresses.
//!
//! A few connections that say nothing must not keep all others out: an address has so many of them,
//! and who is known is not counted here. Whoever has an IPv6 address has a network of them, and
//! counts as one.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
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
        let address = whose(address);
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

/// An IPv4 address, or the network of 64 bits that one machine is given of IPv6.
fn whose(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) >> 64 << 64).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_one_machine_is_one() {
        for (one, other, are_same) in [
            ("2001:db8::1", "2001:db8::ffff:1:2:3", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("fe80::1", "fe80::2", true),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
            ("192.0.2.1", "192.0.2.2", false),
        ] {
            let strangers = Strangers::default();
            let [one, other]: [IpAddr; 2] = [one, other].map(|text| text.parse().unwrap());
            let _held: Vec<_> = (0..STRANGERS_MAX).map(|_| strangers.take(one).unwrap()).collect();
            assert_eq!(strangers.take(other).is_none(), are_same, "{one} {other}");
        }
    }

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
