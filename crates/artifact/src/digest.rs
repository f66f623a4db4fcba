//! Hashing, of whole documents and of streams as they pass.

use model::{Algorithm, Digest};
use ring::digest::{Context, SHA256, SHA512};

/// A digest being computed.
///
/// `ring` is in the build for TLS anyway, and its SHA-256 is the fastest at hand on machines
/// without SHA instructions too (vector code where other crates have portable Rust: twice as fast).
pub(crate) struct Hasher {
    algorithm: Algorithm,
    state: Context,
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let state = match algorithm {
            Algorithm::Sha256 => Context::new(&SHA256),
            Algorithm::Sha512 => Context::new(&SHA512),
        };
        Self { algorithm, state }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.state.update(bytes);
    }

    pub(crate) fn finish(self) -> Digest {
        const LENGTH: &str = "an algorithm's digests have its length";
        let raw = self.state.finish();
        match self.algorithm {
            Algorithm::Sha256 => Digest::sha256(raw.as_ref().try_into().expect(LENGTH)),
            Algorithm::Sha512 => Digest::sha512(raw.as_ref().try_into().expect(LENGTH)),
        }
    }
}

/// The digest of `bytes`.
pub(crate) fn digest_of(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}
