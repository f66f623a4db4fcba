//! The nouns: what can be looked for, and until when.

use core::fmt;
use core::net::IpAddr;

/// Entries of one document, and of all lists. Each costs some tens of bytes while the guard runs; the largest public
/// lists of domains have two million.
pub const ENTRIES_MAX: usize = 4_000_000;

/// Of an entry that does not end.
pub const ALWAYS: u32 = u32::MAX;

/// One thing to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Indicator {
    /// A domain and everything below it: small letters, no dot at the end.
    Domain(Box<str>),
    /// Only what is below it.
    Suffix(Box<str>),
    Network(Network),
    Hash(Hash),
}

/// An address with how many of its bits count; the others are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network {
    pub address: IpAddr,
    pub prefix: u8,
}

/// A digest of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hash {
    Md5([u8; 16]),
    Sha1([u8; 20]),
    Sha256([u8; 32]),
}

/// A value, and the last second at which it counts, since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry<T> {
    pub value: T,
    pub until: u32,
}

/// All that a document speaks of, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Indicators {
    pub domains: Vec<Entry<Box<str>>>,
    pub suffixes: Vec<Entry<Box<str>>>,
    pub addresses: Vec<Entry<IpAddr>>,
    /// Of more than one address.
    pub networks: Vec<Entry<Network>>,
    pub hashes: Vec<Entry<Hash>>,
}

impl Indicators {
    pub fn len(&self) -> usize {
        self.domains.len()
            + self.suffixes.len()
            + self.addresses.len()
            + self.networks.len()
            + self.hashes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn push(&mut self, indicator: Indicator, until: u32) {
        match indicator {
            Indicator::Domain(value) => self.domains.push(Entry { value, until }),
            Indicator::Suffix(value) => self.suffixes.push(Entry { value, until }),
            Indicator::Network(network) if network.is_single() => {
                self.addresses.push(Entry { value: network.address, until });
            }
            Indicator::Network(value) => self.networks.push(Entry { value, until }),
            Indicator::Hash(value) => self.hashes.push(Entry { value, until }),
        }
    }
}

impl Network {
    /// Of one address alone.
    pub fn single(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self { address, prefix: if address.is_ipv4() { 32 } else { 128 } }
    }

    fn is_single(&self) -> bool {
        *self == Self::single(self.address)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_single() {
            true => write!(f, "{}", self.address),
            false => write!(f, "{}/{}", self.address, self.prefix),
        }
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, bytes): (&str, &[u8]) = match self {
            Self::Md5(bytes) => ("md5", bytes),
            Self::Sha1(bytes) => ("sha1", bytes),
            Self::Sha256(bytes) => ("sha256", bytes),
        };
        write!(f, "{name}:")?;
        bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
