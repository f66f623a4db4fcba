//! Order versions as their ecosystems do: one file a scheme.
//!
//! ```
//! use std::cmp::Ordering;
//! use version::Scheme;
//!
//! assert_eq!(Scheme::Debian.compare("1.0~rc1-1", "1.0-1"), Ok(Ordering::Less));
//! assert_eq!(Scheme::Rpm.compare("1.0^git1", "1.0"), Ok(Ordering::Greater));
//! assert_eq!(Scheme::Apk.compare("1.2_p1-r0", "1.2-r9"), Ok(Ordering::Greater));
//! ```
//!
//! A comparison walks both strings once, side by side: it takes linear time, allocates nothing,
//! reads numbers of any length and never panics, whatever the bytes. A scheme refuses a version
//! only where its own ecosystem would, and says why ([`VersionError`]); everything else has an
//! order, and that order is total (`tests/order/laws.rs`).
//!
//! The next scheme is one file here, its lines in `scheme.rs`, and `testdata/<scheme>.txt`.
//! This crate knows nothing of packages or advisories, and reads no file.

mod apk;
mod composer;
mod debian;
mod error;
mod gem;
mod golang;
mod maven;
mod nuget;
mod number;
mod number_list;
mod pep440;
mod pub_dev;
mod range;
pub mod rpm;
mod scheme;
mod semver;
mod table;

pub use error::{Refusal, VersionError};
pub use range::{Range, RangeError, RangeFault};
pub use scheme::Scheme;
pub use table::{Fault, WrongLine, check_table, symbol};
