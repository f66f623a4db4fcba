//! The analyzer `secrets`: looks into every file that is text.

use std::borrow::Cow;

use md5::{Digest as _, Md5};
use model::{Location, ProblemKind, Secret, SecretPlace};

use super::{FINDER, manifest};
use crate::file::Check;
use crate::{Analyzer, File, FileFacts, Select};

/// The analyzer `secrets`.
pub(crate) struct Secrets;

/// Text in UTF-16 is copied to be searched; settings and registry exports reach some MiB.
const UTF16_BYTES_MAX: usize = 64 << 20;

struct TooLong;

/// How to read the units of a text in UTF-16, if its beginning has the mark that says so, as tools
/// of Windows write it.
fn units(bytes: &[u8]) -> Option<fn([u8; 2]) -> u16> {
    match bytes {
        [0xff, 0xfe, ..] => Some(u16::from_le_bytes),
        [0xfe, 0xff, ..] => Some(u16::from_be_bytes),
        _ => None,
    }
}

/// The content of a text as bytes that have ASCII in them.
fn text(bytes: &[u8]) -> Result<Cow<'_, [u8]>, TooLong> {
    let Some(of_units) = units(bytes) else { return Ok(Cow::Borrowed(bytes)) };
    if bytes.len() > UTF16_BYTES_MAX {
        return Err(TooLong);
    }
    let (units, _) = bytes.as_chunks();
    let units = units.iter().skip(1).map(|unit| of_units(*unit));
    let text: String =
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    Ok(Cow::Owned(text.into_bytes()))
}

impl Analyzer for Secrets {
    fn name(&self) -> &'static str {
        "secrets"
    }

    fn version(&self) -> u32 {
        5
    }

    fn content(&self) -> Option<blake3::Hash> {
        Some(super::content::digest())
    }

    fn check(&self) -> Option<Check> {
        Some(Check::Secrets)
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Any] }
    }

    fn wants(&self) -> Option<fn(&[u8]) -> bool> {
        // No text holds a NUL, but for one in UTF-16.
        Some(|head| units(head).is_some() || memchr::memchr(0, head).is_none())
    }

    fn max_bytes(&self) -> u64 {
        // What readers hand over at most; dumps of databases are that large.
        1 << 30
    }

    fn reads_in_place(&self) -> bool {
        true
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let text = match text(file.bytes) {
            Ok(text) => text,
            Err(TooLong) => {
                let message = format!("text in UTF-16 of more than {UTF16_BYTES_MAX} bytes");
                return facts.problem(ProblemKind::LimitReached, message);
            }
        };
        let (mut hits, missing) = FINDER.find_until(file.path, &text, file.until);
        let missing = manifest::add(&text, &mut hits).or(missing);
        for hit in hits {
            facts.secret(Secret {
                kind: hit.kind.to_owned(),
                title: hit.title.to_owned(),
                severity: hit.severity,
                place: SecretPlace::File,
                location: Location { path: String::new(), layer: None },
                line: hit.line,
                excerpt: hit.excerpt,
                removed: false,
                owner: None,
            });
        }
        if !facts.secrets.is_empty() {
            facts.digest = Some(*blake3::hash(file.bytes).as_bytes());
            facts.md5.get_or_insert_with(|| {
                let digest = Md5::digest(file.bytes);
                u64::from_be_bytes(digest.first_chunk().copied().unwrap_or_default())
            });
        }
        if let Some(missing) = missing {
            facts.problem(ProblemKind::LimitReached, missing.message());
        }
    }
}
