//! Packages that lie in an image as archives: wheels (PEP 427), which nothing can be imported
//! from before they are installed, and eggs, which Python imports as they are.
//!
//! Only the one file that names the package is inflated.

use std::borrow::Cow;
use std::io::{Cursor, Read as _};

use model::ProblemKind;
use zip::ZipArchive;
use zip::result::ZipError;

use super::metadata;
use crate::{Analyzer, File, FileFacts, Select};

/// The analyzer `python-archive`.
pub(crate) struct Archive;

/// What the record at the end of an archive takes, with the longest comment behind it.
const END_BYTES_MAX: usize = 22 + 0xffff;

/// The largest inflated metadata. The long description is in there too; the largest published
/// have some hundred KB.
const METADATA_BYTES_MAX: u64 = 16 << 20;

impl Analyzer for Archive {
    fn name(&self) -> &'static str {
        "python-archive"
    }

    fn version(&self) -> u32 {
        2
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Anywhere { directory: "*", name: "*.whl" },
                Select::Anywhere { directory: "*", name: "*.egg" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        // The largest wheels hold a graphics card's libraries: 900 MB.
        1 << 30
    }

    fn reads_in_place(&self) -> bool {
        true
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        if is_vast(file.bytes) {
            return facts.problem(ProblemKind::LimitReached, "more than 65534 files in an archive");
        }
        match inside(file.bytes) {
            Ok(Some((within, text))) => {
                let found = metadata::installed(&String::from_utf8_lossy(&text), facts);
                if let Some(mut installed) = found {
                    installed.package.declared = file.name().ends_with(".whl");
                    installed.within = within;
                    facts.package(installed);
                }
            }
            Ok(None) => facts.problem(ProblemKind::Damaged, "it holds no metadata of a package"),
            Err(error) => {
                let message = format!("cannot be read as a zip archive: {error}");
                facts.problem(ProblemKind::Damaged, message);
            }
        }
    }
}

/// The path and content of the first metadata file in the archive.
fn inside(bytes: &[u8]) -> Result<Option<(String, Vec<u8>)>, ZipError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))?;
    let names = archive.file_names().filter_map(Result::ok).map(Cow::into_owned);
    let Some(name) = names.into_iter().find(|name| is_metadata(name)) else { return Ok(None) };
    let mut text = Vec::new();
    // All that is read of it stands at its beginning.
    archive.by_name(&name)?.take(METADATA_BYTES_MAX).read_to_end(&mut text)?;
    Ok(Some((name, text)))
}

/// Whether an archive says of itself, in the record at its end (APPNOTE 4.3.16), that it has more
/// entries than that record can count: their list would fill memory.
fn is_vast(bytes: &[u8]) -> bool {
    let tail = bytes.len().saturating_sub(END_BYTES_MAX);
    let tail = bytes.get(tail..).unwrap_or_default();
    let ends = tail.windows(12).filter(|window| window.starts_with(b"PK\x05\x06"));
    ends.into_iter().any(|end| end.ends_with(&[0xff, 0xff]))
}

/// `name-1.0.dist-info/METADATA` at the root of a wheel, `EGG-INFO/PKG-INFO` of an egg.
fn is_metadata(name: &str) -> bool {
    match name.split_once('/') {
        Some(("EGG-INFO", file)) => file == "PKG-INFO",
        Some((directory, file)) => directory.ends_with(".dist-info") && file == "METADATA",
        None => false,
    }
}
