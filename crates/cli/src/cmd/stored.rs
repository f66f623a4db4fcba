//! Reports of earlier scans (`scan --format json`), read back from files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use document::{Report, json};

use crate::error::UserError;
use crate::exit_code::ExitCode;

/// Larger reports are not read; the reference image's has 6 MB.
const REPORT_BYTES_MAX: u64 = 256 << 20;

/// Reads the report that a file has to be.
pub(crate) fn read(path: &Path) -> Result<Report, UserError> {
    let bytes = content(path).map_err(|error| {
        let message = format!("cannot read `{}`: {error}", path.display());
        UserError::new(ExitCode::TargetNotFound, message)
    })?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > REPORT_BYTES_MAX) {
        let message = format!("`{}` has more than {} MiB", path.display(), REPORT_BYTES_MAX >> 20);
        return Err(UserError::new(ExitCode::Damaged, message));
    }
    parse(path, &bytes)
}

/// The report that a file is, if it is one: most targets are none.
pub(crate) fn recognize(target: &str) -> Result<Option<Report>, UserError> {
    let path = Path::new(target);
    if !path.is_file() {
        return Ok(None);
    }
    let mut head = [0; 1];
    let begins = File::open(path).and_then(|mut file| file.read(&mut head));
    // What cannot be read is for the sources of images to complain about.
    if begins.is_err() || head != *b"{" {
        return Ok(None);
    }
    match content(path) {
        Ok(bytes) if json::is_report(&bytes) => parse(path, &bytes).map(Some),
        _ => Ok(None),
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Report, UserError> {
    json::read(bytes).map_err(|error| {
        UserError::new(ExitCode::Damaged, format!("`{}` is {error}", path.display()))
    })
}

/// No more than what shows that it is too large.
fn content(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(REPORT_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
