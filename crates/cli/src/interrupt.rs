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

/// Reads `90`, `90s`, `5m`, `1h 30m`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let parsed: Result<jiff::SignedDuration, _> = text.parse();
    parsed.ok().and_then(|duration| duration.try_into().ok()).ok_or_else(|| {
        format!("`{text}` is not a duration (want seconds, or `90s`, `5m`, `1h 30m`)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(parse_duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(parse_duration("1h 30m"), Ok(Duration::from_secs(5400)));
        assert!(parse_duration("-5m").is_err());
        assert!(parse_duration("soon").is_err());
    }
}
