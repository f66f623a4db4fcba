//! Files under seal: encrypted, so that no scanner, no backup and nobody by mistake meets what was
//! taken away; and authenticated, so that what comes back is what went.
//!
//! `LZQ1`, a salt, then frames: a length (32 bits, little-endian), and ChaCha20-Poly1305 of a piece under
//! a key of this file alone, its number and kind in the nonce. The first frame describes the file;
//! one of the last kind ends it, so that nothing can be cut off.

use std::fs::{self, File, OpenOptions};
use std::io::{Error, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom, SystemRandom};

const MAGIC: &[u8; 4] = b"LZQ1";
const KEY_BYTES: usize = 32;
const SALT_BYTES: usize = 32;
/// What is held in memory of a file.
pub(crate) const PIECE_BYTES: usize = 64 << 10;
/// A description holds attributes of at most 64 KiB each, written as text.
pub(crate) const DESCRIPTION_BYTES_MAX: usize = 2 << 20;
const PURPOSE: &[u8] = b"lazaret quarantine 1";

/// That of a state folder.
pub(crate) struct Key([u8; KEY_BYTES]);

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Description = 0,
    Piece = 1,
    Last = 2,
}

impl Key {
    /// Reads it, or draws one where there is none yet.
    pub(crate) fn at(path: &Path) -> std::io::Result<Self> {
        if !path.exists() {
            let fresh = path.with_extension("new");
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&fresh)?;
            file.write_all(&random::<KEY_BYTES>()?)?;
            file.sync_all()?;
            // Whoever was faster has drawn the one that counts.
            match fs::hard_link(&fresh, path) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
                _ => fs::remove_file(fresh)?,
            }
        }
        let bytes = fs::read(path)?;
        bytes.try_into().map(Self).map_err(|_length| damaged("the key has not its length"))
    }

    /// For the fuzzer, who has no folder.
    pub(crate) fn of_zeros() -> Self {
        Self([0; KEY_BYTES])
    }

    fn of_file(&self, salt: &[u8]) -> std::io::Result<LessSafeKey> {
        let salt = Salt::new(HKDF_SHA256, salt);
        let secret = salt.extract(&self.0);
        let key = secret.expand(&[PURPOSE], &CHACHA20_POLY1305);
        let key = key.map_err(|_unspecified| damaged("the key cannot be derived"))?;
        Ok(LessSafeKey::new(UnboundKey::from(key)))
    }
}

/// Bytes that nobody guesses.
pub(crate) fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    let drawn = SystemRandom::new().fill(&mut bytes);
    drawn.map_err(|_unspecified| Error::other("the system gives no random numbers"))?;
    Ok(bytes)
}

fn nonce(number: u64, kind: Kind) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    let [counter @ .., last] = &mut bytes;
    for (byte, of_number) in counter.iter_mut().rev().zip(number.to_le_bytes()) {
        *byte = of_number;
    }
    *last = kind as u8;
    Nonce::assume_unique_for_key(bytes)
}

/// Writes `content` under seal, all of it, and gives its length.
pub(crate) fn close(
    key: &Key,
    description: &[u8],
    content: &mut dyn Read,
    to: &mut File,
) -> std::io::Result<u64> {
    if description.len() > DESCRIPTION_BYTES_MAX {
        return Err(Error::new(ErrorKind::InvalidInput, "its attributes are too large"));
    }
    let salt = random::<SALT_BYTES>()?;
    let key = key.of_file(&salt)?;
    to.write_all(MAGIC)?;
    to.write_all(&salt)?;
    let mut number = 0;
    let mut frame = |kind: Kind, bytes: &[u8]| {
        let mut sealed = bytes.to_vec();
        let done = key.seal_in_place_append_tag(nonce(number, kind), Aad::empty(), &mut sealed);
        done.map_err(|_unspecified| Error::other("a piece cannot be sealed"))?;
        number += 1;
        let length = u32::try_from(sealed.len()).map_err(Error::other)?;
        to.write_all(&length.to_le_bytes())?;
        to.write_all(&sealed)
    };
    frame(Kind::Description, description)?;
    let mut length = 0;
    loop {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let count = content.take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
        length += count as u64;
        if count < PIECE_BYTES {
            frame(Kind::Last, &piece)?;
            return Ok(length);
        }
        frame(Kind::Piece, &piece)?;
    }
}

/// What is under seal: the description first, by `describe`, then pieces of the content. Each was
/// found to be genuine before it is given.
pub(crate) fn unseal(
    key: &Key,
    from: &mut dyn Read,
    describe: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    give: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let (mut magic, mut salt) = ([0; MAGIC.len()], [0; SALT_BYTES]);
    from.read_exact(&mut magic)?;
    if &magic != MAGIC {
        return Err(damaged("it is not under seal"));
    }
    from.read_exact(&mut salt)?;
    let key = key.of_file(&salt)?;
    let mut number = 0;
    let mut next = |kinds: &[Kind], most: usize| -> std::io::Result<(Kind, Vec<u8>)> {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let length = usize::try_from(u32::from_le_bytes(length)).map_err(Error::other)?;
        if length > most + CHACHA20_POLY1305.tag_len() {
            return Err(damaged("a piece is longer than any is"));
        }
        let mut sealed = vec![0; length];
        from.read_exact(&mut sealed)?;
        number += 1;
        for kind in kinds {
            let mut bytes = sealed.clone();
            if let Ok(plain) = key.open_in_place(nonce(number - 1, *kind), Aad::empty(), &mut bytes)
            {
                return Ok((*kind, plain.to_vec()));
            }
        }
        Err(damaged("it was changed, or is under another key"))
    };
    describe(&next(&[Kind::Description], DESCRIPTION_BYTES_MAX)?.1)?;
    loop {
        let (kind, piece) = next(&[Kind::Piece, Kind::Last], PIECE_BYTES)?;
        give(&piece)?;
        if kind == Kind::Last {
            return Ok(());
        }
    }
}

fn damaged(why: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(content: &[u8]) -> (tempfile::TempDir, Key, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let key = Key::at(&folder.path().join("key")).unwrap();
        let path = folder.path().join("sealed");
        let mut file = File::create(&path).unwrap();
        close(&key, b"described", &mut &content[..], &mut file).unwrap();
        (folder, key, fs::read(path).unwrap())
    }

    fn opened(key: &Key, mut bytes: &[u8]) -> std::io::Result<(Vec<u8>, Vec<u8>)> {
        let (mut description, mut content) = (Vec::new(), Vec::new());
        let mut describe = |bytes: &[u8]| {
            description = bytes.to_vec();
            Ok(())
        };
        let mut give = |piece: &[u8]| {
            content.extend_from_slice(piece);
            Ok(())
        };
        unseal(key, &mut bytes, &mut describe, &mut give)?;
        Ok((description, content))
    }

    #[test]
    fn what_goes_under_seal_comes_back() {
        for length in [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES] {
            let content: Vec<u8> = (0..=250).cycle().take(length).collect();
            let (folder, key, bytes) = sealed(&content);
            let (description, back) = opened(&key, &bytes).unwrap();
            assert!(description == b"described" && back == content, "{length}");
            let again = Key::at(&folder.path().join("key")).unwrap();
            assert_eq!(again.0, key.0, "drawn once");
        }
    }

    #[test]
    fn nothing_of_it_is_readable_or_can_be_changed() {
        let content = b"X5O!P%@AP, a text that every scanner knows".repeat(4_000);
        let (_folder, key, bytes) = sealed(&content);
        assert!(!bytes.windows(8).any(|window| content.starts_with(window)));
        for at in [0, 5, 40, 60, 100, bytes.len() - 1] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(opened(&key, &changed).is_err(), "byte {at}");
        }
        for length in [0, 3, 36, 60, PIECE_BYTES + 85, bytes.len() - 1] {
            assert!(opened(&key, &bytes[..length]).is_err(), "cut to {length}");
        }
        let other = Key(random().unwrap());
        assert!(opened(&other, &bytes).is_err());
    }
}
