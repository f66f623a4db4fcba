//! `lazaret respond`: what is done to a process, a container or a file, by whoever says so.
//!
//! What it does and how stands in the crate `respond`; here it is asked, and told.

mod act;
mod back;
mod list;

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use model::Response;
use respond::{Refusal, Responder};

use crate::cmd::global::Global;
use crate::cmd::guard;
use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::{environment, output};

/// Where the guard's service keeps it as well.
pub(crate) const STATE: &str = "/var/lib/lazaret/respond";

#[derive(Debug, Args)]
pub(crate) struct RespondArguments {
    #[command(subcommand)]
    verb: Verb,
    /// Where the journal and quarantined files are
    #[arg(long, global = true, env = "LAZARET_STATE", value_name = "FOLDER", default_value = STATE)]
    state: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Kill a process with all its descendants, or everything in a container.
    Kill(act::KillArguments),
    /// Freeze a container.
    Pause(act::PauseArguments),
    /// Let a paused container go on.
    Resume(back::ContainerArguments),
    /// Stop a container by its runtime.
    Stop(act::StopArguments),
    /// Cut a container from every network, but those that are kept.
    Isolate(act::IsolateArguments),
    /// Give an isolated container its network again.
    Unisolate(back::ContainerArguments),
    /// Take a file away, encrypted.
    Quarantine(act::QuarantineArguments),
    /// Put a quarantined file back as it was.
    Restore(back::RestoreArguments),
    /// List responses: what, whom, why, who, when, until, and what became of them.
    List(list::ListArguments),
    /// Take a response back.
    Undo(back::IdArguments),
    /// Complete what somebody began who was killed meanwhile.
    Finish(back::IdArguments),
    /// Undo what is past its time limit; for a timer, where no guard runs.
    Expire,
}

pub(crate) fn run(arguments: RespondArguments, global: &Global) -> Result<ExitCode, UserError> {
    let RespondArguments { verb, state } = arguments;
    environment::have_many_descriptors();
    let responder = Responder::open(&state, guard::runtimes()).map_err(|it| refused(&it))?;
    match verb {
        Verb::Kill(arguments) => act::kill(&arguments, &responder, global),
        Verb::Pause(arguments) => act::pause(&arguments, &responder, global),
        Verb::Resume(arguments) => back::container(Response::Pause, &arguments, &responder),
        Verb::Stop(arguments) => act::stop(&arguments, &responder, global),
        Verb::Isolate(arguments) => act::isolate(&arguments, &responder, global),
        Verb::Unisolate(arguments) => back::container(Response::Isolate, &arguments, &responder),
        Verb::Quarantine(arguments) => act::quarantine(&arguments, &responder, global),
        Verb::Restore(arguments) => back::restore(&arguments, &responder),
        Verb::List(arguments) => list::run(&arguments, &responder, global),
        Verb::Undo(arguments) => back::undo(&arguments, &responder),
        Verb::Finish(arguments) => back::finish(&arguments, &responder),
        Verb::Expire => back::expire(&responder, global),
    }
}

/// A refusal as users meet it.
fn refused(refusal: &Refusal) -> UserError {
    let code = match refusal {
        Refusal::NotFound { .. } => ExitCode::TargetNotFound,
        Refusal::Ambiguous { .. }
        | Refusal::Senseless { .. }
        | Refusal::NoLimit { .. }
        | Refusal::NotNow { .. } => ExitCode::Usage,
        Refusal::Protected { .. } | Refusal::Already { .. } => ExitCode::GateReached,
        Refusal::NotOfHost { .. }
        | Refusal::Late { .. }
        | Refusal::Hangs { .. }
        | Refusal::State { .. }
        | Refusal::Journal { .. }
        | Refusal::Failed { .. } => ExitCode::Failed,
    };
    UserError::from_chain(code, refusal).hint(refusal.hint())
}

/// One line about what was done.
fn tell(entry: &respond::Entry, what: &str) -> Result<ExitCode, UserError> {
    let respond::Entry { id, subject, note, .. } = entry;
    output::write(
        None,
        &format!("{}\n", detect::printable(&format!("{id} {what} {subject}: {note}"))),
    )?;
    Ok(ExitCode::Done)
}

/// Who runs this, for the journal, and as whom he logged in.
fn who() -> String {
    let uid = rustix::process::getuid().as_raw();
    let login = std::fs::read_to_string("/proc/self/loginuid").unwrap_or_default();
    // What nobody logged in for has the highest number.
    match login.trim().parse::<u32>() {
        Ok(login) if login != u32::MAX && login != uid => {
            format!("user {uid}, logged in as {login}")
        }
        _ => format!("user {uid}"),
    }
}

/// `[CONTAINER:]PATH`, as `docker cp` has it. A path begins with a slash.
///
/// A name may be no text: whoever brings a file names it.
fn split_file(text: &OsStr) -> Result<(Option<String>, PathBuf), String> {
    let bytes = text.as_bytes();
    let colon = bytes.windows(2).position(|it| it == b":/");
    let colon = colon.filter(|_| !bytes.starts_with(b"/"));
    let (container, path) = match colon.and_then(|at| bytes.split_at_checked(at)) {
        Some((container, path)) => (Some(container), path.strip_prefix(b":").unwrap_or(path)),
        None => (None, bytes),
    };
    let container = container.map(String::from_utf8_lossy).map(Cow::into_owned);
    if !path.starts_with(b"/") || container.as_deref() == Some("") {
        let text = text.to_string_lossy();
        return Err(format!("`{text}` is not a file (want /PATH or CONTAINER:/PATH)"));
    }
    Ok((container, OsStr::from_bytes(path).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_of_containers_or_the_host() {
        for (text, expected) in [
            ("/tmp/a", Some((None, "/tmp/a"))),
            ("/tmp/a:/b", Some((None, "/tmp/a:/b"))),
            ("web:/tmp/a", Some((Some("web"), "/tmp/a"))),
            ("web:/tmp:/a", Some((Some("web"), "/tmp:/a"))),
            ("tmp/a", None),
            ("web:a", None),
            (":/a", None),
            ("", None),
        ] {
            let expected =
                expected.map(|(name, path)| (name.map(str::to_owned), PathBuf::from(path)));
            assert_eq!(split_file(text.as_ref()).ok(), expected, "{text}");
        }
        let name = OsStr::from_bytes(b"web:/tmp/\xff");
        let path = PathBuf::from(OsStr::from_bytes(b"/tmp/\xff"));
        assert_eq!(split_file(name), Ok((Some("web".to_owned()), path)), "no text");
    }
}
