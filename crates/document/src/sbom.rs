//! Bills of materials that others wrote, or this program did, read back: what is inside an artifact
//! without the artifact.
//!
//! A bill is recognised by its content; its format reads it into a `Bill`, and that becomes an
//! inventory. A bill is a stranger's word: what cannot be matched is counted and said, what is cut
//! off is kept as far as it goes, and nothing in it makes reading fail but bytes that are no bill.

mod json;
mod reading;
mod version;

use model::{Artifact, Inventory};

pub(crate) use reading::Reading;
pub(crate) use version::Form;

use crate::{cyclonedx, spdx};

/// What a bill says.
#[derive(Clone, Debug)]
pub struct Sbom {
    pub artifact: Artifact,
    /// With what was wrong with the bill.
    pub inventory: Inventory,
    /// It was made from a directory of sources: there, lock files say what is used.
    pub of_sources: bool,
}

/// Why there is no bill.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SbomError {
    #[error("it is larger than the {} MiB that are read", Sbom::BYTES_MAX >> 20)]
    TooLarge,
    #[error("it is no bill of materials in CycloneDX, SPDX or Syft's format")]
    Unknown,
    #[error("it does not parse: {0}")]
    Damaged(String),
    #[error("it is of a version that is not read: {0}")]
    Version(String),
}

impl Sbom {
    /// The largest bill that is read. One component takes some 1000 bytes, so that 100 000 fit.
    pub const BYTES_MAX: u64 = 96 << 20;

    /// Whether a file that begins so may be a bill: JSON, XML, or a list of tags. A tar does not
    /// begin so unless it is made to, and then its magic tells.
    pub fn may_begin(head: &[u8]) -> bool {
        let is_tar = head.get(257..262) == Some(b"ustar");
        let text = without_mark(head).trim_ascii_start();
        let begins = [&b"{"[..], b"<?xml", b"<bom", b"<!--", b"SPDXVersion:", b"# "];
        !is_tar && begins.iter().any(|begin| text.starts_with(begin))
    }

    /// Reads a bill; `name` is what the user calls it.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, SbomError> {
        if u64::try_from(bytes.len()).is_ok_and(|length| length > Self::BYTES_MAX) {
            return Err(SbomError::TooLarge);
        }
        let bytes = without_mark(bytes);
        let mut reading = Reading::new(name);
        let outcome = match bytes.trim_ascii_start().first() {
            Some(b'{') => json::read(bytes, &mut reading),
            Some(b'<') => cyclonedx::read_xml::read(text(bytes)?, &mut reading),
            _ => spdx::read_tag_value::read(text(bytes)?, &mut reading),
        };
        let Some(form) = reading.form() else {
            return Err(match outcome {
                Err(why) if reading.has_begun() => SbomError::Damaged(why),
                _ => SbomError::Unknown,
            });
        };
        if let Some(said) = form.told(reading.version())? {
            reading.notice(said);
        }
        Ok(reading.finish(outcome.err()).into_sbom(name))
    }
}

/// Windows' editors begin a file with a byte order mark.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

fn text(bytes: &[u8]) -> Result<&str, SbomError> {
    std::str::from_utf8(bytes).map_err(|error| SbomError::Damaged(error.to_string()))
}
