//! Package URLs (package-url/purl-spec): the name of a package that other tools understand.
//!
//! [`purl()`] spells one of our packages; a [`Purl`] is one that somebody else wrote, taken apart.
//! What is taken apart is decoded, and may hold anything.

mod of_package;
mod spelling;
mod variant;

use std::fmt;
use std::str::FromStr;

pub use of_package::purl;
pub use spelling::spelled;

/// Longer ones are nobody's: the longest in real bills, of Maven with its qualifiers, have 300.
const BYTES_MAX: usize = 4096;

/// A package URL, its parts decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Purl {
    /// In lower case: `deb`, `npm`, `oci`.
    pub kind: String,
    /// Its parts joined by slashes; empty if there is none.
    pub namespace: String,
    pub name: String,
    /// Empty if none is given.
    pub version: String,
    /// Keys in lower case, in their order.
    pub qualifiers: Vec<(String, String)>,
    pub subpath: String,
}

/// Why a text is not a package URL.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PurlError {
    #[error("`{0}` does not begin with `pkg:`")]
    Scheme(String),
    #[error("`{0}` has no type or no name")]
    Empty(String),
    #[error("a package URL is longer than {BYTES_MAX} bytes")]
    TooLong,
}

impl Purl {
    /// A text without its percent-escapes; what is escaped wrongly stands for itself.
    pub fn unescape(text: &str) -> String {
        decode(text)
    }

    /// The value of a qualifier; empty if it is not given.
    pub fn qualifier(&self, key: &str) -> &str {
        self.qualifiers.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value)
    }
}

impl FromStr for Purl {
    type Err = PurlError;

    fn from_str(text: &str) -> Result<Self, PurlError> {
        if text.len() > BYTES_MAX {
            return Err(PurlError::TooLong);
        }
        let rest = text.strip_prefix("pkg:").ok_or_else(|| PurlError::Scheme(shown(text)))?;
        let (rest, subpath) = rest.rsplit_once('#').unwrap_or((rest, ""));
        let (rest, qualifiers) = rest.rsplit_once('?').unwrap_or((rest, ""));
        let empty = || PurlError::Empty(shown(text));
        let (kind, rest) = rest.trim_start_matches('/').split_once('/').ok_or_else(empty)?;
        let (path, version) = split_version(rest.trim_matches('/'));
        let (namespace, name) = path.rsplit_once('/').unwrap_or(("", path));
        if kind.is_empty() || name.is_empty() {
            return Err(empty());
        }
        let qualifier = |pair: &str| {
            let (key, value) = pair.split_once('=')?;
            Some((key.to_ascii_lowercase(), decode(value)))
        };
        Ok(Self {
            kind: kind.to_ascii_lowercase(),
            namespace: decode(namespace),
            name: decode(name),
            version: decode(version),
            qualifiers: qualifiers.split('&').filter_map(qualifier).collect(),
            subpath: decode(subpath.trim_matches('/')),
        })
    }
}

/// An `@` that begins a part of the name, as many write npm's scopes, does not end it.
fn split_version(text: &str) -> (&str, &str) {
    let ends_name = |(name, _): &(&str, &str)| !name.is_empty() && !name.ends_with('/');
    text.rsplit_once('@').filter(ends_name).unwrap_or((text, ""))
}

impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("pkg:{}", self.kind);
        let encode_all = |separator: char, value: &str, text: &mut String| {
            for part in value.split('/').filter(|part| !part.is_empty()) {
                text.push(separator);
                of_package::encode_into(part, text);
            }
        };
        encode_all('/', &self.namespace, &mut text);
        text.push('/');
        of_package::encode_into(&self.name, &mut text);
        if !self.version.is_empty() {
            text.push('@');
            of_package::encode_into(&self.version, &mut text);
        }
        for (position, (key, value)) in self.qualifiers.iter().enumerate() {
            text.push(if position == 0 { '?' } else { '&' });
            text.push_str(key);
            text.push('=');
            of_package::encode_value_into(value, &mut text);
        }
        if !self.subpath.is_empty() {
            text.push('#');
            text.push_str(&self.subpath);
        }
        f.write_str(&text)
    }
}

/// What is escaped wrongly stands for itself.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = after.split_first_chunk::<2>().filter(|_| byte == b'%');
        match escaped.and_then(|(digits, after)| Some((from_hex(*digits)?, after))) {
            Some((byte, after)) => {
                bytes.push(byte);
                rest = after;
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn from_hex(digits: [u8; 2]) -> Option<u8> {
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
    u8::try_from(high? * 16 + low?).ok()
}

fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart() {
        let purl = |text: &str| text.parse::<Purl>().unwrap();
        let deb = purl("pkg:deb/debian/cpp@4:12.2.0-14%2Bb1?arch=amd64&Upstream=gcc%401.2");
        assert_eq!(
            (&*deb.kind, &*deb.namespace, &*deb.name, &*deb.version),
            ("deb", "debian", "cpp", "4:12.2.0-14+b1")
        );
        assert_eq!((deb.qualifier("arch"), deb.qualifier("upstream")), ("amd64", "gcc@1.2"));
        for (text, name, version) in [
            ("pkg:npm/%40scope/a@1", "@scope a", "1"),
            ("pkg:npm/@scope/a", "@scope a", ""),
            ("pkg:golang/github.com/a/b@v1#sub/dir", "github.com/a b", "v1"),
            ("pkg:PyPI/x%zz@1%2", " x%zz", "1%2"),
            ("pkg:oci/shop@sha256%3Aab?tag=1", " shop", "sha256:ab"),
        ] {
            let purl = purl(text);
            assert_eq!(format!("{} {}", purl.namespace, purl.name), name, "{text}");
            assert_eq!(purl.version, version, "{text}");
        }
        assert_eq!(deb.to_string(), deb.to_string().parse::<Purl>().unwrap().to_string());
    }

    #[test]
    fn what_is_none_is_refused() {
        for text in ["", "pkg:", "pkg:npm", "pkg:npm/", "pkg:/a", "cpe:2.3:a"] {
            let parsed = text.parse::<Purl>();
            assert!(parsed.is_err(), "{text}: {parsed:?}");
        }
        let long = format!("pkg:npm/{}", "a".repeat(BYTES_MAX));
        assert_eq!(long.parse::<Purl>(), Err(PurlError::TooLong));
    }
}
