//! Names, addresses, URLs and digests as people and platforms write them.
//!
//! Nothing is guessed: what is not certainly one of them is none.

use core::net::{IpAddr, SocketAddr};
use std::borrow::Cow;

use crate::indicator::{Hash, Indicator, Network};

/// Longest name of a domain, and of one of its labels (RFC 1035, section 2.3.4).
pub(crate) const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// A full name: what is below one label (`com`) is too much for a list to mean by itself.
pub(crate) fn domain(text: &str) -> Option<Indicator> {
    let name = name(text)?;
    name.contains('.').then_some(Indicator::Domain(name))
}

/// `*.example.com`, `.example.com`: what is below a name, of one label too.
pub(crate) fn suffix(text: &str) -> Option<Indicator> {
    let below = text.strip_prefix('*').unwrap_or(text).strip_prefix('.')?;
    name(below).map(Indicator::Suffix)
}

fn name(text: &str) -> Option<Box<str>> {
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_of_label = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_label = |label: &str| {
        !label.is_empty() && label.len() <= LABEL_BYTES_MAX && label.bytes().all(is_of_label)
    };
    // A mistyped address is no domain: no domain at the top is a number.
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = name.len() <= NAME_BYTES_MAX
        && name.split('.').all(is_label)
        && !name.rsplit('.').next().is_some_and(is_number);
    is_name.then(|| name.to_ascii_lowercase().into_boxed_str())
}

/// An address, or a network: `192.0.2.0/24`. Bits that do not count are taken away.
pub(crate) fn network(text: &str) -> Option<Indicator> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let is_number = |it: &&str| it.bytes().all(|byte| byte.is_ascii_digit());
    let prefix: u8 = match prefix {
        Some(prefix) => Some(prefix).filter(is_number)?.parse().ok()?,
        None => bits,
    };
    (prefix <= bits).then(|| Indicator::Network(masked(address, prefix)))
}

/// A network of addresses that stand for those of version 4 is one of version 4: as events have them.
pub(crate) fn masked(address: IpAddr, prefix: u8) -> Network {
    match (address, address.to_canonical(), prefix) {
        (IpAddr::V6(_), IpAddr::V4(inner), 96..) => masked(IpAddr::V4(inner), prefix - 96),
        (IpAddr::V4(address), ..) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            Network { address: IpAddr::V4((address.to_bits() & mask).into()), prefix }
        }
        (IpAddr::V6(address), ..) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            Network { address: IpAddr::V6((address.to_bits() & mask).into()), prefix }
        }
    }
}

/// An address with a port: the port is not looked at.
pub(crate) fn socket(text: &str) -> Option<Indicator> {
    let address: SocketAddr = text.parse().ok()?;
    Some(Indicator::Network(Network::single(address.ip())))
}

/// A name or an address, with a port or without.
pub(crate) fn host(text: &str) -> Option<Indicator> {
    let bracketed = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    if let Some(address) = bracketed.unwrap_or(text).parse().ok().map(Network::single) {
        return Some(Indicator::Network(address));
    }
    let without_port = || {
        let (name, port) = text.rsplit_once(':')?;
        port.bytes().all(|byte| byte.is_ascii_digit()).then_some(name)
    };
    socket(text).or_else(|| domain(without_port().unwrap_or(text)))
}

/// The host of a URL: who is to be talked to is all that an event shows of one.
pub(crate) fn url(text: &str) -> Option<Indicator> {
    let (scheme, rest) = text.split_once("://")?;
    let is_of_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    if scheme.is_empty() || !scheme.bytes().all(is_of_scheme) {
        return None;
    }
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    host(authority.rsplit_once('@').map_or(authority, |(_, host)| host))
}

/// A digest by its length in hexadecimal digits.
pub(crate) fn hash(text: &str) -> Option<Indicator> {
    Some(Indicator::Hash(match text.len() {
        32 => Hash::Md5(bytes(text)?),
        40 => Hash::Sha1(bytes(text)?),
        64 => Hash::Sha256(bytes(text)?),
        _ => return None,
    }))
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(bytes)
}

/// Without what keeps people from following it: `hxxps://evil[.]example`.
pub(crate) fn armed(text: &str) -> Cow<'_, str> {
    if !text.contains(['[', '('])
        && !text.get(..4).is_some_and(|it| it.eq_ignore_ascii_case("hxxp"))
    {
        return Cow::Borrowed(text);
    }
    let mut armed = text.to_owned();
    for (tame, wild) in [("[.]", "."), ("(.)", "."), ("[dot]", "."), ("[:]", ":"), ("[://]", "://")]
    {
        armed = armed.replace(tame, wild);
    }
    if let Some(rest) =
        armed.get(4..).filter(|_| armed.get(..4).is_some_and(|it| it.eq_ignore_ascii_case("hxxp")))
    {
        armed = format!("http{rest}");
    }
    Cow::Owned(armed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(found: Option<Indicator>) -> String {
        match found {
            None => "-".to_owned(),
            Some(Indicator::Domain(name)) => name.into_string(),
            Some(Indicator::Suffix(name)) => format!("*.{name}"),
            Some(Indicator::Network(network)) => network.to_string(),
            Some(Indicator::Hash(hash)) => hash.to_string(),
        }
    }

    #[test]
    fn what_is_written_is_understood_or_refused() {
        type Parse = fn(&str) -> Option<Indicator>;
        let table: &[(Parse, &str, &str)] = &[
            (domain, "Evil.EXAMPLE.", "evil.example"),
            (domain, "_dmarc.evil.example", "_dmarc.evil.example"),
            (domain, "com", "-"),
            (domain, "300.1.2.3", "-"),
            (domain, "a..b", "-"),
            (domain, "bücher.example", "-"),
            (suffix, "*.zip", "*.zip"),
            (suffix, ".evil.example", "*.evil.example"),
            (suffix, "evil.example", "-"),
            (suffix, "*evil.example", "-"),
            (network, "192.0.2.9/24", "192.0.2.0/24"),
            (network, "192.0.2.9/32", "192.0.2.9"),
            (network, "::ffff:192.0.2.9/120", "192.0.2.0/24"),
            (network, "2001:db8::1", "2001:db8::1"),
            (network, "2001:db8::1/33", "2001:db8::/33"),
            (network, "0.0.0.0/0", "0.0.0.0/0"),
            (network, "::/0", "::/0"),
            (network, "192.0.2.0/33", "-"),
            (network, "192.0.2.0/+4", "-"),
            (network, "192.0.2.0/", "-"),
            (host, "[2001:db8::1]:443", "2001:db8::1"),
            (host, "[2001:db8::1]", "2001:db8::1"),
            (host, "evil.example:8080", "evil.example"),
            (host, "192.0.2.1:80", "192.0.2.1"),
            (url, "http://user:pass@evil.example:80/a?b#c", "evil.example"),
            (url, "https://192.0.2.1/x", "192.0.2.1"),
            (url, "https://[2001:db8::1]/x", "2001:db8::1"),
            (url, "https:///x", "-"),
            (url, "evil.example/x", "-"),
            (hash, "D41D8CD98F00B204E9800998ECF8427E", "md5:d41d8cd98f00b204e9800998ecf8427e"),
            (hash, "d41d8cd98f00b204e9800998ecf8427g", "-"),
            (hash, "+41d8cd98f00b204e9800998ecf8427e", "-"),
        ];
        for (parse, written, wanted) in table {
            assert_eq!(shown(parse(written)), *wanted, "{written}");
        }
        for (tame, wild) in [
            ("hxxps://evil[.]example/a", "https://evil.example/a"),
            ("HXXP[:]//evil(.)example", "http://evil.example"),
            ("evil.example", "evil.example"),
            ("häx", "häx"),
        ] {
            assert_eq!(armed(tame), wild);
        }
    }
}
