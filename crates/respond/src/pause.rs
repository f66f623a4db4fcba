//! Pause: the container's control group is frozen, by nobody's leave.
//!
//! What its runtime had paused before stays so when this is undone.

use serde::{Deserialize, Serialize};

use crate::container::Container;
use crate::freezer::Freezer;
use crate::refusal::Refusal;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pausing {
    pub(crate) freezer: Freezer,
    /// By its runtime, most likely.
    was_frozen: bool,
}

impl Pausing {
    pub(crate) fn plan(container: &Container) -> Result<Self, Refusal> {
        let freezer = container.freezer()?;
        let was_frozen = freezer.is_frozen();
        let was_frozen =
            was_frozen.map_err(|error| Refusal::failed("pausing", container.title(), &error))?;
        Ok(Self { freezer, was_frozen })
    }

    pub(crate) fn perform(&self) -> Result<String, Refusal> {
        if !self.freezer.is_there() {
            return Err(self.failed("pausing", &"the container is gone"));
        }
        self.freezer.freeze().map_err(|error| self.failed("pausing", &error))?;
        let before = if self.was_frozen { "; it was paused before, and stays so" } else { "" };
        Ok(format!("frozen{before}"))
    }

    pub(crate) fn revert(&self) -> Result<String, Refusal> {
        if !self.freezer.is_there() {
            return Ok("the container is gone".to_owned());
        }
        if self.was_frozen {
            return Ok("left paused, as it was before".to_owned());
        }
        self.freezer.thaw().map_err(|error| self.failed("resuming", &error))?;
        Ok("runs again".to_owned())
    }

    pub(crate) fn holds(&self) -> bool {
        self.freezer.is_there() && self.freezer.is_frozen().unwrap_or(false)
    }

    fn failed(&self, what: &'static str, why: &impl ToString) -> Refusal {
        Refusal::failed(what, format!("`{}`", self.freezer.group.display()), why)
    }
}
