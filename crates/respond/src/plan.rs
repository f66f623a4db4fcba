//! What is going to be done, with all that it takes to do it again or to take it back.
//!
//! A plan is made by looking alone. `perform` and `revert` may both be called again on what was
//! half done by somebody who is gone.

use serde::{Deserialize, Serialize};

use crate::isolate::Isolation;
use crate::kill::Killing;
use crate::pause::Pausing;
use crate::quarantine::Quarantine;
use crate::refusal::Refusal;
use crate::stop::Stopping;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Plan {
    Kill(Killing),
    Pause(Pausing),
    Stop(Stopping),
    Isolate(Isolation),
    Quarantine(Quarantine),
}

impl Plan {
    /// What was done, in words.
    pub(crate) fn perform(&self) -> Result<String, Refusal> {
        match self {
            Self::Kill(plan) => plan.perform(),
            Self::Pause(plan) => plan.perform(),
            Self::Stop(plan) => plan.perform(),
            Self::Isolate(plan) => plan.perform(),
            Self::Quarantine(plan) => plan.perform(),
        }
    }

    /// What was taken back, in words. Of what cannot be, only what was left half done.
    pub(crate) fn revert(&self) -> Result<String, Refusal> {
        match self {
            Self::Kill(plan) => plan.revert(),
            Self::Pause(plan) => plan.revert(),
            Self::Stop(_) => Ok("nothing is left of it; the container may have stopped".to_owned()),
            Self::Isolate(plan) => plan.revert(),
            Self::Quarantine(plan) => plan.revert(),
        }
    }

    /// Whether what was done is still so.
    pub(crate) fn holds(&self) -> bool {
        match self {
            Self::Kill(_) | Self::Stop(_) => true,
            Self::Pause(plan) => plan.holds(),
            Self::Isolate(plan) => plan.holds(),
            Self::Quarantine(plan) => plan.holds(),
        }
    }

    /// What two responses may not hold at once.
    pub(crate) fn contends(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Pause(one), Self::Pause(other)) => one.freezer == other.freezer,
            (Self::Isolate(one), Self::Isolate(other)) => one.group == other.group,
            (Self::Quarantine(one), Self::Quarantine(other)) => one.is_of_same_file(other),
            (Self::Kill(one), Self::Kill(other)) => one == other,
            (Self::Stop(one), Self::Stop(other)) => one == other,
            _ => false,
        }
    }
}
