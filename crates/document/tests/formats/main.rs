//! Every format of reports that hold everything: what they say, that others can read it, and that
//! nothing from outside becomes more than text.

#![expect(clippy::unwrap_used, reason = "what these tests unwrap is their own doing")]

mod browser;
mod golden;
mod hostile;
mod page;
mod promises;
mod sample;
mod templates;
