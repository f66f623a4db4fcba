//! Readers of outside bytes, for fuzzing alone.

use crate::letter::{Letter, Step};
use crate::listen::head;
use crate::word::Word;

/// The letters of a file of the spool.
pub fn spool(bytes: &[u8]) {
    let mut at = 0;
    loop {
        match Letter::step(bytes, at) {
            Step::Letter(_, next) | Step::Damage(next) => {
                assert!(next > at, "a step goes on");
                at = next;
            }
            Step::End => return,
        }
    }
}

/// What a client of the webhook says before the body.
pub fn request(bytes: &[u8]) {
    drop(head::read(bytes));
}

/// What a helper says, and letters as a helper reads them.
pub fn words(bytes: &[u8]) {
    let mut rest = bytes;
    while Word::read(&mut rest).is_ok() {}
    let mut rest = bytes;
    while let Ok(Some(_)) = Letter::read(&mut rest) {}
}
