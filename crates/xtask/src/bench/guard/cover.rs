//! What a load runs below: nothing, the floor, or the guard.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::stage::Stage;
use crate::guard::Guard;

/// Rules that no system call is looked at for.
const WITHOUT_CALLS: &str = "\
- rule: A shell in a container
  desc: a program begins, which is told without looking at calls
  condition: evt.type = clone and container.id != host and proc.name in (sh, bash)
  output: a shell (command=%proc.cmdline)
  priority: NOTICE
";

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Nothing,
    /// An empty program at the end of every system call.
    Floor,
    /// With the rules that come with it.
    Guard,
    WithoutCalls,
}

/// In which order they take turns.
pub(super) const ALL: [Kind; 4] = [Kind::Nothing, Kind::Floor, Kind::Guard, Kind::WithoutCalls];

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Floor => "an empty `sys_exit` program",
            Self::Guard => "the guard, default rules",
            Self::WithoutCalls => "the guard, rules without calls",
        }
    }

    pub(super) fn lay(self, stage: &Stage) -> Result<Cover, String> {
        match self {
            Self::Nothing => Ok(Cover::Nothing),
            Self::Floor => Ok(Cover::Floor(Floor::attach(stage)?)),
            Self::Guard => Ok(Cover::Guard(stage.guard(&[])?)),
            Self::WithoutCalls => {
                let rules = stage.folder.join("without-calls.yaml");
                std::fs::write(&rules, WITHOUT_CALLS).map_err(|error| error.to_string())?;
                Ok(Cover::Guard(stage.guard(&["--rules", &rules.to_string_lossy()])?))
            }
        }
    }
}

pub(super) enum Cover {
    Nothing,
    Floor(Floor),
    Guard(Guard),
}

impl Cover {
    /// What the guard said at its end, if it is one.
    pub(super) fn lift(self) -> Result<Option<String>, String> {
        match self {
            Self::Nothing => Ok(None),
            Self::Floor(floor) => {
                drop(floor);
                Ok(None)
            }
            Self::Guard(guard) => guard.end().map(Some),
        }
    }
}

/// It leaves when its standard input ends.
pub(super) struct Floor(Child);

impl Floor {
    fn attach(stage: &Stage) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("the floor: {error}");
        let mut command = Command::new(stage.folder.join("floor"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut line).map_err(failed)?;
        }
        let floor = Self(child);
        if line.trim() == "attached" {
            Ok(floor)
        } else {
            Err("the floor did not attach".to_owned())
        }
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}
