//! Ed25519 keys in files, and signatures over an index.

use std::path::{Path, PathBuf};

/// A signing key. The file holds a header line and the raw 32-byte seed as base64.
pub struct PrivateKey {}

/// A key that signatures are checked with. The file holds a header line and the raw 32 bytes as
/// base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {}

/// Why a key or a signature was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot read or write key file `{path}`: {source}", path = .path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("`{path}` is not a lazaret {wanted} key file: {why}", path = .path.display())]
    NotAKey { path: PathBuf, wanted: &'static str, why: String },
    #[error("no randomness from the operating system: {0}")]
    Randomness(String),
    #[error("there is no signature, and a trusted key was given")]
    Unsigned,
    #[error("the signature is malformed: {0}")]
    Malformed(String),
    #[error("the signature is by none of the trusted keys")]
    Untrusted,
}

impl PrivateKey {
    /// A new key from the operating system's randomness.
    pub fn generate() -> Result<Self, KeyError> {
        todo!()
    }

    pub fn read(_path: &Path) -> Result<Self, KeyError> {
        todo!()
    }

    /// Writes the file readable by its owner alone; refuses to overwrite.
    pub fn write(&self, _path: &Path) -> Result<(), KeyError> {
        todo!()
    }

    pub fn public(&self) -> PublicKey {
        todo!()
    }

    /// The text of a signature file over exactly these bytes.
    pub fn sign(&self, _bytes: &[u8]) -> String {
        todo!()
    }
}

impl PublicKey {
    pub fn read(_path: &Path) -> Result<Self, KeyError> {
        todo!()
    }

    pub fn write(&self, _path: &Path) -> Result<(), KeyError> {
        todo!()
    }

    /// Checks a signature file's text against the trusted keys. With no trusted key anything is
    /// accepted; with one or more, an absent or foreign signature is refused.
    pub fn check(
        _trusted: &[Self],
        _bytes: &[u8],
        _signature: Option<&[u8]>,
    ) -> Result<(), KeyError> {
        todo!()
    }
}
