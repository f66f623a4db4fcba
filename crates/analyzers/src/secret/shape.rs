//! Tests of secrets that carry a checksum or a structure of their own, by name.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;

/// The tests, as `shape` in `content/secrets` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The last six characters are the CRC-32 of those after the last `_` and before them, in
    /// base 62 (GitHub, npm).
    Crc32Base62,
    /// Three parts, of which the first is a JSON object with `alg` (RFC 7519).
    Jwt,
    /// Base64 of `name:password` (RFC 7617).
    Basic,
}

impl Shape {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "crc32-base62" => Some(Self::Crc32Base62),
            "jwt" => Some(Self::Jwt),
            "basic" => Some(Self::Basic),
            _ => None,
        }
    }

    pub(super) fn fits(self, secret: &[u8]) -> bool {
        let Ok(text) = str::from_utf8(secret) else { return false };
        match self {
            Self::Crc32Base62 => has_checksum(text).unwrap_or(false),
            Self::Jwt => is_jwt(text).unwrap_or(false),
            Self::Basic => is_basic(text).unwrap_or(false),
        }
    }
}

fn has_checksum(text: &str) -> Option<bool> {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let body = text.rsplit_once('_').map_or(text, |(_, body)| body);
    let (random, checksum) = body.split_at_checked(body.len().checked_sub(6)?)?;
    let mut rest = crc32fast::hash(random.as_bytes());
    let mut expected = [b'0'; 6];
    for digit in expected.iter_mut().rev() {
        *digit = *DIGITS.get(usize::try_from(rest % 62).ok()?)?;
        rest /= 62;
    }
    Some(checksum.as_bytes() == expected)
}

fn is_jwt(text: &str) -> Option<bool> {
    let (header, _) = text.split_once('.')?;
    let header = URL_SAFE_NO_PAD.decode(header.trim_end_matches('=')).ok()?;
    let header: Value = serde_json::from_slice(&header).ok()?;
    Some(header.get("alg").is_some_and(Value::is_string))
}

fn is_basic(text: &str) -> Option<bool> {
    let decoded = STANDARD_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (name, password) = decoded.split_once(':')?;
    let is_plain = decoded.chars().all(|c| !c.is_control());
    Some(is_plain && !name.is_empty() && password.len() >= 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shape_tells_right_from_wrong() {
        // The checksum of `a` repeated 30 times, made by another implementation (Python's zlib).
        let cases: &[(&str, &str, bool)] = &[
            ("crc32-base62", "x_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1yLcDB", true),
            ("crc32-base62", "x_aaaaaaaaaaaaaaaaaaaaaaaaaaaaab1yLcDB", false),
            ("crc32-base62", "short", false),
            ("jwt", "eyJhbGciOiJub25lIn0.e30.", true),
            ("jwt", "eyJhbGciOjF9.e30.", false),
            ("jwt", "abc.def.ghi", false),
            ("basic", "dXNlcjpwYXNzd29yZA==", true),
            ("basic", "dXNlcg==", false),
            ("basic", "////", false),
        ];
        for (name, text, fits) in cases {
            let shape = Shape::from_name(name).unwrap();
            assert_eq!(shape.fits(text.as_bytes()), *fits, "{name} {text}");
        }
    }
}
