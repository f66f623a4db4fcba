//! Readers of outside bytes, for fuzzing alone.

use crate::letter::{Letter, Step};
use crate::listen::head;

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
