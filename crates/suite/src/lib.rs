//! Suites: processes that do what an attacker does, and the alert that has to come of it.
//!
//! ```text
//! suite file → read → Case(process chain, resources, calls, outcome)   mistakes have a place
//! Case → Stage::run → actors: this program again, under other names, on the host or in a container
//! Detection of a marked process → Outcome::differences
//! ```
//!
//! The form of the files is the one in which Falco's own tests are published. What an actor does is
//! marked by a variable in its environment ([`MARK`]), so that its alerts are told from anybody
//! else's. This crate watches nothing: who runs a case has a guard beside it. Whatever is made for a
//! case is undone after it; what its own steps and scripts do to the machine is theirs.

mod actor;
mod calls;
mod case;
mod constants;
mod form;
#[doc(hidden)]
pub mod fuzz;
mod outcome;
mod read;
mod stage;
mod template;

pub use actor::{MARK, act};
pub use case::{Case, Wanted};
pub use outcome::Outcome;
pub use read::{FILE_BYTES_MAX, read};
pub use stage::{Environment, Stage, Trouble};
