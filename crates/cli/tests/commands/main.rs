//! The binary as users run it: whole commands, their output, and how they end.

#![expect(clippy::unwrap_used, reason = "what these helpers unwrap is the test's own doing")]

mod bills;
mod db;
mod documents;
mod exit_codes;
mod full_disks;
mod hostile;
mod outages;
mod output;
mod run;
mod sources;
mod stumbles;
mod vex;
