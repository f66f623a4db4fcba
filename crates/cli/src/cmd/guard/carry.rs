//! The helper that carries alerts to one sink: `lazaret guard carry`, started by the guard alone.
//!
//! What speaks with servers, and reads what they answer, has no capabilities and none of the host's
//! files. All that it needs is opened first; then its cage is closed, and only then it has threads.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use confine::{Birth, Nursery};
use courier::{Helper, Link, Outbox, Place, Remote, Served, Spool, Start};

use super::sink::{self, Prepared, SinkArguments};
use super::{END, cage};
use crate::environment;
use crate::error::UserError;
use crate::exit_code::ExitCode;

/// The verb, which is in no help.
pub(super) const VERB: &str = "carry";

/// What it was started with changed, and another is to take its place.
const STALE: ExitCode = ExitCode::Interrupted;

/// The helper of a guard that just ended has the spool so long.
const SPOOL_TIME: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(50);

/// The guard's end: letters for this sink go through a helper of its own.
pub(super) fn remote(
    nursery: &Nursery,
    place: &Place,
    arguments: Vec<OsString>,
    shows_token: bool,
    is_kept: bool,
) -> Result<Remote, UserError> {
    let nursery = nursery.clone();
    let variables = environment::of_senders(shows_token);
    let start: Start = Box::new(move || {
        let (ours, theirs) = Link::pair()?;
        let words = [OsString::from("guard"), OsString::from(VERB)];
        let birth = Birth {
            arguments: words.into_iter().chain(arguments.clone()).collect(),
            variables: variables.clone(),
            line: OwnedFd::from(theirs),
        };
        Ok(Helper { line: ours, child: nursery.bear(birth)? })
    });
    Remote::start(start, STALE as i32, is_kept).map_err(|error| {
        let message = error.to_string();
        let name = place.name();
        let message = match message.contains(&name) || message.starts_with("cannot") {
            true => message,
            false => format!("what carries alerts to {name} does not start: {message}"),
        };
        UserError::new(ExitCode::Output, message)
    })
}

/// The helper.
pub(super) fn run(arguments: &SinkArguments) -> Result<ExitCode, UserError> {
    let failed = |error: io::Error| UserError::from_chain(ExitCode::Failed, &error);
    confine::close_others().map_err(failed)?;
    let line = io::stdin().as_fd().try_clone_to_owned().map_err(failed)?;
    let line = Link::from(line);
    // As any other process, whatever the guard is.
    let _unchanged = std::fs::write("/proc/self/oom_score_adj", "0");
    let looked = cage::resolver();
    let outbox = match open(arguments) {
        Ok(outbox) => outbox,
        Err(error) => {
            courier::refuse(&line, error.message()).map_err(failed)?;
            return Ok(error.code());
        }
    };
    let served = courier::serve(&line, outbox, END, &|| cage::resolver() != looked);
    match served {
        Ok(Served::All) => Ok(ExitCode::Done),
        Ok(Served::Stale) => Ok(STALE),
        // The guard was killed: the spool has what it gave, and the next one's helper goes on.
        Err(error) if is_end(&error) => Ok(ExitCode::Done),
        Err(error) => Err(failed(error)),
    }
}

fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
}

fn open(arguments: &SinkArguments) -> Result<Outbox, UserError> {
    let Prepared { place, carry, folder } = sink::prepare(arguments)?;
    let spool = folder.as_deref().map(wait_for_spool).transpose()?;
    let who = format!("what carries alerts to {}", place.name());
    cage::close(&cage::of_carrier(&place, folder.as_deref()), &who)?;
    Outbox::start(carry, spool).map_err(|error| UserError::from_chain(ExitCode::Failed, &error))
}

fn wait_for_spool(folder: &Path) -> Result<Spool, UserError> {
    let begun = Instant::now();
    loop {
        match sink::open_spool(folder) {
            Err(error) if begun.elapsed() > SPOOL_TIME => return Err(error),
            Err(_in_use) => thread::sleep(LOOK),
            Ok(spool) => return Ok(spool),
        }
    }
}
