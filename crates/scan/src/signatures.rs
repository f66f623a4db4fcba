//! Reads what the user brings to look for malware with, before any scan begins.
//!
//! Folders are read to their depth, in the order of names; of the files in them those count whose
//! name tells what they are. A file that is named itself is always read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use analyzers::{SignatureFile, SignatureKind, Signatures};
use model::Problem;

/// The largest file of signatures; all of ClamAV's together are some 400 MB.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Folders in folders.
const DEPTH_MAX: usize = 16;

/// Where the user's signatures are.
#[derive(Clone, Debug, Default)]
pub struct SignaturePaths {
    pub yara: Vec<PathBuf>,
    pub block: Vec<PathBuf>,
    pub allow: Vec<PathBuf>,
    pub clam: Vec<PathBuf>,
}

/// Why they cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    #[error("cannot read `{path}`: {error}")]
    Read { path: PathBuf, error: io::Error },
    #[error("`{0}` is larger than 1 GiB")]
    TooLarge(PathBuf),
    #[error("`{0}` holds no signatures")]
    Nothing(PathBuf),
    /// Each says file, line, column and reason.
    #[error("{}", .0.join("; "))]
    Mistakes(Vec<String>),
}

/// Reads and compiles them; None if there are none. Beside them comes what of them is not used.
pub fn signatures(
    paths: &SignaturePaths,
) -> Result<Option<(Signatures, Vec<Problem>)>, SignatureError> {
    let kinds = [
        (SignatureKind::Yara, &paths.yara),
        (SignatureKind::Block, &paths.block),
        (SignatureKind::Allow, &paths.allow),
        (SignatureKind::Clam, &paths.clam),
    ];
    let mut files = Vec::new();
    for (kind, paths) in kinds {
        for path in paths {
            let before = files.len();
            gather(kind, path, 0, &mut files)?;
            if files.len() == before {
                return Err(SignatureError::Nothing(path.clone()));
            }
        }
    }
    if files.is_empty() {
        return Ok(None);
    }
    Signatures::of(&files).map(Some).map_err(SignatureError::Mistakes)
}

fn gather(
    kind: SignatureKind,
    path: &Path,
    depth: usize,
    files: &mut Vec<SignatureFile>,
) -> Result<(), SignatureError> {
    let failed = |error| SignatureError::Read { path: path.to_owned(), error };
    let metadata = fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        let entries: io::Result<Vec<_>> = fs::read_dir(path).map_err(failed)?.collect();
        let mut entries: Vec<PathBuf> =
            entries.map_err(failed)?.into_iter().map(|entry| entry.path()).collect();
        entries.sort_unstable();
        let wanted = |path: &PathBuf| path.is_dir() || is_one(kind, path);
        return match depth {
            DEPTH_MAX => Ok(()),
            _ => entries
                .iter()
                .filter(|it| wanted(it))
                .try_for_each(|entry| gather(kind, entry, depth + 1, files)),
        };
    }
    if metadata.len() > FILE_BYTES_MAX {
        return Err(SignatureError::TooLarge(path.to_owned()));
    }
    let bytes = fs::read(path).map_err(failed)?;
    files.push(SignatureFile { kind, name: path.display().to_string(), bytes });
    Ok(())
}

/// Whether a file in a folder is meant.
fn is_one(kind: SignatureKind, path: &Path) -> bool {
    let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
    match kind {
        SignatureKind::Yara => matches!(extension, "yar" | "yara" | "rule" | "rules"),
        SignatureKind::Block | SignatureKind::Allow => true,
        SignatureKind::Clam => matches!(
            extension,
            "hdb" | "hsb" | "mdb" | "msb" | "ndb" | "ldb" | "fp" | "sfp" | "cvd" | "cld"
        ),
    }
}
