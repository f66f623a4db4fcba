//! What is refused before it is done: the part of a policy that a kernel holds while a call waits.
//!
//! One file a way to hold it. Each says of itself what it cannot hold, and never tells of an act as
//! refused that was let through.

pub mod fanotify;
