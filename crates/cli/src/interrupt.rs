//! Ctrl-C and `--timeout`: the first asks all work to end, the second Ctrl-C ends at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use artifact::Stop;

use crate::error::UserError;
use crate::exit_code::ExitCode;

/// A stop that SIGINT, SIGTERM and SIGHUP set, and that comes by itself after `timeout`.
pub(crate) fn stop_on_signals(timeout: Option<Duration>) -> Result<Stop, UserError> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let stop = deadline.map(Stop::at).unwrap_or_default();
    let asked = AtomicBool::new(false);
    let signal = stop.clone();
    ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::Relaxed) {
            #[expect(
                clippy::exit,
                reason = "the user asked twice; nothing half-written is under a final name"
            )]
            std::process::exit(i32::from(ExitCode::Interrupted as u8));
        }
        signal.stop();
    })
    .map_err(|error| UserError::from_chain(ExitCode::Failed, &error))?;
    Ok(stop)
}

/// How a run ends that was told to stop.
pub(crate) fn stopped(stop: &Stop) -> ExitCode {
    match stop.deadline() {
        Some(deadline) if Instant::now() >= deadline => ExitCode::TimeLimit,
        _ => ExitCode::Interrupted,
    }
}
