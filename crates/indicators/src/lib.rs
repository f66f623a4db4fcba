//! What somebody warns of, or vouches for: names, addresses, digests of files.
//!
//! ```text
//! document → read (plain text, STIX, MISP: by content) → Indicators(+LeftOut) → Lists → a Hit, or none
//! ```
//!
//! Pure: bytes and the time arrive as arguments. A document gives what of it can be used; how much could
//! not be, and why, goes with it. Lists are looked up while events wait, so they are laid out for that:
//! whatever is in them, a look-up takes as long as a name has labels.

#[doc(hidden)]
pub mod fuzz;
mod indicator;
mod left_out;
mod lists;
mod names;
mod networks;
mod read;
mod text;

pub use indicator::{ALWAYS, ENTRIES_MAX, Entry, Hash, Indicator, Indicators, Network};
pub use left_out::{LeftOut, Why};
pub use lists::{Hit, Listed, Lists, TooMany};
pub use read::{FILE_BYTES_MAX, Format, Read, read};
