//! Open anything scannable and stream its layers: digests, whiteouts, limits.
//!
//! The story: [`open`] takes what the user typed (`target`), finds the source it names and reads
//! its manifest and configuration (`manifest`, `config`); the [`Image`] that results knows its
//! layers but has read none of them. [`Image::read_each`] then sends every layer wanted through
//! decompression, hashing and the tar walker (`layer`, `decompress`, `digest`, `tar`) to a
//! [`model::Visitor`] of its own, in parallel. No layer is ever unpacked to disk.
//!
//! One file a source (`docker_archive`, `oci`, `dir`, `fs_archive` …), one variant each in
//! `image::Backend`. Everything read here is hostile: what bounds it stands in `limits`.
//!
//! This crate must never interpret file contents, print, or start an async runtime.

mod archive;
mod attached;
mod config;
mod container;
mod containerd;
mod decompress;
mod delivery;
mod digest;
mod dir;
mod docker;
mod docker_archive;
mod environment;
mod error;
mod fs_archive;
pub mod fuzz;
mod http;
mod image;
mod input;
mod layer;
mod limits;
mod manifest;
mod oci;
mod options;
mod path;
mod pipeline;
mod podman;
mod problems;
mod recognise;
mod registry;
mod spelling;
mod spill;
mod store;
mod tar;
mod target;
mod transport;
mod walk;
mod windows;

pub use attached::Attachment;
pub use config::{Healthcheck, History, ImageConfig, RootFs, Settings};
pub use environment::{Environment, VARIABLES};
pub use error::{OpenError, OpenErrorKind, ReadError};
pub use http::{
    ConfigBuilder, Dialing, Naming, Pace, Polling, PollingTransport, Trust, Waiting, agent, join,
};
pub use image::{Image, LayerRead};
pub use layer::walk_tar;
pub use limits::{ENTRIES_MAX, GROWTH_BYTES_MAX};
pub use options::{Options, Progress, Silent, Stop};
pub use registry::{RegistryOptions, StoredArtifact, StoredBlob, stored, tags};
pub use spill::{Scratch, Scratched};
pub use target::{is_path, looks_like_path};

/// Finds what `target` names and reads everything but its layers.
///
/// `target` is what a user types: an image name, a path, or either behind a source's prefix
/// (`registry:`, `docker-archive:`, `dir:` …). Fails when there is nothing, when it is not an
/// image, or when its manifest or configuration is damaged; whatever else is wrong becomes a
/// Problem of the image or of a layer.
pub fn open(target: &str, options: &Options) -> Result<Image, OpenError> {
    target::open(target, options)
}
