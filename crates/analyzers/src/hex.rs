//! Elixir and Erlang: what is compiled, and what lock files name.

pub(crate) mod application;
pub(crate) mod mix_lock;
pub(crate) mod rebar_lock;
mod terms;
