//! Whom a workload talks to: domains where an answer of DNS told the address, else addresses, and
//! ports there; local sockets by path; and on which ports it listens.

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;
use std::collections::{BTreeMap, BTreeSet};

use super::path::Pattern;
use super::widening::Reason;

/// Addresses that are told apart within one network of 24 bits (64 of IPv6), and so on upwards.
pub(super) const NEIGHBOURS_MAX: usize = 8;
/// Domains that are told apart below one.
pub(super) const SIBLINGS_MAX: usize = 16;
/// Whoever talks to more talks to everybody.
pub(super) const DESTINATIONS_MAX: usize = 128;
pub(super) const PORTS_MAX: usize = 16;
/// The first port that the kernel gives to who asks for none (`ip_local_port_range`).
const EPHEMERAL: u16 = 32_768;
/// A name of DNS (RFC 1035, 2.3.4).
const DOMAIN_BYTES_MAX: usize = 253;
/// Networks that addresses come together in, the smallest first.
const PREFIXES_4: [u8; 4] = [32, 24, 16, 0];
const PREFIXES_6: [u8; 4] = [128, 64, 48, 0];

/// A port and its protocol: `443/tcp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Port {
    Any,
    Tcp(u16),
    Udp(u16),
    /// One that the kernel chose.
    Ephemeral,
}

impl Port {
    /// That somebody waits at: one that the kernel chose is another one each time.
    pub(super) fn own(self) -> Self {
        match self {
            Self::Udp(number) if number >= EPHEMERAL => Self::Ephemeral,
            port => port,
        }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Tcp(number) => write!(f, "{number}/tcp"),
            Self::Udp(number) => write!(f, "{number}/udp"),
            Self::Ephemeral => f.write_str("ephemeral/udp"),
        }
    }
}

impl FromStr for Port {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<u16>().ok();
        let port = match text.split_once('/') {
            None if text == "any" => Some(Self::Any),
            Some(("ephemeral", "udp")) => Some(Self::Ephemeral),
            Some((port, "tcp")) => number(port).map(Self::Tcp),
            Some((port, "udp")) => number(port).map(Self::Udp),
            _ => None,
        };
        port.ok_or_else(|| format!("`{text}` is no port: `443/tcp`, `53/udp`, `any`"))
    }
}

/// Somebody, or many.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    Anybody,
    /// In lower case.
    Domain(String),
    /// All below it.
    DomainsBelow(String),
    Network(IpAddr, u8),
    /// A local socket; what has no path has an `@` first.
    Socket(Pattern),
}

impl Target {
    pub fn address(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self::Network(address, if address.is_ipv4() { 32 } else { 128 })
    }

    /// None for a name that no host has: nothing is known by it.
    pub(super) fn domain(name: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(name).ok()?;
        let is_label = |label: &str| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        // What reads as an address would be taken for one.
        let is_name = text.len() <= DOMAIN_BYTES_MAX
            && text.split('.').all(is_label)
            && text.parse::<IpAddr>().is_err();
        is_name.then(|| Self::Domain(text.to_ascii_lowercase()))
    }

    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Anybody, Self::Socket(_)) => false,
            (Self::Anybody, _) => true,
            (Self::Network(network, prefix), Self::Network(address, longer)) => {
                prefix <= longer && within(*address, *prefix) == Some(*network)
            }
            (Self::DomainsBelow(parent), Self::Domain(name) | Self::DomainsBelow(name)) => {
                name.strip_suffix(parent.as_str()).is_some_and(|rest| rest.ends_with('.'))
                    || self == other
            }
            (Self::Socket(pattern), Self::Socket(path)) => pattern.covers(path),
            _ => self == other,
        }
    }
}

/// The network of so many bits that an address is in.
fn within(address: IpAddr, prefix: u8) -> Option<IpAddr> {
    Some(match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.checked_sub(prefix.into())?).unwrap_or(0);
            IpAddr::from((u32::from(address) & mask).to_be_bytes())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.checked_sub(prefix.into())?).unwrap_or(0);
            IpAddr::from((u128::from(address) & mask).to_be_bytes())
        }
    })
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anybody => f.write_str("any"),
            Self::Domain(name) => f.write_str(name),
            Self::DomainsBelow(name) => write!(f, "*.{name}"),
            Self::Network(address, 32) if address.is_ipv4() => address.fmt(f),
            Self::Network(address, 128) => address.fmt(f),
            Self::Network(address, prefix) => write!(f, "{address}/{prefix}"),
            Self::Socket(path) => write!(f, "unix:{path}"),
        }
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no domain, address, network, `unix:/…` or `any`");
        if text == "any" {
            return Ok(Self::Anybody);
        }
        if let Some(path) = text.strip_prefix("unix:") {
            return match path.strip_prefix('@') {
                Some(_) => abstract_name(path).map(Self::Socket),
                None => path.parse().map(Self::Socket),
            };
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::address(address));
        }
        if let Some((address, prefix)) = text.split_once('/') {
            let address: IpAddr = address.parse().ok().ok_or_else(wrong)?;
            let prefix: u8 = prefix.parse().ok().ok_or_else(wrong)?;
            let network = within(address, prefix).ok_or_else(wrong)?;
            if network != address {
                return Err(format!("`{text}`: the network is {network}/{prefix}"));
            }
            return Ok(Self::Network(network, prefix));
        }
        let (name, is_wide) = match text.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (text, false),
        };
        match Self::domain(name.as_bytes()) {
            Some(Self::Domain(name)) if is_wide => Ok(Self::DomainsBelow(name)),
            Some(domain) => Ok(domain),
            None => Err(wrong()),
        }
    }
}

/// `@name` is one name without a root, written as names of paths are.
fn abstract_name(text: &str) -> Result<Pattern, String> {
    let read: Pattern = format!("memfd:{text}").parse()?;
    let name = match read.0.last() {
        Some(super::path::Part::Name(name)) => {
            name.strip_prefix(b"memfd:").unwrap_or(name).to_vec()
        }
        _ => Vec::new(),
    };
    Ok(Pattern::of(&name))
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destinations(pub(super) BTreeMap<Target, BTreeSet<Port>>);

impl Destinations {
    pub fn iter(&self) -> impl Iterator<Item = (&Target, &BTreeSet<Port>)> {
        self.0.iter()
    }

    pub(super) fn covers(&self, target: &Target, port: Port) -> bool {
        let is_port = |ports: &BTreeSet<Port>| ports.contains(&port) || ports.contains(&Port::Any);
        // One is among them itself almost always.
        self.0.get(target).is_some_and(is_port)
            || self.0.iter().any(|(it, ports)| it.covers(target) && is_port(ports))
    }

    /// Adds one that is not covered.
    pub(super) fn add(
        &mut self,
        target: &Target,
        port: Port,
        widen: &mut dyn FnMut(String, Reason),
    ) {
        let wide = self.0.keys().find(|it| it.covers(target));
        let key = wide.unwrap_or(target).clone();
        let ports = self.0.entry(key.clone()).or_default();
        ports.insert(port);
        if ports.len() > PORTS_MAX {
            *ports = [Port::Any].into();
            widen(key.to_string(), Reason::Ports);
        }
        match target {
            Target::Network(address, _) => self.join_networks(*address, widen),
            Target::Domain(name) => self.join_domains(name, widen),
            _ => {}
        }
        if self.0.len() > DESTINATIONS_MAX {
            let sockets = self.0.keys().filter(|it| matches!(it, Target::Socket(_))).count();
            let target = match sockets > DESTINATIONS_MAX / 2 {
                true => Target::Socket(Pattern(vec![super::path::Part::Below])),
                false => Target::Anybody,
            };
            self.join(target, Reason::Destinations, widen);
            // Names of sockets that no folder has.
            if self.0.len() > DESTINATIONS_MAX {
                self.0.retain(|it, _| !matches!(it, Target::Socket(path) if path.path().is_none() && !path.is_wide()));
            }
        }
    }

    fn join_networks(&mut self, address: IpAddr, widen: &mut dyn FnMut(String, Reason)) {
        let prefixes = if address.is_ipv4() { PREFIXES_4 } else { PREFIXES_6 };
        for pair in prefixes.windows(2) {
            let [longer, shorter] = pair else { continue };
            let Some(network) = within(address, *shorter) else { continue };
            let whole = Target::Network(network, *shorter);
            let count = self.0.keys().filter(|it| {
                matches!(it, Target::Network(_, prefix) if prefix == longer) && whole.covers(it)
            });
            if count.count() > NEIGHBOURS_MAX {
                self.join(whole, Reason::Addresses, widen);
            }
        }
    }

    fn join_domains(&mut self, name: &str, widen: &mut dyn FnMut(String, Reason)) {
        // What is below `com` is not one's own.
        let Some((_, parent)) = name.split_once('.').filter(|(_, parent)| parent.contains('.'))
        else {
            return;
        };
        let siblings = self.0.keys().filter(
            |it| matches!(it, Target::Domain(it) if it.split_once('.').is_some_and(|it| it.1 == parent)),
        );
        if siblings.count() > SIBLINGS_MAX {
            self.join(Target::DomainsBelow(parent.to_owned()), Reason::Domains, widen);
        }
    }

    fn join(&mut self, whole: Target, reason: Reason, widen: &mut dyn FnMut(String, Reason)) {
        let (gone, kept): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut self.0).into_iter().partition(|(it, _)| whole.covers(it));
        self.0 = kept;
        let mut ports: BTreeSet<Port> = gone.into_values().flatten().collect();
        if ports.len() > PORTS_MAX || ports.contains(&Port::Any) {
            ports = [Port::Any].into();
        }
        widen(whole.to_string(), reason);
        self.0.insert(whole, ports);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_written_and_read_back() {
        for text in [
            "any",
            "api.example.com",
            "*.example.com",
            "192.0.2.1",
            "192.0.2.0/24",
            "0.0.0.0/0",
            "2001:db8::1",
            "2001:db8::/48",
            "::/0",
            "unix:/run/docker.sock",
            "unix:@bus",
            "unix:/tmp/*",
        ] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
        for text in ["", "a b", "192.0.2.1/24", "192.0.2.0/33", "*.", "unix:x", "-/-", "ä.example"]
        {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
        for text in ["443/tcp", "53/udp", "any", "ephemeral/udp"] {
            assert_eq!(text.parse::<Port>().unwrap().to_string(), text);
        }
        assert!("443".parse::<Port>().is_err() && "70000/tcp".parse::<Port>().is_err());
    }

    fn learn(targets: impl Iterator<Item = String>) -> (Vec<String>, Vec<String>) {
        let (mut all, mut widened) = (Destinations::default(), Vec::new());
        for text in targets {
            let target: Target = text.parse().unwrap();
            if !all.covers(&target, Port::Tcp(443)) {
                all.add(&target, Port::Tcp(443), &mut |it, why| {
                    widened.push(format!("{it}: {}", why.text()))
                });
            }
            assert!(all.covers(&target, Port::Tcp(443)), "{target}");
            assert!(!all.covers(&target, Port::Tcp(22)), "{target}");
        }
        (all.0.keys().map(ToString::to_string).collect(), widened)
    }

    #[test]
    fn many_become_a_network_or_a_domain() {
        let (all, widened) = learn((0..20).map(|it| format!("192.0.2.{it}")));
        assert_eq!(all, ["192.0.2.0/24"]);
        assert_eq!(widened, ["192.0.2.0/24: more than 8 addresses or networks"]);
        let (all, _) = learn((0..20).map(|it| format!("s{it}.cdn.example")));
        assert_eq!(all, ["*.cdn.example"]);
        let (all, _) = learn((0..20).map(|it| format!("s{it}.example")));
        assert_eq!(all.len(), 20, "a top-level domain is nobody's");
        let (all, _) = learn((0..20).flat_map(|a| (0..20).map(move |b| format!("10.0.{a}.{b}"))));
        assert_eq!(all, ["10.0.0.0/16"]);
        let (all, widened) = learn((0..200).map(|it| format!("s{it}.example")));
        assert_eq!(all, ["any"]);
        assert_eq!(widened, ["any: more than 128 destinations"]);
        let (all, _) = learn((0..20).map(|it| format!("2001:db8::{it}")));
        assert_eq!(all, ["2001:db8::/64"]);
    }
}
