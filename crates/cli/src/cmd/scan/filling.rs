//! Fills a template of the user's own, within bounds that the template engine does not keep.
//!
//! The engine counts steps and most of what they make, and not what lists that are joined over and
//! over, or indented by a billion, come to. So the whole process is watched meanwhile, and ends when
//! it has grown too far, or long after it was told to stop. Nothing of a report has been written by
//! then.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use artifact::Stop;
use document::{Report, Template};

use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::interrupt::stopped;

/// What filling may take in memory: twice what the engine counts by itself.
const GROWTH_BYTES_MAX: u64 = 256 << 20;
/// Between two looks at that: memory is filled by some 2 GB a second.
const LOOK: Duration = Duration::from_millis(10);
/// A partial report may be written after a stop, and takes no longer than this.
const GRACE: Duration = Duration::from_secs(5);

/// The template filled with the report.
pub(super) fn fill(template: &Template, report: &Report, stop: &Stop) -> Result<String, UserError> {
    let wrong = |why: String| UserError::new(ExitCode::Usage, why);
    std::thread::scope(|scope| {
        let (filled, filling) = channel::<()>();
        scope.spawn(move || watch(&filling, template.name(), stop));
        let text = template.render(report);
        drop(filled);
        text.map_err(|error| wrong(error.to_string()))
    })
}

/// Ends the process if there is a reason to before the sender is dropped.
fn watch(filling: &Receiver<()>, name: &str, stop: &Stop) {
    let begun = resident_bytes();
    let mut told: Option<Instant> = None;
    while filling.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        let growth = begun.zip(resident_bytes()).map(|(before, now)| now.saturating_sub(before));
        if growth.is_some_and(|growth| growth > GROWTH_BYTES_MAX) {
            let why = format!("takes more than {} MiB of memory", GROWTH_BYTES_MAX >> 20);
            end(name, &why, ExitCode::Usage);
        }
        if stop.is_stopped() && told.get_or_insert_with(Instant::now).elapsed() > GRACE {
            end(name, "did not end when it was told to", stopped(stop));
        }
    }
}

#[expect(clippy::exit, reason = "nothing else ends a template, and no report is half-written")]
fn end(name: &str, why: &str, code: ExitCode) -> ! {
    UserError::new(code, format!("template `{name}`: {why}")).print();
    std::process::exit(i32::from(code as u8))
}

/// What the process holds in memory; None where the system does not tell.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}
