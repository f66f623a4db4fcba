//! The programs on this kernel: what was done is what is told, to the last field.

#![expect(
    clippy::panic,
    reason = "a record of another kind than the test made is the test's failure"
)]
#![expect(clippy::print_stdout, reason = "a flood's figures are of interest even where it passes")]

mod calls;
mod cost;
mod fanotify;
mod flood;
mod group;
mod groups;
mod learn;
mod names;
mod prevent;
mod processes;
mod tier;
mod watch;
