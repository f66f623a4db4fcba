//! Every bound that hostile input can run into, and why it is where it is.
//!
//! Reaching one is a Problem (or an [`crate::OpenError`] for manifests and configurations), never
//! silence.

/// Manifests and indexes: what the distribution spec asks registries to accept at least, and what
/// they accept at most in practice.
pub(crate) const MANIFEST_BYTES_MAX: u64 = 4 << 20;

/// Image configurations: histories of long builds and many labels stay far below.
pub(crate) const CONFIG_BYTES_MAX: u64 = 8 << 20;

/// Layers of one image. Overlay file systems stop at some hundreds, Docker at 127.
pub(crate) const LAYERS_MAX: usize = 1000;

/// Indexes within indexes. The spec allows any; two are seen.
pub(crate) const INDEX_DEPTH_MAX: usize = 4;

/// Indexes fetched in search of one image: bounds the requests that a registry can provoke.
pub(crate) const INDEXES_MAX: usize = 32;
