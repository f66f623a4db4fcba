//! Lists that warn and lists that allow, made ready to be asked at every event.

use core::net::IpAddr;
use std::borrow::Cow;

use crate::indicator::{ENTRIES_MAX, Entry, Indicators, Network};
use crate::names::{Found, Name, Names};
use crate::networks::{Networks, Range};

/// A number of a list takes two bytes of each entry.
const LISTS_MAX: usize = 1 << 16;

/// A list as it was read.
#[derive(Debug, Default)]
pub struct Listed {
    /// As alerts call it.
    pub name: String,
    pub indicators: Indicators,
    /// Whether what is in it is never told.
    pub allows: bool,
}

#[derive(Debug, Default)]
pub struct Lists {
    names: Vec<String>,
    block: Tables,
    allow: Tables,
}

#[derive(Debug, Default)]
struct Tables {
    names: Names,
    v4: Networks<u32>,
    v6: Networks<u128>,
}

/// More than there is room for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are more than {most} {what}")]
pub struct TooMany {
    what: &'static str,
    most: usize,
}

/// An entry that something is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit<'l> {
    /// As lists write it: `evil.example`, `*.evil.example`, `192.0.2.0/24`.
    pub entry: Cow<'l, str>,
    /// The name of the list.
    pub list: &'l str,
}

impl Lists {
    /// Digests of files are not asked about here.
    ///
    /// # Errors
    /// There are too many lists, or entries in all of them.
    pub fn new(lists: Vec<Listed>) -> Result<Self, TooMany> {
        if lists.len() > LISTS_MAX {
            return Err(TooMany { what: "lists", most: LISTS_MAX });
        }
        if lists.iter().map(|list| list.indicators.len()).sum::<usize>() > ENTRIES_MAX {
            return Err(TooMany { what: "entries in all lists", most: ENTRIES_MAX });
        }
        let mut names = Vec::new();
        let (mut block, mut allow) = (Draft::default(), Draft::default());
        for (number, list) in (0..=u16::MAX).zip(lists) {
            names.push(list.name);
            if list.allows { &mut allow } else { &mut block }.add(list.indicators, number);
        }
        Ok(Self { names, block: block.finish(), allow: allow.finish() })
    }

    /// Whether there is anything that names are to be compared with.
    pub fn have_names(&self) -> bool {
        self.block.names.len() > 0
    }

    pub fn have_addresses(&self) -> bool {
        self.block.v4.len() + self.block.v6.len() > 0
    }

    /// What they take in memory.
    pub fn bytes(&self) -> usize {
        self.block.bytes() + self.allow.bytes()
    }

    /// The entry that a name is of at a time, unless it is allowed. The time is in seconds since the
    /// Unix epoch.
    pub fn name(&self, name: &[u8], now: u32) -> Option<Hit<'_>> {
        let Found { domain, below_only, list } = self.block.names.find(name, now)?;
        if self.allow.names.find(name, now).is_some() {
            return None;
        }
        let entry =
            if below_only { Cow::Owned(format!("*.{domain}")) } else { Cow::Borrowed(domain) };
        Some(Hit { entry, list: self.called(list) })
    }

    /// The same of an address.
    pub fn address(&self, address: IpAddr, now: u32) -> Option<Hit<'_>> {
        let address = address.to_canonical();
        let (prefix, list) = self.block.address(address, now)?;
        if self.allow.address(address, now).is_some() {
            return None;
        }
        let network = crate::text::masked(address, prefix);
        Some(Hit { entry: Cow::Owned(network.to_string()), list: self.called(list) })
    }

    fn called(&self, list: u16) -> &str {
        self.names.get(usize::from(list)).map_or("", String::as_str)
    }
}

impl Tables {
    fn address(&self, address: IpAddr, now: u32) -> Option<(u8, u16)> {
        match address {
            IpAddr::V4(address) => self.v4.find(address.to_bits(), now),
            IpAddr::V6(address) => self.v6.find(address.to_bits(), now),
        }
    }

    fn bytes(&self) -> usize {
        self.names.bytes() + self.v4.bytes() + self.v6.bytes()
    }
}

/// Tables before they are sorted.
#[derive(Default)]
struct Draft {
    names: Vec<Name>,
    v4: Vec<Range<u32>>,
    v6: Vec<Range<u128>>,
}

impl Draft {
    fn add(&mut self, indicators: Indicators, list: u16) {
        let Indicators { domains, suffixes, addresses, networks, hashes: _ } = indicators;
        let name = |below_only| move |entry| Name { entry, below_only, list };
        self.names.extend(domains.into_iter().map(name(false)));
        self.names.extend(suffixes.into_iter().map(name(true)));
        for Entry { value, until } in addresses {
            self.network(Network::single(value), list, until);
        }
        for Entry { value, until } in networks {
            self.network(value, list, until);
        }
    }

    fn network(&mut self, network: Network, list: u16, until: u32) {
        let prefix = network.prefix;
        let bits = u32::from(prefix);
        match network.address {
            IpAddr::V4(address) => {
                let first = address.to_bits();
                let last = first | u32::MAX.checked_shr(bits).unwrap_or(0);
                self.v4.push(Range { first, last, prefix, list, until });
            }
            IpAddr::V6(address) => {
                let first = address.to_bits();
                let last = first | u128::MAX.checked_shr(bits).unwrap_or(0);
                self.v6.push(Range { first, last, prefix, list, until });
            }
        }
    }

    fn finish(self) -> Tables {
        let Self { names, v4, v6 } = self;
        Tables { names: Names::new(names), v4: Networks::new(v4), v6: Networks::new(v6) }
    }
}
