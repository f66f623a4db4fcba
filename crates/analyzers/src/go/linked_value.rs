//! The version that a build script had the linker put into a variable (`-X main.version=1.2.3`), by
//! the bytes: a build without paths (`-trimpath`) does not record the linker's flags before Go 1.22,
//! and a build outside of modules has no version otherwise.
//!
//! The linker ends such a text with a zero, unlike every other text of Go, and a variable holds its
//! address and length, unlike any text of C. Which variable it is, nothing says: of several
//! versions the one counts that all others continue, as `1.1.5` and `1.1.5-1+deb12u1`.

use std::collections::HashMap;

use memchr::memchr_iter;

use super::module::is_version;
use crate::binary::Order;
use crate::program::Program;

/// Texts that look like versions in one program. Those seen have three.
const CANDIDATES_MAX: usize = 256;

/// The longest text that is a version.
pub(super) const VERSION_BYTES_MAX: usize = 64;

/// What an entry of `.rela.dyn` takes: where, how, and what is added to the program's address.
const RELOCATION: usize = 24;

pub(super) fn version(program: &Program<'_>) -> Option<String> {
    if !program.is_64_bit_little_endian() {
        return None;
    }
    let (base, texts) = program.placed(&[".rodata", "__rodata"])?;
    let candidates = candidates(texts, base)?;
    if candidates.is_empty() {
        return None;
    }
    let (base, variables) = program.placed(&[".data", "__data"])?;
    let relocations = program.section(&[".rela.dyn"]).unwrap_or_default();
    let mut versions: Vec<&str> = fixed(variables, &candidates)
        .chain(relocated(relocations, variables, base, &candidates))
        .collect();
    versions.sort_unstable_by_key(|version| version.len());
    let shortest = *versions.first()?;
    let is_one = versions.iter().all(|version| version.starts_with(shortest));
    is_one.then(|| format!("v{}", shortest.trim_start_matches('v')))
}

/// The texts that are versions, by address; None if there are so many that they mean nothing.
fn candidates(bytes: &[u8], base: u64) -> Option<HashMap<u64, &str>> {
    let mut found = HashMap::new();
    let mut looked_at = 0;
    // A version has dots, and they are far rarer than zeros.
    for dot in memchr_iter(b'.', bytes).filter(|dot| is_between_digits(bytes, *dot)) {
        if dot < looked_at {
            continue;
        }
        let rest = bytes.get(dot..).unwrap_or_default();
        let end = dot.saturating_add(rest.iter().take_while(|it| is_of_a_version(**it)).count());
        looked_at = end;
        if bytes.get(end) != Some(&0) {
            continue;
        }
        let before = bytes.get(end.saturating_sub(VERSION_BYTES_MAX)..end).unwrap_or_default();
        let length = before.iter().rev().take_while(|byte| is_of_a_version(**byte)).count();
        let begin = end.saturating_sub(length);
        let text = bytes.get(begin..end).and_then(|text| str::from_utf8(text).ok());
        let Some(text) = text.filter(|text| is_release(text)) else { continue };
        if found.len() >= CANDIDATES_MAX {
            return None;
        }
        found.insert(base.checked_add(u64::try_from(begin).ok()?)?, text);
    }
    Some(found)
}

fn is_between_digits(bytes: &[u8], at: usize) -> bool {
    let is_digit = |at: Option<usize>| bytes.get(at?).map(u8::is_ascii_digit);
    is_digit(at.checked_sub(1)) == Some(true) && is_digit(at.checked_add(1)) == Some(true)
}

fn is_of_a_version(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".+-_~".contains(&byte)
}

/// Three numbers, whatever follows: two may be any number, and four an address.
fn is_release(text: &str) -> bool {
    let numbers = text.split(['-', '+']).next().unwrap_or_default();
    numbers.split('.').count() == 3 && is_version(text)
}

/// The texts whose address and length stand among the variables.
fn fixed<'a>(
    variables: &[u8],
    candidates: &HashMap<u64, &'a str>,
) -> impl Iterator<Item = &'a str> {
    let numbers = || variables.chunks_exact(8).filter_map(|raw| Order::Little.u64(raw, 0));
    let lowest = candidates.keys().min().copied().unwrap_or(u64::MAX);
    let highest = candidates.keys().max().copied().unwrap_or(0);
    numbers().zip(numbers().skip(1)).filter_map(move |(address, length)| {
        // Most are no addresses of texts, and a look at the map takes longer.
        if !(lowest..=highest).contains(&address) {
            return None;
        }
        let text = candidates.get(&address)?;
        is_length(text, length).then_some(*text)
    })
}

/// Those whose address the loader puts there, in a program that may stand anywhere.
fn relocated<'a>(
    relocations: &[u8],
    variables: &[u8],
    base: u64,
    candidates: &HashMap<u64, &'a str>,
) -> impl Iterator<Item = &'a str> {
    relocations.chunks_exact(RELOCATION).filter_map(move |entry| {
        let text = candidates.get(&Order::Little.u64(entry, 16)?)?;
        let place = Order::Little.u64(entry, 0)?.checked_sub(base)?.checked_add(8)?;
        let length = Order::Little.u64(variables, usize::try_from(place).ok()?)?;
        is_length(text, length).then_some(*text)
    })
}

fn is_length(text: &str, length: u64) -> bool {
    usize::try_from(length) == Ok(text.len())
}
