//! Networks → the kernel's tables of addresses, which find the longest prefix.
//!
//! What covers a longer prefix is added to it here, so that the kernel looks once. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use model::{Network, Prevention, Refused};

use super::Refusal;

/// Ranges of ports that one network may have, those of the networks around it among them.
pub(super) const RANGES_MAX: usize = 16;
/// Prefixes of each kind of address in all.
const NETWORKS_MAX: usize = 65_536;

/// What an address that is in a network is met by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rule {
    /// Whatever the port.
    pub(super) bits: u64,
    pub(super) ports: Vec<(RangeInclusive<u16>, u64)>,
}

/// An address without the bits that do not count, and how many do.
pub(super) type Key = (IpAddr, u8);

/// # Errors
/// If a network is none, or has too many ports, or there are too many.
pub(super) fn compile(preventions: &[Prevention]) -> Result<BTreeMap<Key, Rule>, Refusal> {
    let mut rules: BTreeMap<Key, Rule> = BTreeMap::new();
    for (index, prevention) in preventions.iter().enumerate() {
        let Refused::Connect(networks) = &prevention.act else { continue };
        for network in networks {
            let fail = |why| Refusal::Network {
                prevention: prevention.id.clone(),
                network: network.clone(),
                why,
            };
            let key = key(network).ok_or_else(|| fail("has more bits than an address"))?;
            rules.entry(key).or_default().add(&network.ports, 1 << index);
            if rules.len() > NETWORKS_MAX {
                return Err(Refusal::ManyNetworks(NETWORKS_MAX));
            }
        }
    }
    cover(&mut rules);
    match rules.iter().find(|(_, rule)| rule.ports.len() > RANGES_MAX) {
        Some(((address, prefix), _)) => Err(Refusal::Ports { address: *address, prefix: *prefix }),
        None => Ok(rules),
    }
}

/// A network of addresses that stand for those of version 4 is one of version 4.
fn key(network: &Network) -> Option<Key> {
    let (address, prefix) = match network.address {
        IpAddr::V6(address) => match (address.to_ipv4_mapped(), network.prefix) {
            (Some(mapped), 96..=128) => (IpAddr::V4(mapped), network.prefix - 96),
            _ => (IpAddr::V6(address), network.prefix),
        },
        address @ IpAddr::V4(_) => (address, network.prefix),
    };
    Some((masked(address, prefix)?, prefix))
}

fn masked(address: IpAddr, prefix: u8) -> Option<IpAddr> {
    Some(match address {
        IpAddr::V4(address) => {
            let left = 32_u32.checked_sub(prefix.into())?;
            IpAddr::V4((address.to_bits() & u32::MAX.checked_shl(left).unwrap_or(0)).into())
        }
        IpAddr::V6(address) => {
            let left = 128_u32.checked_sub(prefix.into())?;
            IpAddr::V6((address.to_bits() & u128::MAX.checked_shl(left).unwrap_or(0)).into())
        }
    })
}

/// Every network gets what those around it have.
fn cover(rules: &mut BTreeMap<Key, Rule>) {
    let own = rules.clone();
    for ((address, prefix), rule) in rules {
        let around =
            (0..*prefix).filter_map(|shorter| own.get(&(masked(*address, shorter)?, shorter)));
        for wider in around {
            rule.bits |= wider.bits;
            for (range, bits) in &wider.ports {
                rule.add(std::slice::from_ref(range), *bits);
            }
        }
    }
}

impl Rule {
    fn add(&mut self, ports: &[RangeInclusive<u16>], bits: u64) {
        if ports.is_empty() {
            self.bits |= bits;
        }
        for range in ports.iter().filter(|range| !range.is_empty()) {
            match self.ports.iter_mut().find(|(known, _)| known == range) {
                Some((_, known)) => *known |= bits,
                None => self.ports.push((range.clone(), bits)),
            }
        }
    }

    /// As the kernel has it: the bits, then two words a range, the ports first.
    pub(super) fn words(&self) -> [u64; 1 + 2 * RANGES_MAX] {
        let mut words = [0; 1 + 2 * RANGES_MAX];
        // A range that no port is in.
        let nothing = (u64::from(u16::MAX), 0);
        let ranges = self.ports.iter().map(|(range, bits)| {
            (u64::from(*range.start()) | u64::from(*range.end()) << 16, *bits)
        });
        let ranges = ranges.chain(std::iter::repeat(nothing)).take(RANGES_MAX);
        let all = ranges.flat_map(|(ports, bits)| [ports, bits]);
        for (word, value) in words.iter_mut().zip(std::iter::once(self.bits).chain(all)) {
            *word = value;
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str, prefix: u8, ports: &[RangeInclusive<u16>]) -> Network {
        Network { address: address.parse().expect("an address"), prefix, ports: ports.to_vec() }
    }

    fn connect(networks: Vec<Network>) -> Prevention {
        Prevention { id: "a".to_owned(), act: Refused::Connect(networks) }
    }

    fn met(rules: &BTreeMap<Key, Rule>, address: &str, port: u16) -> u64 {
        let address: IpAddr = address.parse().expect("an address");
        let longest =
            (0..=128).rev().find_map(|prefix| rules.get(&(masked(address, prefix)?, prefix)));
        longest.map_or(0, |rule| {
            let ports = rule.ports.iter().filter(|(range, _)| range.contains(&port));
            ports.fold(rule.bits, |bits, (_, more)| bits | more)
        })
    }

    const CASES: &[(&str, u16, u64)] = &[
        ("169.254.169.254", 80, 0b01),
        ("169.254.169.253", 80, 0),
        ("10.1.2.3", 22, 0b10),
        ("10.1.2.3", 23, 0b10),
        ("10.1.2.3", 24, 0),
        // Inside of the other, which it keeps.
        ("10.1.0.9", 22, 0b11),
        ("10.1.0.9", 443, 0b01),
        ("172.16.0.1", 1, 0b10),
        ("2001:db8::1", 1, 0b01),
        ("2001:db9::1", 1, 0),
    ];

    #[test]
    fn one_look_finds_all_that_cover_an_address() {
        let rules = compile(&[
            connect(vec![
                network("169.254.169.254", 32, &[]),
                network("10.1.0.200", 24, &[]),
                network("2001:db8:1::", 32, &[]),
            ]),
            connect(vec![
                network("10.0.0.0", 8, &[22..=23]),
                network("::ffff:172.16.0.0", 108, &[]),
            ]),
        ]);
        let rules = rules.expect("they are sound");
        for (address, port, bits) in CASES {
            assert_eq!(met(&rules, address, *port), *bits, "{address} {port}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for wrong in [network("1.2.3.4", 33, &[]), network("::", 129, &[])] {
            let refused = compile(&[connect(vec![wrong])]);
            assert!(matches!(refused, Err(Refusal::Network { .. })), "{refused:?}");
        }
        let ranges: Vec<_> = (1..=17).map(|port| port..=port).collect();
        let many = network("1.2.3.4", 32, &ranges);
        let refused = compile(&[connect(vec![many])]);
        assert!(matches!(refused, Err(Refusal::Ports { .. })), "{refused:?}");
        let split = [network("1.0.0.0", 8, &ranges[..9]), network("1.2.0.0", 16, &ranges[9..])];
        let refused = compile(&[connect(split.to_vec())]);
        assert!(
            matches!(refused, Err(Refusal::Ports { .. })),
            "the inner one has all: {refused:?}"
        );
    }

    #[test]
    fn words_hold_ranges_and_then_none() {
        let rules = compile(&[connect(vec![network("1.2.3.4", 32, &[80..=90])])]);
        let words = rules.expect("it is sound").pop_first().expect("one").1.words();
        assert_eq!(words[..5], [0, 80 | 90 << 16, 1, 0xffff, 0]);
    }
}
