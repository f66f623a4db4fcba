//! Where documents go: a file, whole or not at all, or stdout.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;

use detect::printable;
use model::Problem;

use crate::error::UserError;
use crate::exit_code::ExitCode;

const BUFFER_BYTES: usize = 64 << 10;

/// Whoever writes a document, a part at a time.
pub(crate) type Writer<'a> = &'a mut dyn FnMut(&mut dyn Write) -> std::io::Result<()>;

/// Writes a text to `path`, or to stdout without one.
pub(crate) fn write(path: Option<&Path>, text: &str) -> Result<(), UserError> {
    write_by(path, &mut |out| out.write_all(text.as_bytes()))
}

/// The same of a document that nobody holds as a whole.
pub(crate) fn write_by(path: Option<&Path>, writer: Writer<'_>) -> Result<(), UserError> {
    match path {
        Some(path) => write_file(path, writer),
        None => write_stdout(writer),
    }
}

/// A file is replaced by rename, so that a reader never sees half of it; what is not a regular
/// file (`/dev/stdout`, a FIFO) is written to directly.
fn write_file(path: &Path, writer: Writer<'_>) -> Result<(), UserError> {
    let failed = |error| cannot_write(path, &error);
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        let file = File::options().write(true).truncate(true).open(path).map_err(failed)?;
        return buffered(file, writer).map_err(failed);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    // A temporary file is private by default; a report is for whoever the umask lets read it.
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    let mut file = tempfile::Builder::new()
        .permissions(readable)
        .tempfile_in(folder.unwrap_or_else(|| Path::new(".")))
        .map_err(failed)?;
    buffered(&mut file, writer).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// The name of the temporary file, which the outer errors speak of, is none of the user's business.
fn cannot_write(path: &Path, error: &std::io::Error) -> UserError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    UserError::new(ExitCode::Output, format!("cannot write `{}`: {cause}", path.display()))
}

/// Fails early where [`write()`] is going to fail: a scan of minutes must not end with a report that
/// has no place to go.
pub(crate) fn check(path: Option<&Path>) -> Result<(), UserError> {
    let folder = path.and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
    let (Some(path), Some(folder)) = (path, folder) else { return Ok(()) };
    folder.metadata().map(drop).map_err(|error| cannot_write(path, &error))
}

fn buffered(file: impl Write, writer: Writer<'_>) -> std::io::Result<()> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
    writer(&mut out)?;
    out.flush()
}

/// A reader that closed the pipe has what it wanted.
fn write_stdout(writer: Writer<'_>) -> Result<(), UserError> {
    match buffered(std::io::stdout().lock(), writer) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let message = format!("cannot write to stdout: {error}");
            Err(UserError::new(ExitCode::Output, message))
        }
        _ => Ok(()),
    }
}

/// Says on stderr what the report's reader might not see: problems that make it incomplete.
pub(crate) fn print_problems(problems: &[Problem]) {
    /// A hostile image can make a million; the JSON report has them all.
    const SHOWN: usize = 20;
    let grave: Vec<&Problem> = problems.iter().filter(|p| p.kind.makes_incomplete()).collect();
    for problem in grave.iter().take(SHOWN) {
        note(&format!("{}: {problem}", problem.kind.name().replace('_', " ")));
    }
    if grave.len() > SHOWN {
        note(&format!("and {} more problems", grave.len() - SHOWN));
    }
}

/// Says every problem of an operation that has no report.
pub(crate) fn print_all_problems(problems: &[Problem]) {
    for problem in problems {
        note(&format!("{}: {problem}", problem.kind.name().replace('_', " ")));
    }
}

/// One line on stderr, safe for a terminal.
pub(crate) fn note(text: &str) {
    // Nobody is left to be told when stderr is closed.
    drop(writeln!(std::io::stderr(), "{}", printable(text)));
}
