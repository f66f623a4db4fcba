//! Every parser of a stranger's bytes that is not reached through a file, as a plain function, for
//! fuzz targets. Each takes any bytes and must not panic; what it returns only keeps the work from
//! being optimized away.

use model::Visitor;

use crate::registry::{challenge, credentials, mirrors};
use crate::{config, containerd, layer, manifest, recognise};

/// A database of containerd's.
pub fn bolt(bytes: &[u8]) -> u64 {
    containerd::bolt::walk(bytes).unwrap_or_default()
}

/// The `WWW-Authenticate` header of a registry.
pub fn challenge(bytes: &[u8]) -> usize {
    challenge::parse(&String::from_utf8_lossy(bytes)).len()
}

/// An image configuration.
pub fn image_config(bytes: &[u8]) -> bool {
    config::parse(bytes).is_ok()
}

/// A manifest or an index, and what is only to be told from them.
pub fn image_manifest(bytes: &[u8]) -> bool {
    let leads = ["manifest.json", "index.json"].map(|it| recognise::leads_to_images(it, bytes));
    manifest::parse("fuzz", bytes).is_ok() || leads.contains(&true)
}

/// Docker's `config.json`, Podman's `auth.json`.
pub fn logins(bytes: &[u8]) -> bool {
    credentials::parse(bytes).is_ok()
}

/// `registries.conf`.
pub fn registries_conf(bytes: &[u8]) -> bool {
    mirrors::parse(bytes).is_ok()
}

/// A layer, compressed or not; returns how many problems it has.
pub fn tar(bytes: &[u8], visitor: &mut dyn Visitor) -> usize {
    layer::walk_tar(bytes, visitor).len()
}
