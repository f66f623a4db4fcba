//! Content digests as OCI spells them: `sha256:` and 64 lower-case hexadecimal digits.
//!
//! A [`Digest`] that exists is well-formed, so it may become part of a file name or a URL without
//! further checks. Computing digests is `artifact`'s work.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The digest algorithms that the OCI image specification registers and we verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    Sha256,
    Sha512,
}

impl Algorithm {
    /// The name used before the colon.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn hex_length(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

/// A well-formed content digest (OCI image spec, "Digests").
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest {
    algorithm: Algorithm,
    hex: Box<str>,
}

/// Why a text is not a digest.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    #[error("digest `{0}` has no known algorithm (want `sha256:` or `sha512:`)")]
    Algorithm(String),
    #[error("digest `{0}` is not {1} lower-case hexadecimal digits")]
    Hex(String, usize),
}

impl Digest {
    /// The SHA-256 digest whose 32 raw bytes are given.
    pub fn sha256(bytes: [u8; 32]) -> Self {
        Self { algorithm: Algorithm::Sha256, hex: hex(&bytes) }
    }

    /// The SHA-512 digest whose 64 raw bytes are given.
    pub fn sha512(bytes: [u8; 64]) -> Self {
        Self { algorithm: Algorithm::Sha512, hex: hex(&bytes) }
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The hexadecimal digits after the colon.
    pub fn hex(&self) -> &str {
        &self.hex
    }
}

fn hex(bytes: &[u8]) -> Box<str> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| char::from(DIGITS[usize::from(nibble)]))
        .collect::<String>()
        .into_boxed_str()
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (algorithm, hex) = match text.split_once(':') {
            Some(("sha256", hex)) => (Algorithm::Sha256, hex),
            Some(("sha512", hex)) => (Algorithm::Sha512, hex),
            _ => return Err(DigestError::Algorithm(text.chars().take(80).collect())),
        };
        let well_formed = hex.len() == algorithm.hex_length()
            && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !well_formed {
            let shown = text.chars().take(80).collect();
            return Err(DigestError::Hex(shown, algorithm.hex_length()));
        }
        Ok(Self { algorithm, hex: hex.into() })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.name(), self.hex)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestError;

    fn try_from(text: String) -> Result<Self, DigestError> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_refuses_the_rest() {
        let digest = Digest::sha256([0xab; 32]);
        assert_eq!(digest.to_string(), format!("sha256:{}", "ab".repeat(32)));
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for broken in ["", "sha256:", "sha256:AB", "md5:00", "sha256:../../etc/passwd"] {
            assert!(broken.parse::<Digest>().is_err(), "{broken}");
        }
        assert!(format!("sha256:{}", "AB".repeat(32)).parse::<Digest>().is_err());
    }
}
