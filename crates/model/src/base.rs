//! The image that another one was built on, as far as it is known.

use crate::Digest;

/// An image that was scanned before and whose layers are the lowest ones of this image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The full name it was scanned under.
    pub name: String,
    /// Of its configuration.
    pub digest: Digest,
    /// RFC 3339, from its configuration.
    pub created: Option<String>,
    /// How many of the lowest layers are its.
    pub layers: u32,
    /// What was later scanned under the same name, and is newer.
    pub newer: Option<NewerBase>,
}

/// An image that could take the base's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewerBase {
    pub digest: Digest,
    pub created: String,
    /// None where that could not be found out: advisories for it are missing.
    pub change: Option<BaseChange>,
}

/// What would become of vulnerabilities: identifier and package, in the order of findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaseChange {
    /// In the base's layers of this image now, and not in the newer base.
    pub fixes: Vec<(String, String)>,
    /// In the newer base, and not in this image's base now.
    pub brings: Vec<(String, String)>,
}

impl Base {
    /// Whether something in this layer came with the base.
    pub fn holds(&self, layer: Option<u32>) -> bool {
        layer.is_some_and(|index| index < self.layers)
    }
}
