//! Readers of outside bytes, for fuzzing alone: what stands before each feed.

use std::ops::ControlFlow;

use artifact::Stop;
use jiff::Timestamp;

use crate::changes::{self, Changes};
use crate::input::{self, Found};
use crate::{Part, Sample, foreign};

/// A file that a user names: unpacked as far as that goes; every document in it held against what feeds
/// share, and looked at as one that none of them knows.
pub fn input(bytes: &[u8]) {
    let _ended = input::read_bytes("fuzz", bytes.to_vec(), &mut |found| {
        if let Found::Document(unpacked) = found {
            let _form = Sample::new(unpacked.document()).form();
            let _damage = foreign::damage(&unpacked, &Stop::default());
        }
        ControlFlow::Continue(())
    });
}

/// A list of what a publisher changed since its archive, and of what it deleted.
pub fn changes(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut changes = Changes::default();
    for list in [Part::Changes, Part::Deletions] {
        changes.add(list, "https://example.org/", &text, Timestamp::UNIX_EPOCH);
    }
    let wanted = changes.since(Timestamp::UNIX_EPOCH);
    let paths = wanted.documents.iter().map(|(_, path)| path);
    paths.chain(&wanted.deleted).for_each(|path| drop(changes::name(path)));
    let _day = changes::day_in(&text);
}
