//! Readers of outside bytes, for fuzzing alone: what stands before each feed.

use std::ops::ControlFlow;

use artifact::Stop;

use crate::input::{self, Found};
use crate::{Sample, foreign};

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
