//! Judge facts by rules: a verdict with reasons.
//!
//! Scanning tells the truth; this crate alone says what matters and what is too much. A [`Policy`]
//! is a checked file of rules and exceptions: [`Policy::cover()`] takes out of a result what
//! somebody answers for, [`Policy::judge()`] asks every rule of the rest. Beside it stand what needs
//! no file: a [`Filter`] says which findings a user cares about, and [`gate()`] whether those may
//! pass. The same code serves every place that has to decide. It must never print, act, or hide
//! from a verdict what it could not judge.

mod cache;
mod case;
mod describe;
mod error;
mod exception;
mod expression;
mod facts;
mod filter;
#[doc(hidden)]
pub mod fuzz;
mod gate;
mod glob;
pub mod guard;
mod judge;
mod license;
mod policy;
mod preset;
pub mod profile;
mod rule;
mod schema;
mod suggest;
mod trivyignore;
mod value;

pub use cache::{VerdictCache, VerdictKey};
pub use case::CaseResult;
pub use describe::{Description, ExceptionDescription};
pub use error::PolicyError;
pub use facts::Facts;
pub use filter::Filter;
pub use gate::{GateReason, GateVerdict, gate};
pub use judge::{Covered, Trace};
pub use policy::{FILE_BYTES_MAX, Policy};
pub use schema::{FactDescription, facts};
pub use trivyignore::Ignored;
