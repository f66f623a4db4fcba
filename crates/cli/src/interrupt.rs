//! Signals and `--timeout`: Ctrl-C asks all work to end, the second one ends at once; SIGHUP asks who
//! watches to read its files anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use artifact::Stop;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::environment;
use crate::error::UserError;
use crate::exit_code::ExitCode;

/// A stop that SIGINT, SIGTERM and SIGHUP set, and that comes by itself after `timeout`.
pub(crate) fn stop_on_signals(timeout: Option<Duration>) -> Result<Stop, UserError> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let stop = deadline.map(Stop::at).unwrap_or_default();
    listen(stop.clone(), |_| false)?;
    Ok(stop)
}

/// Whether somebody asked for files to be read anew.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reread(Arc<AtomicBool>);

impl Reread {
    /// Since the last call.
    pub(crate) fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// A stop that SIGINT and SIGTERM set, and what SIGHUP asks for. A terminal that goes away says
/// SIGHUP too, and then there is nobody left to watch for.
pub(crate) fn stop_or_reread() -> Result<(Stop, Reread), UserError> {
    let (stop, reread) = (Stop::default(), Reread::default());
    let had_terminal = environment::has_terminal();
    let asked = reread.clone();
    listen(stop.clone(), move |signal| {
        let is_asked = signal == SIGHUP && (!had_terminal || environment::has_terminal());
        if is_asked {
            asked.0.store(true, Ordering::Relaxed);
        }
        is_asked
    })?;
    Ok((stop, reread))
}

/// Every signal asks to stop that `other` does not take.
fn listen(stop: Stop, other: impl Fn(i32) -> bool + Send + 'static) -> Result<(), UserError> {
    let failed = |error: std::io::Error| UserError::from_chain(ExitCode::Failed, &error);
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(failed)?;
    let wait = move || {
        let mut is_asked = false;
        for signal in signals.forever() {
            if other(signal) {
                continue;
            }
            if is_asked {
                #[expect(
                    clippy::exit,
                    reason = "the user asked twice; nothing half-written is under a final name"
                )]
                std::process::exit(i32::from(ExitCode::Interrupted as u8));
            }
            is_asked = true;
            stop.stop();
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait).map_err(failed)?;
    Ok(())
}

/// How a run ends that was told to stop.
pub(crate) fn stopped(stop: &Stop) -> ExitCode {
    match stop.deadline() {
        Some(deadline) if Instant::now() >= deadline => ExitCode::TimeLimit,
        _ => ExitCode::Interrupted,
    }
}
