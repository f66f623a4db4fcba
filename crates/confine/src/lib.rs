//! What a process keeps, as data, and giving up the rest: capabilities, files, the network, system calls,
//! limits.
//!
//! ```text
//! Nursery ─ starts this program again, with one socket and without capabilities ─► Cage::close ─► work
//! ```
//!
//! A [`Cage`] is closed once, from inside, by the process or thread that it is for, and cannot be opened
//! again. **Invariant:** whatever this kernel could not hold is a [`Gap`], never silence. It must never
//! print, nor decide what a process is for: lists of calls are here (`calls/list.rs`), who needs which is
//! the caller's.

mod cage;
mod calls;
mod capability;
mod descriptors;
mod files;
mod filter;
mod memory;
mod nursery;

pub use cage::{Cage, CageError, Gap, LIMITS};
pub use calls::{Call, Group, Only, Otherwise, list};
pub use capability::is_alone;
pub use descriptors::close_others;
pub use files::{Files, Grant, Network};
pub use memory::give_memory_back;
pub use nursery::{Birth, Nursery};
pub use rustix::process::Resource;
pub use rustix::thread::CapabilitySet;
