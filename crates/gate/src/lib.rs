//! The start gate: what is about to start is judged before its first program runs.
//!
//! ```text
//! Docker's request → docker::route, settings, daemon ┐
//! OCI hook's state → oci, its bundle                 ├→ Wanted → Judge(gate.yaml, kept verdicts) → Decided
//! ```
//!
//! Scans keep their verdicts in a folder ([`Verdicts`]); the gate looks them up, so that it answers in
//! milliseconds. Where the policy says so it has an image scanned, and waits ([`Scans`]). Whatever could not be found out is told as that ([`Broken`]), and what
//! becomes of it is a choice of whoever runs the gate; it is never taken for an allowed start.

pub mod docker;
mod files;
#[doc(hidden)]
pub mod fuzz;
mod judge;
pub mod oci;
mod record;
mod scans;
mod seccomp;
mod tree;
mod words;

pub use judge::{Broken, Decided, Judge, Wanted};
pub use record::{Day, Judged, JudgedReason, Verdicts};
pub use scans::{Scan, Scanning, Scans};
