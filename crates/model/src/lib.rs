//! The nouns that every other crate speaks, in the order in which a scan meets them.
//!
//! An [`ImageRef`] or another target is opened as an [`Artifact`] made of [`Layer`]s; analyzers
//! turn its files into an [`Inventory`] of [`Package`]s; publishers' [`Advisory`]s are held
//! against it and give [`Finding`]s; whatever could not be done on the way is a [`Problem`]. What running processes do is an
//! [`event::Event`].
//!
//! This crate must never do anything: no I/O, no clock, no environment. Its serde derives serve
//! private files (the layer cache); what strangers read is shaped in `document` alone.

mod advisory;
mod artifact;
mod base;
mod digest;
mod distributor;
mod entry;
pub mod event;
mod finding;
mod image_config;
mod inventory;
mod license;
mod malware;
mod misconfiguration;
mod os;
mod package;
mod path_list;
mod platform;
mod prevention;
mod priority;
mod problem;
mod purl;
mod reference;
mod secret;
mod severity;
mod silenced;
mod symbols;
mod verdict;
mod vex;

pub use advisory::{Advisory, Affected, Cvss, Details, Scope, Status, Subject, VersionRange};
pub use artifact::{Artifact, ArtifactKind, Layer};
pub use base::{Base, BaseChange, NewerBase};
pub use digest::{Algorithm, Digest, DigestError};
pub use entry::{Entry, EntryKind, HEAD_BYTES, Visitor, Want};
pub use finding::{Evidence, Finding, Opinion};
pub use image_config::{HistoryStep, ImageConfig};
pub use inventory::Inventory;
pub use license::License;
pub use malware::{Malware, MalwareEngine};
pub use misconfiguration::{ConfigPlace, Misconfiguration};
pub use os::{Eol, Os};
pub use package::{Basis, Location, Package, PackageKind, Source};
pub use path_list::{PATH_BYTES_MAX, PathList, PathListBuilder, SPELLED_BYTES_MAX};
pub use platform::{Platform, PlatformError};
pub use prevention::{Denial, Network, Place, Prevention, Refused, Response};
pub use priority::Priority;
pub use problem::{Problem, ProblemKind};
pub use purl::{Purl, PurlError, purl, spelled};
pub use reference::{ImageRef, ReferenceError};
pub use secret::{Secret, SecretPlace};
pub use severity::Severity;
pub use silenced::{Silenced, SilencedBy};
pub use symbols::{Symbols, SymbolsBuilder};
pub use verdict::{Decision, Excepted, Hit, Reason, Verdict};
pub use vex::{VexProduct, VexStatement, VexStatus};
