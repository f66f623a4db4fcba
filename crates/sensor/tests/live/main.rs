//! The programs on this kernel: what was done is what is told, to the last field.

mod calls;
mod flood;
mod processes;
mod watch;
