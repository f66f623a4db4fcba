//! What an actor says, line by line, until it is done, late, or says too much.

use std::io::Read;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Deadline, Trouble};
use crate::actor::Report;

/// A report names some files and one reason.
const SAID_BYTES_MAX: usize = 1 << 20;
const LOOK: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Closed,
    Late,
    TooMuch,
}

pub(super) struct Heard {
    pub(super) ending: Ending,
    /// What it was about to make.
    pub(super) made: Vec<std::path::PathBuf>,
    pub(super) report: Option<Report>,
}

impl Heard {
    pub(super) fn verdict(self) -> Result<(), Trouble> {
        match (self.ending, self.report) {
            (Ending::Closed, Some(report)) => report.into(),
            (Ending::Closed, None) => Err(Trouble::Failed("an actor ended early".to_owned())),
            (Ending::Late, _) => Err(Trouble::Failed("it does not come to an end".to_owned())),
            (Ending::TooMuch, _) => Err(Trouble::Failed("it does not stop talking".to_owned())),
        }
    }
}

/// All of the chain hold the other end: it is closed when the last of them has ended.
pub(super) fn listen(mut stream: impl Read + AsFd, mut deadline: Deadline<'_>) -> Heard {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let pause = Timespec::try_from(LOOK).unwrap_or_default();
    let ending = loop {
        if deadline.look() {
            break Ending::Late;
        }
        let mut watched = [PollFd::new(&stream, PollFlags::IN)];
        match poll(&mut watched, Some(&pause)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) | Err(_) => {}
        }
        match stream.read(&mut buffer) {
            Ok(0) => break Ending::Closed,
            Ok(count) => bytes.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break Ending::Closed,
        }
        if bytes.len() > SAID_BYTES_MAX {
            break Ending::TooMuch;
        }
    };
    let lines = bytes.split(|byte| *byte == b'\n');
    let mut heard = Heard { ending, made: Vec::new(), report: None };
    for report in lines.filter_map(|line| serde_json::from_slice(line).ok()) {
        match report {
            Report::Makes(path) => heard.made.push(path.into()),
            last => heard.report = Some(last),
        }
    }
    heard
}
