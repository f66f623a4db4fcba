//! What happens on a Linux host, as [`model::event::Event`]s.
//!
//! ```text
//! BPF programs → ring buffers → record (decode) → process table, containers (enrich) → Event
//! ```
//!
//! The only crate that knows the kernel. It tells what happened and never judges it; whatever it
//! could not deliver it counts and tells.

mod act;
mod calls;
mod clock;
pub mod containers;
pub mod contents;
pub mod doctor;
mod file;
#[doc(hidden)]
pub mod fuzz;
mod host;
pub mod kernel;
pub mod learn;
pub mod prevent;
pub mod processes;
mod reader;
pub mod record;
mod users;
pub mod watched;

pub use calls::{Class, Extent, Wanted, numbers_of};
pub use clock::Clock;
pub use host::Host;
pub use users::Users;
