//! The first process of a container: it starts the chains of many cases, one after another, and is
//! there between them.

use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{ExitCode, Stdio};

use super::chain::{self, Output};
use super::{PLAN_BYTES_MAX, Plan, Report, Stumble, work};

/// Where it listens: in the container's own file system, which the host reaches by way of `/proc`.
pub(crate) const SOCKET: &str = "/run/lazaret-suite.sock";

pub(super) fn keep() -> ExitCode {
    let hidden = Path::new(SOCKET).with_extension("new");
    let Ok(listener) = UnixListener::bind(&hidden) else { return ExitCode::FAILURE };
    // Who sees it can connect.
    if std::fs::rename(&hidden, SOCKET).is_err() {
        return ExitCode::FAILURE;
    }
    for connection in listener.incoming().flatten() {
        serve(connection);
    }
    ExitCode::SUCCESS
}

/// One case: its plan is a line. What becomes of it is told by the last process of the chain.
fn serve(connection: UnixStream) {
    let report = OwnedFd::from(connection);
    let started = (|| {
        let unable = |why: std::io::Error| Stumble::unable("a plan cannot be read", why);
        let input = UnixStream::from(report.try_clone().map_err(unable)?);
        let mut plan = String::new();
        let mut lines = BufReader::new(input.take(PLAN_BYTES_MAX as u64));
        lines.read_line(&mut plan).map_err(unable)?;
        let plan = serde_json::from_str(&plan);
        let plan = plan.map_err(|why| Stumble::unable("a plan cannot be read", why))?;
        let Plan::Chain(chain) = plan else {
            return Err(Stumble::Unable("this is no plan for a keeper".to_owned()));
        };
        let output = Output::To(Stdio::from(report.try_clone().map_err(unable)?));
        chain::start(chain, output, chain::SELF.as_ref())
    })();
    match started {
        Ok(started) => drop(started.wait()),
        Err(Stumble::Failed(why) | Stumble::Unable(why)) => {
            // Who asked may be gone.
            let _told = work::Out::new(report).tell(&Report::Unable(why));
        }
    }
}
