//! Plain text: a line an entry; what follows `#` or `;` is a comment.
//!
//! An entry is a domain, `*.domain`, an address, a network, a URL (its host), or a digest, behind which
//! `sha256sum` writes a name. A line of a hosts file names domains behind an address that leads nowhere.

use core::net::IpAddr;

use super::Gather;
use crate::indicator::{ALWAYS, Indicator};
use crate::text;

/// A line that is longer is none of a list: no URL that anybody follows is.
const LINE_BYTES_MAX: usize = 8_192;

/// Names of hosts files that speak of the machine itself.
const OWN_NAMES: [&str; 5] =
    ["localhost", "localhost.localdomain", "local", "localhost4.localdomain4", "broadcasthost"];

/// Whether a document that begins as JSON does begins with an address in brackets.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let address = line.strip_prefix(b"[").and_then(|rest| rest.split(|byte| *byte == b']').next());
    address.is_some_and(|it| str::from_utf8(it).is_ok_and(|it| it.parse::<IpAddr>().is_ok()))
}

pub(super) fn read(bytes: &[u8], gather: &mut Gather) {
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let place = Line(number + 1);
        match str::from_utf8(line) {
            _ if line.len() > LINE_BYTES_MAX => {
                gather.malformed(&place, &format!("more than {LINE_BYTES_MAX} bytes"));
            }
            Ok(line) => entry(without_comment(line).trim(), &place, gather),
            Err(_) => gather.malformed(&place, "not UTF-8"),
        }
    }
}

struct Line(usize);

impl core::fmt::Display for Line {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "line {}", self.0)
    }
}

/// Within a URL, `#` and `;` are part of it.
fn without_comment(line: &str) -> &str {
    let mut before = None;
    for (at, character) in line.char_indices() {
        let begins = before.is_none_or(char::is_whitespace);
        if begins && matches!(character, '#' | ';') {
            return line.get(..at).unwrap_or(line);
        }
        before = Some(character);
    }
    line
}

fn entry(line: &str, place: &Line, gather: &mut Gather) {
    let mut words = line.split_whitespace();
    let Some(first) = words.next() else { return };
    let first = text::armed(first);
    let has_more = words.clone().next().is_some();
    if let (true, Some(true)) = (has_more, leads_nowhere(&first)) {
        words.filter(|name| !is_own(name)).for_each(|name| {
            gather.take_or_tell(text::domain(name), ALWAYS, place, name);
        });
        return;
    }
    let found = match text::hash(&first) {
        Some(hash) => Some(hash),
        None if has_more => None,
        None => one(&first),
    };
    gather.take_or_tell(found, ALWAYS, place, line);
}

fn one(word: &str) -> Option<Indicator> {
    text::url(word)
        .or_else(|| text::network(word))
        .or_else(|| text::suffix(word))
        .or_else(|| text::host(word))
}

/// Whether an address is one that hosts files give to names that are to have none.
fn leads_nowhere(word: &str) -> Option<bool> {
    // Of a network card: `fe80::1%lo0`.
    let address = word.split_once('%').map_or(word, |(address, _)| address);
    let address: IpAddr = address.parse().ok()?;
    let of_card =
        matches!(address, IpAddr::V6(it) if it.is_unicast_link_local() || it.is_multicast());
    let of_all = matches!(address, IpAddr::V4(it) if it.is_broadcast());
    Some(address.is_unspecified() || address.is_loopback() || of_card || of_all)
}

fn is_own(name: &str) -> bool {
    OWN_NAMES.contains(&name) || name.starts_with("ip6-") || leads_nowhere(name) == Some(true)
}
