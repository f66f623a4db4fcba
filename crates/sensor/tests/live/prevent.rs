//! What is refused on this kernel, what is not, and what gets through.

mod acts;
mod containers;
mod pins;
mod stage;
mod unlisted;
mod ways;
