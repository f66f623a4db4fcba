//! Unpacked layers: where containerd's overlayfs snapshotter keeps the files of each.
//!
//! A layer that was unpacked is a snapshot named by its chain ID (OCI image spec, "Layer
//! ChainID"). `meta.db` knows it under that name, one namespace at a time, and says what the
//! snapshotter calls it; the snapshotter's own `metadata.db` says in which directory it is. What
//! that directory holds is the one layer's own changes, in overlayfs' notation.

use std::path::{Path, PathBuf};

use model::{Algorithm, Digest};

use super::METADATA;
use super::bolt::{BoltError, Bucket, view};
use crate::digest::digest_of;
use crate::dir::Tree;

/// Snapshotters that keep each layer's changes in a directory `snapshots/ID/fs`.
const SNAPSHOTTERS: [&str; 2] = ["overlayfs", "fuse-overlayfs"];

/// The snapshots of one store, as one namespace sees them.
pub(super) struct Snapshots<'a> {
    pub(super) root: &'a Path,
    pub(super) namespace: &'a str,
}

impl Snapshots<'_> {
    /// For each layer the directory it was unpacked to; None where it was not.
    pub(super) fn of_layers(&self, diff_ids: &[Digest]) -> Result<Vec<Option<Tree>>, BoltError> {
        let (mut trees, mut beneath) = (Vec::new(), Vec::new());
        for chain_id in chain_ids(diff_ids) {
            let mut found = None;
            for snapshotter in SNAPSHOTTERS {
                if found.is_none() {
                    found = self.find(snapshotter, &chain_id.to_string())?;
                }
            }
            let root = found.map(|(root, _)| root);
            // With one missing nobody knows what the ones below it show.
            let lowers: Option<Vec<PathBuf>> = beneath.iter().rev().cloned().collect();
            let lowers = lowers.unwrap_or_default();
            trees.push(root.clone().map(|root| Tree::layer(root, lowers)));
            beneath.push(root);
        }
        Ok(trees)
    }

    /// The directory of the active snapshot `key`, and the chain ID of what lies beneath it.
    pub(super) fn active(
        &self,
        snapshotter: &str,
        key: &str,
    ) -> Result<Option<(PathBuf, Option<String>)>, BoltError> {
        if !SNAPSHOTTERS.contains(&snapshotter) {
            return Ok(None);
        }
        self.find(snapshotter, key)
    }

    fn find(
        &self,
        snapshotter: &str,
        key: &str,
    ) -> Result<Option<(PathBuf, Option<String>)>, BoltError> {
        let path = ["v1", self.namespace, "snapshots", snapshotter, key];
        let named = view(&self.root.join(METADATA), |root: &Bucket<'_>| {
            let Some(snapshot) = root.descend(&path)? else { return Ok(None) };
            Ok(Some((snapshot.get(b"name")?, snapshot.get(b"parent")?)))
        })?;
        let Some((Some(name), parent)) = named else { return Ok(None) };
        let name = String::from_utf8_lossy(&name);
        let directory = self.root.join(format!("io.containerd.snapshotter.v1.{snapshotter}"));
        let id = view(&directory.join("metadata.db"), |root: &Bucket<'_>| {
            let Some(snapshot) = root.descend(&["v1", "snapshots", &name])? else {
                return Ok(None);
            };
            Ok(snapshot.get(b"id")?.as_deref().and_then(varint))
        })?;
        let parent = parent.map(|parent| String::from_utf8_lossy(&parent).into_owned());
        Ok(id.map(|id| (directory.join(format!("snapshots/{id}/fs")), parent)))
    }
}

/// The chain ID of each layer: its diff ID on top of the chain ID below.
pub(super) fn chain_ids(diff_ids: &[Digest]) -> Vec<Digest> {
    let mut chain: Vec<Digest> = Vec::new();
    for diff_id in diff_ids {
        let next = match chain.last() {
            None => diff_id.clone(),
            Some(below) => digest_of(Algorithm::Sha256, format!("{below} {diff_id}").as_bytes()),
        };
        chain.push(next);
    }
    chain
}

/// An unsigned integer as Go's `binary.PutUvarint` writes it: seven bits a byte, lowest first.
fn varint(bytes: &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f).checked_shl(u32::try_from(index * 7).ok()?)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chain_ids_follow_the_spec() {
        let a = Digest::sha256([0xaa; 32]);
        let b = Digest::sha256([0xbb; 32]);
        let chain = chain_ids(&[a.clone(), b.clone()]);
        assert_eq!(chain[0], a);
        assert_eq!(chain[1], digest_of(Algorithm::Sha256, format!("{a} {b}").as_bytes()));
        assert!(chain_ids(&[]).is_empty());
    }

    #[test]
    fn varints_as_go_writes_them() {
        let cases: [(&[u8], Option<u64>); 6] = [
            (&[0], Some(0)),
            (&[0x7f], Some(127)),
            (&[0xac, 0x02], Some(300)),
            (&[0xff; 9], None),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], Some(u64::MAX)),
            (&[], None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(varint(bytes), expected, "{bytes:?}");
        }
    }
}
