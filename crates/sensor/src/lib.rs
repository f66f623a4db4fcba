//! What happens on a Linux host, as [`model::event::Event`]s.
//!
//! ```text
//! BPF programs → ring buffers → record (decode) → process table, containers (enrich) → Event
//! ```
//!
//! The only crate that knows the kernel. It tells what happened and never judges it; whatever it
//! could not deliver it counts and tells.

mod calls;
pub mod doctor;
pub mod kernel;
pub mod record;

pub use calls::Class;
