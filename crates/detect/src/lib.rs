//! The second story, **guard**: events in, detections out.
//!
//! ```text
//! rule files → Ruleset::load → Ruleset(+Diagnostics) → Engine::new → Engine
//! Event | audit::Record → Engine::judge → Detection(rule, message, fields)
//! ```
//!
//! Pure: no network, clock, environment, process, no async. The same engine judges what a sensor
//! sees, what a recording holds and what a Kubernetes API server audits. It never acts.

pub mod audit;
mod compile;
mod diagnostic;
#[cfg(test)]
mod documented;
mod engine;
mod field;
mod fields;
mod filter;
#[doc(hidden)]
pub mod fuzz;
mod glob;
mod line;
mod output;
mod program;
pub mod recording;
mod relays;
mod rules;
mod source;
mod suggest;
mod value;
pub mod yaml;

pub use diagnostic::{Diagnostic, Level, Place};
pub use engine::{Detection, Engine};
pub use field::{Argument, ArgumentKind, Extract, Field, Kind, ListsFind, OfCall, Shape};
pub use fields::{capabilities, fields};
pub use line::{json_line, printable};
pub use relays::Relays;
pub use rules::{Action, FILE_BYTES_MAX, Fixtures, Priority, Rule, RuleFile, Ruleset, Scope};
pub use source::Source;
pub use suggest::hint;
pub use value::Value;
