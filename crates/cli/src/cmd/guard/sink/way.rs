//! How letters get to a sink: by threads of this process, or by a helper.

use std::time::Duration;

use courier::{Left, Letter, Outbox, Remote, Standing};

/// How letters get to a sink.
pub(super) enum Way {
    Here(Outbox),
    There(Remote),
}

impl Way {
    pub(super) fn give(&self, letter: Letter) {
        match self {
            Self::Here(outbox) => outbox.give(letter),
            Self::There(remote) => remote.give(letter),
        }
    }

    pub(super) fn is_settled(&self) -> bool {
        match self {
            Self::Here(outbox) => outbox.is_settled(),
            Self::There(remote) => remote.is_settled(),
        }
    }

    pub(super) fn dropped(&self) -> u64 {
        match self {
            Self::Here(outbox) => outbox.dropped(),
            Self::There(remote) => remote.standing().lost,
        }
    }

    pub(super) fn has_room(&self) -> bool {
        match self {
            Self::Here(outbox) => outbox.has_room(),
            Self::There(remote) => remote.has_room(),
        }
    }

    pub(super) fn standing(&self) -> Option<Standing> {
        match self {
            Self::Here(outbox) => outbox.standing(),
            Self::There(remote) => Some(remote.standing()),
        }
    }

    pub(super) fn finish(self, time: Duration) -> Left {
        match self {
            Self::Here(outbox) => outbox.finish(time),
            Self::There(remote) => remote.finish(time),
        }
    }

    /// The helper's process; 0 if there is none.
    pub(super) fn process(&self) -> u32 {
        match self {
            Self::Here(_) => 0,
            Self::There(remote) => remote.process(),
        }
    }

    /// How helpers ended since the last call.
    pub(super) fn ends(&self) -> Vec<String> {
        match self {
            Self::Here(_) => Vec::new(),
            Self::There(remote) => remote.ends(),
        }
    }
}
