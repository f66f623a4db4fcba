//! Turn files into an inventory: one file a format, one explicit list.
//!
//! The story of an image goes through this crate in four steps:
//!
//! 1. A [`LayerCollector`] visits the entries of one layer. One compiled selector says from the
//!    path alone whether any [`Analyzer`] wants the file; the analyzers of [`ALL`] turn its bytes
//!    into facts at once, and the bytes are forgotten. Layers are visited in parallel, in any
//!    order.
//! 2. What comes out are [`LayerFacts`]: everything the layer says, apart from all other layers.
//!    They are what a layer cache stores; [`fingerprint`] belongs into its key.
//! 3. Where a file that matters is reached only through a link to a place nobody watched,
//!    [`unresolved`] names the entries that a second, counted pass has to read;
//!    [`LayerFacts::absorb`] takes them in.
//! 4. [`squash()`] lays the layers over each other as a container runtime would and gives the
//!    [`model::Inventory`] of what is left, each package with the layer in which it appeared.
//!
//! This crate must never touch a file system, a network, a clock or the environment, and no input
//! may make it panic: every byte it sees comes from a stranger's image.

#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

mod anywhere;
mod attribution;
mod binary;
mod bitnami;
mod collect;
mod complete;
pub mod config;
mod content;
mod cpp;
mod dart;
mod detour;
mod dotnet;
mod facts;
mod file;
pub mod fuzz;
mod go;
mod haskell;
mod hex;
mod integrity;
mod interest;
mod java;
mod javascript;
mod julia;
mod keywords;
mod list;
mod lock;
mod lua;
mod malware;
mod os;
mod owners;
mod path_set;
mod perl;
mod php;
mod program;
mod python;
mod r;
mod ruby;
mod rust;
mod scratch;
mod secret;
mod select;
mod signature;
mod squash;
mod survey;
mod swift;
mod view;
mod zipped;

pub use collect::LayerCollector;
pub use config::mask::{
    command as redact_command, text as redact, value as redact_value, words as redact_words,
};
pub use detour::{Detour, unresolved};
pub use facts::{FileFacts, Installed, LayerFacts};
pub use file::{Analyzer, Check, Checks, File, Until};
pub use list::{ALL, fingerprint};
pub use malware::of_config as config_malware;
pub use malware::{Examined, Examiner, SignatureFile, SignatureKind, Signatures};
pub use os::choice::{OverrideError, family, os_from_override};
pub use scratch::{Lent, Scratch};
pub use secret::settings::of_config as config_secrets;
pub use select::Select;
pub use squash::squash;
