//! From a target to what is inside: an image is looked into, a bill of materials is read.
//!
//! `sbom:` says that a file is a bill; without a prefix its content does.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use document::{Sbom, SbomError};
use model::ArtifactKind;
use scan::Inspection;

use crate::cmd::ending::scan_error;
use crate::error::UserError;
use crate::exit_code::ExitCode;

/// How much of a file tells whether it may be a bill: a tar's magic stands at 257.
const HEAD_BYTES: u64 = 512;

/// Takes stock of a target. A bill that was made from sources is one of sources.
pub(crate) fn inspect(target: &str, options: &scan::Options) -> Result<Inspection, UserError> {
    let bill = match target.split_once(':') {
        Some(("sbom", path)) => Some(read(path)?),
        _ => recognize(target)?,
    };
    let Some(Sbom { artifact, inventory, of_sources }) = bill else {
        return scan::inspect(target, options)
            .map_err(|error| scan_error(error, target, &options.artifact.stop));
    };
    Ok(scan::inspected(artifact, inventory, of_sources, options))
}

/// The bill that a file without a prefix is, if it is one.
fn recognize(target: &str) -> Result<Option<Sbom>, UserError> {
    let prefix = target.split_once(':').map(|(prefix, _)| prefix);
    let has_prefix = ArtifactKind::ALL.iter().any(|kind| prefix == Some(kind.name()));
    if has_prefix || !Path::new(target).is_file() {
        return Ok(None);
    }
    let mut head = Vec::new();
    // What cannot be read is for the sources of images to complain about.
    let file = File::open(target).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head));
    if file.is_err() || !Sbom::may_begin(&head) {
        return Ok(None);
    }
    match Sbom::read(target, &content(target)?) {
        Ok(bill) => Ok(Some(bill)),
        Err(SbomError::Unknown) => Ok(None),
        Err(error) => Err(no_bill(target, &error)),
    }
}

/// The bill in a file; `-` is stdin.
fn read(path: &str) -> Result<Sbom, UserError> {
    Sbom::read(path, &content(path)?).map_err(|error| no_bill(path, &error))
}

/// No more than what shows that it is too large.
fn content(path: &str) -> Result<Vec<u8>, UserError> {
    let limit = Sbom::BYTES_MAX + 1;
    let mut bytes = Vec::new();
    let outcome = match path {
        "-" => std::io::stdin().lock().take(limit).read_to_end(&mut bytes),
        path => File::open(path).and_then(|file| {
            // Growing by doubling would take twice the memory.
            let size = file.metadata()?.len().min(limit);
            bytes.reserve_exact(usize::try_from(size).unwrap_or_default());
            file.take(limit).read_to_end(&mut bytes)
        }),
    };
    outcome.map_err(|error| {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => ExitCode::TargetNotFound,
            _ => ExitCode::Failed,
        };
        UserError::new(code, format!("cannot read `{path}`: {error}"))
    })?;
    Ok(bytes)
}

fn no_bill(path: &str, error: &SbomError) -> UserError {
    let code = match error {
        SbomError::Unknown => ExitCode::NotAnImage,
        SbomError::Version(_) => ExitCode::Unsupported,
        SbomError::TooLarge | SbomError::Damaged(_) => ExitCode::Damaged,
    };
    UserError::new(code, format!("cannot read `{path}` as a bill of materials: {error}"))
}
