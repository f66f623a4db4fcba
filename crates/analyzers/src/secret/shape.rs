//! Tests of secrets that carry a checksum or a structure of their own, by name.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;

use super::guess;

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
    /// The last eight digits are the CRC-32 of what stands before `_`, least byte first.
    Grafana,
    /// Routable tokens end with the CRC-32 of all before it in base 36; older ones say nothing.
    Gitlab,
    /// The last six characters are a BCH code over all others (BIP 173).
    Bech32,
    /// The part before the first dot is Base64 of a number, the bot's.
    Discord,
    /// Letters and digits of which no half is words.
    Random,
    /// The same, and no code, name, path or reference either.
    Guessed,
}

impl Shape {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "crc32-base62" => Self::Crc32Base62,
            "jwt" => Self::Jwt,
            "basic" => Self::Basic,
            "grafana" => Self::Grafana,
            "gitlab" => Self::Gitlab,
            "bech32" => Self::Bech32,
            "discord" => Self::Discord,
            "random" => Self::Random,
            "guessed" => Self::Guessed,
            _ => return None,
        })
    }

    pub(super) fn fits(self, secret: &[u8]) -> bool {
        let Ok(text) = str::from_utf8(secret) else { return false };
        match self {
            Self::Crc32Base62 => has_checksum(text).unwrap_or(false),
            Self::Jwt => is_jwt(text).unwrap_or(false),
            Self::Basic => is_basic(text).unwrap_or(false),
            Self::Grafana => is_grafana(text).unwrap_or(false),
            Self::Gitlab => is_gitlab(text).unwrap_or(false),
            Self::Bech32 => is_bech32(text).unwrap_or(false),
            Self::Discord => is_discord(text).unwrap_or(false),
            Self::Random => guess::is_random(secret),
            Self::Guessed => guess::is_secret(secret),
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

fn is_grafana(text: &str) -> Option<bool> {
    let (body, checksum) = text.rsplit_once('_')?;
    let expected = crc32fast::hash(body.as_bytes()).swap_bytes();
    Some(u32::from_str_radix(checksum, 16).ok()? == expected)
}

fn is_gitlab(text: &str) -> Option<bool> {
    if !text.contains('.') {
        return Some(true);
    }
    let (body, checksum) = text.split_at_checked(text.len().checked_sub(7)?)?;
    let expected = crc32fast::hash(body.as_bytes());
    Some(u64::from_str_radix(checksum, 36).ok()? == u64::from(expected))
}

fn is_bech32(text: &str) -> Option<bool> {
    const DIGITS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let text = text.to_ascii_lowercase();
    let (prefix, data) = text.rsplit_once('1')?;
    let high = prefix.bytes().map(|byte| u32::from(byte >> 5));
    let low = prefix.bytes().map(|byte| u32::from(byte & 31));
    let digit = |byte: u8| DIGITS.iter().zip(0_u32..).find(|(known, _)| **known == byte);
    let data: Option<Vec<u32>> = data.bytes().map(|byte| Some(digit(byte)?.1)).collect();
    let code = high.chain([0]).chain(low).chain(data?).fold(1_u32, |code, value| {
        let top = code >> 25;
        let shifted = ((code & 0x01ff_ffff) << 5) ^ value;
        let bits = GENERATOR.iter().zip(0_u32..).filter(|(_, bit)| (top >> bit) & 1 == 1);
        bits.fold(shifted, |code, (generator, _)| code ^ generator)
    });
    Some(code == 1)
}

fn is_discord(text: &str) -> Option<bool> {
    let (number, _) = text.split_once('.')?;
    let number = STANDARD_NO_PAD.decode(number.trim_end_matches('=')).ok()?;
    Some(number.len() >= 17 && number.iter().all(u8::is_ascii_digit))
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
            ("discord", "MTIzNDU2Nzg5MDEyMzQ1Njc4.x.y", true),
            ("discord", "bm90LWEtbnVtYmVyLWF0LWFsbA.x.y", false),
            ("random", "aK7pQ2xV9mZ4tW8r", true),
            ("random", "getModelConfiguration", false),
            ("random", "correct-horse-battery-1", false),
            // From BIP 173.
            ("bech32", "A12UEL5L", true),
            ("bech32", "A12UEL5M", false),
            ("bech32", "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w", true),
            ("gitlab", "glpat-abc", true),
            // From the design document of routable tokens; the rest by Python's zlib.
            ("gitlab", "bzoxd_Rb5_cHeWe1JH56wr2FCBA.0r1pum4t4", true),
            ("gitlab", "bzoxd_Rb5_cHeWe1JH56wr2FCBA.0r1pum4t5", false),
            ("grafana", "x_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa_909f9671", true),
            ("grafana", "x_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab_909f9671", false),
        ];
        for (name, text, fits) in cases {
            let shape = Shape::from_name(name).unwrap();
            assert_eq!(shape.fits(text.as_bytes()), *fits, "{name} {text}");
        }
    }
}
