//! A response as the journal has it: lines, one a step, and what they come to.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use model::Response;
use serde::{Deserialize, Serialize};

use crate::plan::Plan;
use crate::process::{Process, ProcessId};
use crate::target::Target;
use crate::time;

/// `r12`: short, and typed without a mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(pub(crate) u32);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0)
    }
}

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_prefix('r').unwrap_or(text).parse();
        number.map(Self).map_err(|_no_number| format!("`{text}` is no id (want `r12`)"))
    }
}

/// A line of the journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) id: Id,
    #[serde(with = "time")]
    pub(crate) time: Timestamp,
    #[serde(flatten)]
    pub(crate) step: Step,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub(crate) enum Step {
    /// It is going to be done.
    Intent(Box<Intent>),
    Done {
        note: String,
    },
    Failed {
        why: String,
    },
    /// Somebody takes up what nobody finished.
    Finish {
        who: String,
        actor: ProcessId,
    },
    /// It is going to be undone.
    Undo {
        who: String,
        actor: ProcessId,
    },
    Undone {
        note: String,
    },
    UndoFailed {
        why: String,
    },
    /// Ids up to this one were used, in journals that were put away.
    Turned,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Intent {
    pub(crate) response: Response,
    pub(crate) target: Target,
    /// The target as it was found.
    pub(crate) subject: String,
    pub(crate) why: String,
    pub(crate) who: String,
    #[serde(with = "time::maybe", default)]
    pub(crate) until: Option<Timestamp>,
    /// Who does it: gone without an outcome, it did not finish.
    pub(crate) actor: ProcessId,
    pub(crate) plan: Plan,
}

/// What became of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Somebody is at it.
    Underway,
    /// Whoever was at it is gone, and nobody knows how far it came.
    Unfinished,
    /// It holds, and can be undone.
    Active,
    /// It happened, for good.
    Done,
    /// Nothing was done, or it was taken back.
    Failed,
    Undone,
    /// As unfinished, on the way back.
    HalfUndone,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Underway => "underway",
            Self::Unfinished => "unfinished",
            Self::Active => "active",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Undone => "undone",
            Self::HalfUndone => "half-undone",
        }
    }

    /// Whether something of it may still hold.
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Done | Self::Failed | Self::Undone)
    }
}

/// One response.
#[derive(Clone, Debug)]
pub struct Entry {
    pub id: Id,
    pub response: Response,
    pub target: Target,
    /// The target as it was found: a container with name and id.
    pub subject: String,
    pub why: String,
    pub who: String,
    pub time: Timestamp,
    pub until: Option<Timestamp>,
    pub state: State,
    /// What was done, or why not.
    pub note: String,
    pub(crate) plan: Plan,
    actor: ProcessId,
}

impl Entry {
    /// From the line that it begins with.
    pub(crate) fn begin(line: &Line) -> Option<Self> {
        let Step::Intent(intent) = &line.step else { return None };
        let intent = Intent::clone(intent);
        Some(Self {
            id: line.id,
            response: intent.response,
            target: intent.target,
            subject: intent.subject,
            why: intent.why,
            who: intent.who,
            time: line.time,
            until: intent.until,
            state: State::Unfinished,
            note: String::new(),
            plan: intent.plan,
            actor: intent.actor,
        })
    }

    /// Another line of it.
    pub(crate) fn follow(&mut self, step: &Step) {
        match step {
            Step::Intent(_) | Step::Turned => {}
            Step::Done { note } => {
                let reverts = can_be_undone(self.response);
                self.turn(if reverts { State::Active } else { State::Done }, note);
            }
            Step::Failed { why } => self.turn(State::Failed, why),
            Step::Finish { actor, .. } => {
                self.actor = *actor;
                self.state = State::Unfinished;
            }
            Step::Undo { actor, .. } => {
                self.actor = *actor;
                self.state = State::HalfUndone;
            }
            Step::Undone { note } => self.turn(State::Undone, note),
            Step::UndoFailed { why } => self.turn(State::Active, why),
        }
    }

    /// Looks whether whoever has not finished it is still there.
    pub(crate) fn settle(&mut self) {
        let is_open = matches!(self.state, State::Unfinished | State::HalfUndone);
        if is_open && Process::of(self.actor.pid).is_some_and(|it| it.id.is(self.actor)) {
            self.state = State::Underway;
        }
    }

    fn turn(&mut self, state: State, note: &str) {
        self.state = state;
        note.clone_into(&mut self.note);
    }

    /// Its time is over, and it still holds.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        // What was broken off holds as well, whole or in part.
        let holds = matches!(self.state, State::Active | State::Unfinished | State::HalfUndone);
        holds && self.until.is_some_and(|until| until <= now)
    }

    /// It should hold, and does not any more: the container ended, or was started anew.
    pub fn is_lapsed(&self) -> bool {
        self.state == State::Active && !self.plan.holds()
    }
}

/// Whether what it does can be taken back.
pub(crate) fn can_be_undone(response: Response) -> bool {
    match response {
        Response::Quarantine | Response::Isolate | Response::Pause => true,
        Response::Kill | Response::Stop => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_typed_in_two_ways() {
        assert_eq!("r12".parse(), Ok(Id(12)));
        assert_eq!("12".parse(), Ok(Id(12)));
        assert_eq!(Id(12).to_string(), "r12");
        for wrong in ["", "r", "x1", "-1", "99999999999"] {
            assert!(wrong.parse::<Id>().is_err(), "{wrong}");
        }
    }
}
