//! The order of versions and what is in their ranges, proven four ways: tables, the ecosystems' own
//! tools, the laws of an order, and refusals.

#![expect(clippy::print_stderr, reason = "a test that is skipped says why")]

mod judges;
mod laws;
mod nasty;
mod nasty_range;
mod refusals;
mod tables;
