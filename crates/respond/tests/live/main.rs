//! Responses to real containers: what was done is looked at from outside, by other means.

mod container;
mod deaths;
mod hang;
mod isolate;
mod kill;
mod machine;
mod pause;
mod quarantine;
