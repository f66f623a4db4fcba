//! Development tasks: test, bench, tidy.

fn main() {}
