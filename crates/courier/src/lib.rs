//! Carries the guard's alerts out, and audit records in.
//!
//! ```text
//! Letter → Behind (memory) → Store (spool on disk, or memory) → Carry → sink
//! Letter → Remote (memory) ─ socket ─► serve, in a process of its own → Outbox, as above
//! webhook request | line of a log → bytes → whoever judges them
//! ```
//!
//! What is in a letter or a record is of no interest here. Whoever gives a letter waits for nobody;
//! everything that waits is bounded, and what finds no room is counted. This crate never prints.

mod behind;
mod follow;
#[doc(hidden)]
pub mod fuzz;
mod letter;
mod listen;
mod outbox;
mod place;
mod remote;
mod serve;
mod sink;
mod spool;
mod store;
mod timed;
mod trust;
mod word;

pub use behind::{Behind, Queue};
pub use follow::{Follower, Line};
/// What a helper and who started it speak by.
pub use std::os::unix::net::UnixStream as Link;

pub use letter::{LETTER_BYTES_MAX, Letter};
pub use listen::{Address, Answer, Listener, Secrecy};
pub use outbox::{Left, Outbox, Standing};
pub use place::{OpenError, Place, Reach};
pub use remote::{Helper, Remote, Start};
pub use serve::{Served, refuse, serve};
pub use sink::{Carry, Outcome};
pub use spool::{SPOOL_BYTES_MAX, Spool};
pub use trust::{Token, server};
