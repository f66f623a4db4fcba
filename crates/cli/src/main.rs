//! The binary `lazaret`: one file a subcommand; the only place that prints and exits.

fn main() {}
