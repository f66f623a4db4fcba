//! Ed25519 keys in files, and signatures over an index of segments.
//!
//! Key and signature files are two lines of text: what it is, then the raw bytes as base64 (the
//! 32-byte seed of RFC 8032, section 5.1.5; the 32-byte public key; the 64-byte signature). A
//! signature is plain Ed25519 over the exact bytes of `index.json`, so any tool can check it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

const PRIVATE_HEADER: &str = "lazaret ed25519 private key 1";
const PUBLIC_HEADER: &str = "lazaret ed25519 public key 1";
const SIGNATURE_HEADER: &str = "lazaret ed25519 signature 1";

/// Most bytes of a key or signature file; they have about a hundred.
pub(crate) const TEXT_LIMIT: u64 = 1024;

/// A signing key. The file holds a header line and the raw 32-byte seed as base64.
pub struct PrivateKey(SigningKey);

/// A key that signatures are checked with. The file holds a header line and the raw 32 bytes as
/// base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// Why a key or a signature was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("key file `{path}`: {source}", path = .path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("`{path}` is not a lazaret {wanted} key file: {why}", path = .path.display())]
    NotAKey { path: PathBuf, wanted: &'static str, why: String },
    #[error("no randomness from the operating system: {0}")]
    Randomness(String),
    #[error("there is no signature, and a trusted key was given")]
    Unsigned,
    #[error("the signature is malformed: {0}")]
    Malformed(String),
    #[error("the signature is by none of the trusted keys, or what it signs was changed")]
    Untrusted,
}

impl PrivateKey {
    /// A new key from the operating system's randomness.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| KeyError::Randomness(error.to_string()))?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let seed = read(path, "private", PRIVATE_HEADER)?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// Writes the file readable by its owner alone; refuses to overwrite.
    pub fn write(&self, path: &Path) -> Result<(), KeyError> {
        write(path, 0o600, &text(PRIVATE_HEADER, &self.0.to_bytes()))
    }

    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// The text of a signature file over exactly these bytes.
    pub fn sign(&self, bytes: &[u8]) -> String {
        text(SIGNATURE_HEADER, &self.0.sign(bytes).to_bytes())
    }
}

impl PublicKey {
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let bytes = read(path, "public", PUBLIC_HEADER)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|error| KeyError::NotAKey {
            path: path.to_owned(),
            wanted: "public",
            why: error.to_string(),
        })?;
        Ok(Self(key))
    }

    /// Refuses to overwrite.
    pub fn write(&self, path: &Path) -> Result<(), KeyError> {
        write(path, 0o644, &text(PUBLIC_HEADER, self.0.as_bytes()))
    }

    /// Checks a signature file's text against the trusted keys. With no trusted key anything is
    /// accepted; with one or more, an absent or foreign signature is refused.
    pub fn check(trusted: &[Self], bytes: &[u8], signature: Option<&[u8]>) -> Result<(), KeyError> {
        if trusted.is_empty() {
            return Ok(());
        }
        let signature = parse(signature.ok_or(KeyError::Unsigned)?, SIGNATURE_HEADER);
        let signature = Signature::from_bytes(&signature.map_err(KeyError::Malformed)?);
        match trusted.iter().any(|key| key.0.verify_strict(bytes, &signature).is_ok()) {
            true => Ok(()),
            false => Err(KeyError::Untrusted),
        }
    }
}

fn text(header: &str, bytes: &[u8]) -> String {
    format!("{header}\n{}\n", BASE64.encode(bytes))
}

/// The bytes behind the header line.
fn parse<const N: usize>(text: &[u8], header: &str) -> Result<[u8; N], String> {
    let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
    let mut lines = text.lines();
    if lines.next() != Some(header) {
        return Err(format!("its first line is not `{header}`"));
    }
    let line = lines.next().unwrap_or_default().trim_end();
    let bytes = BASE64.decode(line).map_err(|error| error.to_string())?;
    bytes.try_into().map_err(|bytes: Vec<u8>| format!("it has {} bytes, not {N}", bytes.len()))
}

fn read(path: &Path, wanted: &'static str, header: &str) -> Result<[u8; 32], KeyError> {
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(TEXT_LIMIT).read_to_end(&mut text))
        .map_err(|source| KeyError::Io { path: path.to_owned(), source })?;
    parse(&text, header).map_err(|why| KeyError::NotAKey { path: path.to_owned(), wanted, why })
}

fn write(path: &Path, mode: u32, text: &str) -> Result<(), KeyError> {
    let failed = |source| KeyError::Io { path: path.to_owned(), source };
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(mode).open(path).map_err(failed)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| {
        // Half a key is none.
        drop(fs::remove_file(path));
        failed(error)
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_survive_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let (secret, public) = (folder.path().join("key"), folder.path().join("key.pub"));
        let key = PrivateKey::generate().unwrap();
        key.write(&secret).unwrap();
        key.public().write(&public).unwrap();
        assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(key.write(&secret), Err(KeyError::Io { .. })));

        let signature = PrivateKey::read(&secret).unwrap().sign(b"bytes");
        let trusted = [PublicKey::read(&public).unwrap()];
        let check =
            |bytes: &[u8], signature: Option<&[u8]>| PublicKey::check(&trusted, bytes, signature);
        check(b"bytes", Some(signature.as_bytes())).unwrap();
        let other = PrivateKey::generate().unwrap().sign(b"bytes");
        assert!(matches!(check(b"bytes", Some(other.as_bytes())), Err(KeyError::Untrusted)));
        assert!(matches!(check(b"others", Some(signature.as_bytes())), Err(KeyError::Untrusted)));
        assert!(matches!(check(b"bytes", None), Err(KeyError::Unsigned)));
        assert!(matches!(check(b"bytes", Some(b"x")), Err(KeyError::Malformed(_))));
        PublicKey::check(&[], b"bytes", None).unwrap();
        assert!(matches!(PrivateKey::read(&public), Err(KeyError::NotAKey { .. })));
        assert!(matches!(PublicKey::read(&secret), Err(KeyError::NotAKey { .. })));
    }

    /// RFC 8032, section 7.1, TEST 2.
    #[test]
    fn signs_as_the_standard_does() {
        let seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
        let signature = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
        let bytes = |hex: &str| -> Vec<u8> {
            let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2).unwrap(), 16).unwrap();
            (0..hex.len()).step_by(2).map(byte).collect()
        };
        let key = PrivateKey(SigningKey::from_bytes(&bytes(seed).try_into().unwrap()));
        assert_eq!(key.sign(&[0x72]), text(SIGNATURE_HEADER, &bytes(signature)));
    }
}
