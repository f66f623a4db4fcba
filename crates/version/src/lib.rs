//! Order versions as their ecosystems do, and read the ranges that they write: one file a scheme.
//!
//! ```
//! use std::cmp::Ordering;
//! use version::{Range, Scheme};
//!
//! assert_eq!(Scheme::Debian.compare("1.0~rc1-1", "1.0-1"), Ok(Ordering::Less));
//! assert_eq!(Scheme::Rpm.compare("1.0^git1", "1.0"), Ok(Ordering::Greater));
//! assert_eq!(Scheme::Maven.compare("1.0.Final", "1"), Ok(Ordering::Equal));
//!
//! let range = Range::parse(Scheme::Npm, "^1.2.3 || >=2.1")?;
//! assert_eq!(range.contains("1.9.0"), Ok(true));
//! assert_eq!(range.contains("2.0.0"), Ok(false));
//! # Ok::<(), version::RangeError>(())
//! ```
//!
//! A comparison walks both strings once: it takes linear time, allocates nothing (but for Maven's,
//! which says why), reads numbers of any length and never panics, whatever the bytes. A scheme
//! refuses a version only where its own ecosystem would, and says why ([`VersionError`]); everything
//! else has an order, and that order is total (`tests/order/laws.rs`, which names Maven's exception).
//!
//! The next scheme is one file here, its lines in `scheme.rs`, and `testdata/<scheme>.txt`; the next
//! grammar of ranges one file in `range/`, its line in `range.rs`, and `testdata/ranges/<scheme>.txt`.
//! This crate knows nothing of packages or advisories, and reads no file.

mod apk;
mod composer;
mod cpan;
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
pub use range::{Range, RangeError, RangeFault, Relation};
pub use scheme::Scheme;
pub use table::{Fault, WrongLine, check_table, symbol};
