//! Judge facts by rules: a verdict with reasons.
//!
//! Scanning tells the truth; this crate alone says what matters and what is too much: a
//! [`Filter`] says which findings a user cares about, and [`gate()`] whether those may pass. The
//! same code serves every place that has to decide. It must never print, act, or hide from a
//! verdict what it could not judge.

mod filter;
mod gate;

pub use filter::Filter;
pub use gate::{Reason, Verdict, gate};
