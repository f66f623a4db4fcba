//! `--checks-from`: users' own checks of settings, read and compiled before anything is scanned.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use analyzers::config::CheckSet;

use crate::error::UserError;
use crate::exit_code::ExitCode;

/// The largest file that is read; the set of checks refuses what is much smaller.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Our checks and those of these files and folders; None if no path is given.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Option<CheckSet>, UserError> {
    if paths.is_empty() {
        return Ok(None);
    }
    let mut set = CheckSet::default();
    for path in paths {
        let files = if path.is_dir() { files_in(path)? } else { vec![path.clone()] };
        for file in files {
            let text = text_of(&file)?;
            let added = set.add(&file.display().to_string(), &text);
            added.map_err(|error| UserError::new(ExitCode::Usage, format!("check {error}")))?;
        }
    }
    Ok(Some(set))
}

/// The checks of a folder and those below it, by name.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>, UserError> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        if path.is_dir() && !path.is_symlink() {
            files.extend(files_in(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort_unstable();
    if files.is_empty() {
        let message = format!("there is no check (*.toml) in `{}`", folder.display());
        return Err(UserError::new(ExitCode::Usage, message));
    }
    Ok(files)
}

fn text_of(file: &Path) -> Result<String, UserError> {
    let mut text = String::new();
    let read = std::fs::File::open(file)
        .and_then(|opened| opened.take(FILE_BYTES_MAX).read_to_string(&mut text));
    read.map(|_| text).map_err(|error| unreadable(file, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> UserError {
    let message = format!("checks cannot be read from `{}`: {error}", path.display());
    UserError::new(ExitCode::of_file(error), message)
}
