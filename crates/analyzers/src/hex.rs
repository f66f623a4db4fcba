//! Elixir and Erlang: what lock files name.

pub(crate) mod mix_lock;
pub(crate) mod rebar_lock;
mod terms;
