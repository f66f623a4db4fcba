//! For tests alone: builders of images and archives, a registry that misbehaves,
//! and the real daemons.
//!
//! Builders are deterministic (no clock, no random names), and each can also build what is wrong:
//! a [`TarBuilder`] takes raw headers, an [`ImageBuilder`] lies where a test tells it to. They
//! panic on mistakes of the test that uses them.

mod compress;
mod full;
mod image;
mod maven_index;
mod proxy;
mod recorder;
mod registry;
mod server;
mod services;
mod tar;
mod tls;

pub use compress::{bzip2, gzip, gzip_members, xz, zstd, zstd_chunked, zstd_frames};
pub use full::Full;
pub use image::{ImageBuilder, LayerBuilder, sha256};
pub use maven_index::MavenIndex;
pub use proxy::Proxy;
pub use recorder::Recorder;
pub use registry::Content;
pub use server::{Fault, Reply, Request, Server};
pub use services::{
    Containerd, Distribution, Docker, Podman, PodmanCommand, installed, lack, run, skip,
};
pub use tar::{BLOCK, Header, TarBuilder};
pub use tls::{Authority, Identity, Tls};
