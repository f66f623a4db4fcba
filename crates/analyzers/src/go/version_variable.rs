//! The version that a Go program holds in a variable, found by the variable's name: in programs
//! whose table of symbols was left in.
//!
//! It does not matter who set it: the source, the linker (`-X`), or a file that was embedded.

use super::linked_value::VERSION_BYTES_MAX;
use super::module::{Build, Owner, is_version, is_version_variable};
use crate::binary::Order;
use crate::program::Program;

/// Symbols that are looked at; the largest programs have some 500 000.
const SYMBOLS_MAX: usize = 2 << 20;

/// The version of the main module: what its own variables say, else those of modules that were
/// built from the same checkout. None where they say several things.
pub(super) fn version(program: &Program<'_>, build: &Build) -> Option<String> {
    if !program.is_64_bit_little_endian() {
        return None;
    }
    let mut own: Vec<&str> = Vec::new();
    let mut of_the_checkout: Vec<&str> = Vec::new();
    for (symbol, address) in program.symbols().take(SYMBOLS_MAX) {
        let Some((package, variable)) = symbol.rsplit_once('.') else { continue };
        if !is_version_variable(variable) {
            continue;
        }
        let found = match build.owner(package) {
            Some(Owner::Main) => &mut own,
            Some(Owner::Checkout) => &mut of_the_checkout,
            None => continue,
        };
        found.extend(text(program, address).filter(|text| is_version(text)));
    }
    let found = if own.is_empty() { of_the_checkout } else { own };
    let first = found.first()?.trim_start_matches('v');
    let agree = found.iter().all(|version| version.trim_start_matches('v') == first);
    agree.then(|| format!("v{first}"))
}

/// What a variable of text holds: its address and length stand there. Of one that is only set when
/// the program runs, nothing.
fn text<'a>(program: &Program<'a>, address: u64) -> Option<&'a str> {
    let variable = program.at(address, 16)?;
    let (at, length) = (Order::Little.u64(variable, 0)?, Order::Little.u64(variable, 8)?);
    let is_short = usize::try_from(length).is_ok_and(|length| length <= VERSION_BYTES_MAX);
    let bytes = program.at(at, length).filter(|_| is_short)?;
    Some(str::from_utf8(bytes).ok()?.trim())
}
