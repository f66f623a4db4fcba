//! A network that an isolated container keeps, as operators write it.

use core::net::IpAddr;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    pub address: IpAddr,
    /// At most 32 or 128.
    pub prefix: u8,
}

impl FromStr for Network {
    type Err = String;

    /// Bits behind the prefix are refused rather than dropped: whoever wrote them meant another one.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no network (want `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.7`)");
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_no_address| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().ok().filter(|bits| *bits <= most).ok_or_else(wrong)?,
            None => most,
        };
        let rest = match address {
            IpAddr::V4(address) => {
                u32::MAX.checked_shr(prefix.into()).unwrap_or(0) & address.to_bits() != 0
            }
            IpAddr::V6(address) => {
                u128::MAX.checked_shr(prefix.into()).unwrap_or(0) & address.to_bits() != 0
            }
        };
        if rest {
            return Err(format!("`{text}` has bits behind its prefix"));
        }
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_and_others_refused() {
        for (text, expected) in [
            ("10.0.0.0/8", Ok("10.0.0.0/8")),
            ("192.0.2.7", Ok("192.0.2.7/32")),
            ("0.0.0.0/0", Ok("0.0.0.0/0")),
            ("2001:db8::/32", Ok("2001:db8::/32")),
            ("::/0", Ok("::/0")),
            ("::1", Ok("::1/128")),
            ("10.0.0.1/8", Err("bits behind")),
            ("2001:db8::1/32", Err("bits behind")),
            ("10.0.0.0/33", Err("no network")),
            ("10.0.0.0/-1", Err("no network")),
            ("example.org", Err("no network")),
            ("", Err("no network")),
        ] {
            match (text.parse::<Network>(), expected) {
                (Ok(network), Ok(shown)) => assert_eq!(network.to_string(), shown),
                (Err(error), Err(part)) => assert!(error.contains(part), "{text}: {error}"),
                (network, _) => {
                    assert!(expected.is_err() == network.is_err(), "{text}: {network:?}")
                }
            }
        }
    }
}
