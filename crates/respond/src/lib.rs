//! What is done after a verdict, or because somebody says so.
//!
//! ```text
//! Order → Target found → Plan (nothing done yet) → journal → act → journal
//! ```
//!
//! [`Responder`] is the story. **Invariant:** a response is on disk before it acts, with all that it
//! takes to finish or undo it; whatever dies in between is seen later, and never forgotten.
//! **Invariant:** the host's own services, its container runtimes and ourselves are not touched.
//! Nothing here decides that something is to be done.

mod container;
mod entry;
mod file;
mod freezer;
#[doc(hidden)]
pub mod fuzz;
mod groups;
mod isolate;
mod journal;
mod kill;
mod network;
mod path;
mod pause;
mod plan;
mod podman;
mod process;
mod protected;
mod quarantine;
mod refusal;
mod responder;
mod root;
mod seal;
mod stop;
mod target;
mod time;
mod worker;

pub use entry::{Entry, Id, State};
pub use network::Network;
pub use refusal::Refusal;
pub use responder::{Expired, Listing, Order, Responder};
pub use root::Root;
pub use target::{Target, Told};
pub use worker::{Job, Task, Worker};
