//! From what publishers serve to the segments that a scan reads.
//!
//! The story, in the order in which bytes travel:
//!
//! ```text
//! http → fetch ─┐
//!               ├→ input (files, folders, archives in archives) → Document
//! paths ────────┘         │
//!                         ├→ sample  what is it?          one Feed of list::ALL says "mine"
//!                         ├→ feed    what does it say?    the Feed's own file turns it into Advisory
//!                         └→ sink    collected a stream   → merged, sorted → advisories::SegmentWriter
//! ```
//!
//! - [`import()`] reads what the user has: files, folders, archives, recognised by content.
//! - [`update()`] fetches sources or streams anew, conditionally.
//! - [`ensure()`] fetches what one scan needs and lacks, and never fails while older data is there.
//!
//! The next feed is one new file, one line in `list.rs`, and a folder under `testdata/`.
//!
//! This crate must never judge an installation (that is `matcher`), never print, and never
//! replace a segment by less than it held without being asked.

mod age;
mod allowance;
mod bundles;
mod changes;
mod collect;
mod document;
mod download;
mod ensure;
mod failure;
mod feed;
mod fetch;
mod foreign;
pub mod fuzz;
mod hosts;
mod http;
mod import;
mod input;
mod install;
mod json;
mod list;
mod merge;
mod mirror;
mod options;
mod packed;
mod sample;
mod served;
mod sink;
mod spool;
pub mod stream;
mod told;
mod unpack;
mod update;

// Readers of shared formats, which feeds build on: `osv` (any OSV record), `oval` (any OVAL file;
// the rpm-world feeds need it first, Ubuntu and Debian build on the same reader), `csaf`.
mod affected;
mod csaf;
mod language;
mod notice;
mod osv;
mod oval;
mod purl;
mod rpm;
mod statements;
mod text;
mod time;
mod updateinfo;
mod utf8;
mod xml;
mod yaml;

// The feeds, one file a publisher or form; `list.rs` has them in order.
mod almalinux;
mod amazon;
mod azurelinux;
mod cpansa;
mod cve5;
mod cvss;
mod debian;
mod epss;
mod fedora;
mod friendsofphp;
mod kev;
mod maven;
mod nvd;
mod openeuler;
mod oracle;
mod photon;
mod redhat;
mod rocky;
mod rubysec;
mod rustsec;
mod secdb;
mod suse;
mod ubuntu;

pub use bundles::{Bundles, bundles};
pub use changes::Part;
pub use document::Document;
pub use download::{Download, DownloadError, download, is_url};
pub use ensure::ensure;
pub use failure::Failure;
pub use feed::{Covers, Feed, FeedError};
pub use hosts::Hosts;
pub use import::{Given, ImportError, ImportReport, SourceReport, import, import_all};
pub use install::{Outcome, StreamReport};
pub use list::ALL;
pub use options::{Options, Progress, Silent};
pub use sample::{Form, Sample};
pub use sink::Sink;
pub use update::{UpdateReport, update};

#[cfg(test)]
mod golden;
