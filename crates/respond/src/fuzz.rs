//! For the fuzzer: whatever stands in a state folder, it is read without harm.

use crate::seal::{self, Key};
use crate::{Network, journal};

/// A journal.
pub fn journal(bytes: &[u8]) {
    let told = journal::read(bytes).expect("memory can be read");
    for entry in told.entries.into_values() {
        assert!(!entry.is_overdue(jiff::Timestamp::MIN), "no time is before the first one");
    }
}

/// A sealed file.
pub fn sealed(mut bytes: &[u8]) {
    let key = Key::of_zeros();
    drop(seal::unseal(&key, &mut bytes, &mut |_| Ok(()), &mut |_| Ok(())));
}

/// A network.
pub fn network(bytes: &[u8]) {
    drop(String::from_utf8_lossy(bytes).parse::<Network>());
}
