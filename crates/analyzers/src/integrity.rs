//! Digests as package managers write them, in the one spelling that an inventory has:
//! `sha512:<lower-case hexadecimal>`.
//!
//! What is no digest of a known algorithm and its right length is left out: a digest that cannot
//! be compared says nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Algorithms, with the bytes of their digests.
const ALGORITHMS: [(&str, usize); 5] =
    [("md5", 16), ("sha1", 20), ("sha256", 32), ("sha384", 48), ("sha512", 64)];

/// The digests of a "Subresource Integrity" text (W3C): `sha512-<base64>`, several between blanks.
pub(crate) fn subresource(text: &str) -> Vec<String> {
    text.split_ascii_whitespace().filter_map(subresource_digest).collect()
}

fn subresource_digest(text: &str) -> Option<String> {
    let (algorithm, encoded) = text.split_once('-')?;
    // Options may follow a question mark.
    let encoded = encoded.split('?').next()?;
    // The longest digest has 88 characters; nobody decodes a megabyte to find it too long.
    let bytes = STANDARD.decode(encoded.get(..encoded.len().min(96))?).ok()?;
    let digest: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    hexadecimal(algorithm, &digest)
}

/// A digest in hexadecimal, of either case.
pub(crate) fn hexadecimal(algorithm: &str, digest: &str) -> Option<String> {
    let (_, length) = ALGORITHMS.iter().find(|(name, _)| *name == algorithm)?;
    let fits = digest.len() == length.saturating_mul(2);
    let is_digest = fits && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digest.then(|| format!("{algorithm}:{}", digest.to_ascii_lowercase()))
}

/// A digest written `sha256:<hexadecimal>`.
pub(crate) fn labelled(text: &str) -> Option<String> {
    let (algorithm, digest) = text.trim().split_once(':')?;
    hexadecimal(algorithm, digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_one_spelling() {
        let empty = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
        let expected = format!("sha1:{empty}");
        assert_eq!(subresource("sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="), [expected.as_str()]);
        assert_eq!(subresource("sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=?x sha9-AAAA sha1-AAAA").len(), 1);
        assert_eq!(hexadecimal("sha1", &empty.to_uppercase()), Some(expected.clone()));
        assert_eq!(labelled(&expected), Some(expected));
        for wrong in ["", "sha1", "sha1:", "sha1:zz", "sha256:da39", "crc:00000000"] {
            assert_eq!(labelled(wrong), None, "{wrong}");
        }
    }
}
