//! Destinations: addresses, networks and ranges of them, domains and all below a domain, ports.

use core::net::IpAddr;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde_saphyr::Spanned;

use super::check::{Check, Word};

/// Longest name of a domain (RFC 1035, section 2.3.4).
const DOMAIN_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// Where something may go to, or come from.
#[derive(Clone, Debug, Default)]
pub(super) struct Destinations {
    addresses: Vec<RangeInclusive<IpAddr>>,
    domains: BTreeSet<String>,
    /// Domains whose subdomains are meant.
    parents: BTreeSet<String>,
}

impl Destinations {
    pub(super) fn check(texts: &[Spanned<String>], check: &mut Check) -> Self {
        let mut destinations = Self::default();
        for word in check.words(texts) {
            if let Some(range) = range(&word.text) {
                destinations.addresses.push(range);
            } else if let Some(domain) = word.text.strip_prefix("*.").and_then(domain) {
                destinations.parents.insert(domain);
            } else if let Some(domain) = domain(&word.text) {
                destinations.domains.insert(domain);
            } else {
                check.errors.push(not_any(&word));
            }
        }
        destinations
    }

    pub(super) fn hold_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.addresses.iter().any(|range| range.contains(&address))
    }

    pub(super) fn hold_domain(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let mut above = name.as_str();
        if self.domains.contains(above) {
            return true;
        }
        while let Some((_, parent)) = above.split_once('.') {
            if self.parents.contains(parent) {
                return true;
            }
            above = parent;
        }
        false
    }
}

fn not_any(word: &Word) -> crate::error::PolicyError {
    let message = format!("`{}` is no address, network, range or domain", word.text);
    let hint = "such as 192.0.2.7, 192.0.2.0/24, 2001:db8::/32, 192.0.2.1-192.0.2.9, example.com, \
                *.example.com";
    word.mistake(message).hint(Some(hint.to_owned()))
}

/// An address, a network, or two addresses with a hyphen between.
fn range(text: &str) -> Option<RangeInclusive<IpAddr>> {
    if let Some((address, prefix)) = network(text) {
        return Some(of_network(address, prefix));
    }
    let (first, last) = text.split_once('-')?;
    let (first, last): (IpAddr, IpAddr) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let is_one_kind = first.is_ipv4() == last.is_ipv4();
    (is_one_kind && first <= last).then_some(first..=last)
}

/// An address and how many of its bits count.
pub(super) fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let is_number = |it: &&str| it.bytes().all(|byte| byte.is_ascii_digit());
    let prefix = match prefix {
        Some(prefix) => Some(prefix).filter(is_number)?.parse().ok()?,
        None => bits,
    };
    (prefix <= bits).then_some((address, prefix))
}

fn of_network(address: IpAddr, prefix: u8) -> RangeInclusive<IpAddr> {
    // A shift by all bits there are leaves none.
    let prefix = u32::from(prefix);
    match address {
        IpAddr::V4(address) => {
            let host = u32::MAX.checked_shr(prefix).unwrap_or(0);
            let address = address.to_bits();
            let (first, last) = (address & !host, address | host);
            IpAddr::V4(first.into())..=IpAddr::V4(last.into())
        }
        IpAddr::V6(address) => {
            let host = u128::MAX.checked_shr(prefix).unwrap_or(0);
            let address = address.to_bits();
            let (first, last) = (address & !host, address | host);
            IpAddr::V6(first.into())..=IpAddr::V6(last.into())
        }
    }
}

fn domain(text: &str) -> Option<String> {
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let is_of_label = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_label = |label: &str| {
        !label.is_empty() && label.len() <= LABEL_BYTES_MAX && label.bytes().all(is_of_label)
    };
    // A mistyped address is no domain: no domain at the top is a number.
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    let is_domain = name.len() <= DOMAIN_BYTES_MAX
        && name.split('.').all(is_label)
        && !name.rsplit('.').next().is_some_and(is_number);
    is_domain.then_some(name)
}

/// Ports, each one or a range.
pub(super) fn ports(texts: &[Spanned<String>], check: &mut Check) -> Vec<RangeInclusive<u16>> {
    let words = check.words(texts);
    let of = |word: &Word| {
        let range = port_range(&word.text);
        range
            .ok_or_else(|| word.mistake(format!("`{}` is no port and no range of them", word.text)))
    };
    words.iter().filter_map(|word| of(word).map_err(|it| check.errors.push(it)).ok()).collect()
}

fn port_range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some(first..=last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_ranges_hold_what_is_in_them() {
        // what is written, what is in it, what is not
        let table = [
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.9/24", "192.0.2.0", "192.0.1.255"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::/0", "2001:db8::1", "192.0.2.1"),
            ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"),
            ("192.0.2.1-192.0.2.3", "192.0.2.3", "192.0.2.4"),
            ("192.0.2.7", "::ffff:192.0.2.7", "::ffff:192.0.2.8"),
        ];
        for (written, inside, outside) in table {
            let addresses = vec![range(written).unwrap()];
            let it = Destinations { addresses, ..Destinations::default() };
            assert!(it.hold_address(inside.parse().unwrap()), "{written} {inside}");
            assert!(!it.hold_address(outside.parse().unwrap()), "{written} {outside}");
        }
        for wrong in [
            "192.0.2.0/33",
            "::/129",
            "192.0.2.0/+4",
            "192.0.2.0/",
            "192.0.2.9-192.0.2.1",
            "192.0.2.1-::1",
            "192.0.2",
            "",
        ] {
            assert_eq!(range(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn domains_are_names_and_never_mistyped_addresses() {
        for right in ["example.com", "EXAMPLE.com.", "_dmarc.example.com", "localhost", "x1.y2z"] {
            assert!(domain(right).is_some(), "{right}");
        }
        for wrong in ["", ".", "a..b", "300.1.2.3", "a b", "*.com", "ex ample", "1"] {
            assert_eq!(domain(wrong), None, "{wrong}");
        }
        let it = Destinations {
            domains: BTreeSet::from(["a.test".to_owned()]),
            parents: BTreeSet::from(["b.test".to_owned()]),
            ..Destinations::default()
        };
        let held = ["a.test", "A.TEST.", "x.b.test", "y.x.b.test"];
        assert!(held.iter().all(|name| it.hold_domain(name)));
        let not = ["x.a.test", "b.test", "xb.test", "test", ""];
        assert!(!not.iter().any(|name| it.hold_domain(name)));
    }

    #[test]
    fn ports_are_numbers_in_their_order() {
        assert_eq!(port_range("22"), Some(22..=22));
        assert_eq!(port_range("8000-9000"), Some(8000..=9000));
        assert_eq!(port_range("9000-8000"), None);
        assert_eq!(port_range("65536"), None);
    }
}
