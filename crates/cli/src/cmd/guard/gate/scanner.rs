//! Has an image scanned that is about to start: this program again, as `lazaret scan`.
//!
//! ```text
//! Scans → this → nursery → `lazaret scan --keep-verdict FOLDER docker:DIGEST` → FOLDER → verdict
//! ```
//!
//! What reads the image is a process without capabilities, which is ended when its time is over. It keeps
//! its verdict in a folder of its own, of which the one for the digest that was asked for is taken: whatever
//! an image does to it, it says nothing of other images.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ::gate::{Judge, Judged, Scans, Verdicts};
use clap::Args;
use confine::{Birth, Nursery};
use model::Digest;

use crate::cmd::global::Global;
use crate::cmd::judgement;
use crate::environment;
use crate::error::UserError;
use crate::exit_code::ExitCode;

/// How often it is looked whether a scan has ended.
const LOOK: Duration = Duration::from_millis(20);

#[derive(Args, Debug)]
pub(super) struct ScanArguments {
    /// By which policy of scans images are judged where the gate's policy says `scan`
    #[arg(long, value_name = "FILE")]
    scan_policy: Option<PathBuf>,
    /// How long a start waits for its image to be scanned
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3_600))]
    scan_time: u64,
}

/// What a scan needs.
struct Scanner {
    nursery: Nursery,
    /// All but the image and the folder of its verdict.
    words: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
}

impl ScanArguments {
    /// None if no policy of scans is named.
    pub(super) fn open(
        &self,
        judge: &Judge,
        daemon: &Path,
        nursery: &Nursery,
        global: &Global,
    ) -> Result<Option<Arc<Scans>>, UserError> {
        let Some(policy) = &self.scan_policy else { return Ok(None) };
        // Mistakes in it are said now, not at the first start.
        judgement::load(policy)?;
        if global.cache_dir.as_os_str().is_empty() {
            let message = "what is scanned needs a folder for cached data";
            let hint = "name one with --cache-dir";
            return Err(UserError::new(ExitCode::Usage, message).hint(Some(hint)));
        }
        let failed = |error| UserError::from_chain(ExitCode::Failed, &error);
        let policy = std::path::absolute(policy).map_err(failed)?;
        let mut words: Vec<OsString> = ["scan", "--quiet", "--format", "json", "--policy"]
            .map(OsString::from)
            .into_iter()
            .chain([policy.into_os_string()])
            .collect();
        words.extend(global.words.iter().cloned());
        let mut variables = environment::of_senders(false);
        variables.push(("DOCKER_HOST".into(), socket(daemon)));
        let scanner = Scanner { nursery: nursery.clone(), words, variables };
        let scan = move |digest: &Digest, time| scanner.scan(digest, time);
        let verdicts = Verdicts::at(judge.verdicts.folder());
        let time = Duration::from_secs(self.scan_time);
        Ok(Some(Arc::new(Scans::new(verdicts, time, scan))))
    }

    /// A policy that says `scan` needs one by which images are judged.
    pub(super) fn check(&self, judge: &Judge) -> Result<(), UserError> {
        if !judge.policy.scans() || self.scan_policy.is_some() {
            return Ok(());
        }
        let message =
            format!("`{}` has images scanned, and nothing judges them", judge.policy.name());
        let hint = "name a policy of scans with --scan-policy FILE";
        Err(UserError::new(ExitCode::Usage, message).hint(Some(hint)))
    }
}

/// As `DOCKER_HOST` has it.
fn socket(daemon: &Path) -> OsString {
    let mut text = OsString::from("unix://");
    text.push(daemon);
    text
}

impl Scanner {
    fn scan(&self, digest: &Digest, time: Duration) -> Result<Judged, String> {
        let deadline = Instant::now() + time;
        let folder = tempfile::Builder::new().prefix("lazaret-scan-").tempdir();
        let folder = folder.map_err(|why| format!("no folder for its verdict: {why}"))?;
        let begun = self.begin(digest, folder.path());
        let begun = begun.map_err(|why| format!("it could not be begun: {why}"))?;
        let code = end(begun, deadline, time)?;
        let judged = Verdicts::at(folder.path()).find(&[digest.to_string()]);
        judged.map_err(|why| why.to_string())?.ok_or_else(|| {
            let code = code.map_or_else(|| "by a signal".to_owned(), |it| format!("with {it}"));
            format!("it ended {code} and without a verdict; standard error says why")
        })
    }

    fn begin(&self, digest: &Digest, folder: &Path) -> std::io::Result<Child> {
        let mut arguments = self.words.clone();
        arguments.extend(["--keep-verdict".into(), folder.into()]);
        arguments.push(format!("docker:{digest}").into());
        // It reads nothing from us.
        let line = File::open("/dev/null")?.into();
        self.nursery.bear(Birth { arguments, variables: self.variables.clone(), line })
    }
}

/// Its exit code; it is ended when its time is over.
fn end(mut child: Child, deadline: Instant, time: Duration) -> Result<Option<i32>, String> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status.code()),
            Ok(None) if Instant::now() < deadline => thread::sleep(LOOK),
            Ok(None) => {
                // It may have ended meanwhile.
                let _killed = child.kill();
                let _reaped = child.wait();
                return Err(format!("it took longer than {} s and was ended", time.as_secs()));
            }
            Err(why) => return Err(why.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn ended(words: &[&str], time: Duration) -> Result<Option<i32>, String> {
        let child = Command::new(words[0]).args(&words[1..]).spawn().unwrap();
        let pid = child.id();
        let outcome = end(child, Instant::now() + time, time);
        assert!(!Path::new(&format!("/proc/{pid}")).exists(), "{words:?} goes on");
        outcome
    }

    #[test]
    fn a_scan_that_does_not_end_is_ended() {
        let (long, short) = (Duration::from_secs(60), Duration::from_millis(100));
        assert_eq!(ended(&["true"], long), Ok(Some(0)));
        assert_eq!(ended(&["false"], long), Ok(Some(1)));
        assert_eq!(ended(&["sh", "-c", "kill -9 $$"], long), Ok(None));
        let begun = Instant::now();
        assert!(ended(&["sleep", "60"], short).unwrap_err().contains("was ended"));
        assert!(begun.elapsed() < long / 2);
    }
}
