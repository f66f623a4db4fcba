//! Readers of outside bytes, for fuzzing alone.

use jiff::Timestamp;

use crate::lists::{Listed, Lists};

/// Any document, made a list, which is asked for every line of the document.
pub fn document(bytes: &[u8]) {
    let indicators = crate::read(bytes, Timestamp::UNIX_EPOCH).indicators;
    let list = Listed { name: "fuzz".to_owned(), indicators, allows: false };
    let Ok(lists) = Lists::new(vec![list]) else { return };
    for line in bytes.split(|byte| *byte == b'\n').take(1_000) {
        drop(lists.name(line, 0));
        if let Ok(address) = str::from_utf8(line).unwrap_or_default().parse() {
            drop(lists.address(address, 0));
        }
    }
}
