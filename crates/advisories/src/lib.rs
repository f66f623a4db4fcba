//! The compact, checksummed advisory segments: format, reader, writer, bundle.
//!
//! A [`Segment`] is one file that holds what one source says about one stream (`debian-12`,
//! `epss`, `cve-2024`). A [`SegmentWriter`] collects the records a feed yields and writes the
//! file atomically; a [`Store`] is a directory of segments; an [`Index`] lists a directory of
//! segments so that any static file server is a mirror; a [`bundle`] is such a mirror in one
//! file, signed with a [`PrivateKey`] if its maker wishes, and [`oci`] lays one out for a registry.
//!
//! This crate reads bytes that came over a network: every length is checked before it is used,
//! damage is an error that names what is damaged, and nothing here ever connects anywhere.

#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

pub mod bundle;
mod bytes;
mod coordinates;
mod details;
mod error;
mod file;
mod group;
mod heard;
mod index;
mod intern;
mod key;
mod layout;
mod meta;
mod name;
pub mod oci;
mod replace;
mod score;
mod segment;
mod statement;
mod store;
mod table;
mod writer;

pub use coordinates::Coordinates;
pub use error::{SegmentError, SegmentErrorKind, WriteError};
pub use heard::Heard;
pub use index::{Index, IndexEntry, IndexError, SEGMENT_SIZE_LIMIT};
pub use key::{KeyError, PrivateKey, PublicKey};
pub use meta::{Counts, Origin, SegmentMeta, is_stream_name};
pub use score::{KnownExploited, Score};
pub use segment::Segment;
pub use store::{Installed, Store, StoreError};
pub use writer::SegmentWriter;
