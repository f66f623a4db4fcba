//! What is known while questions are answered: which preventions hold for whom, the mounts of each
//! namespace, what places are in each container.
//!
//! Nothing here waits or asks; the lock around it is held for moments.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use bstr::{BStr, ByteSlice};

use super::Gap;
use super::caller::Caller;
use super::facts::Facts;
use super::layers::Images;
use super::mount::Mount;
use super::rules::Fixed;

/// Groups that were told, containers, namespaces: as many as a host of 10 000 containers has.
const KNOWN_MAX: usize = 65_536;
/// What places were found to be in one container: 64 preventions with some paths each, looked up
/// again in every namespace that its processes make.
const FIXED_MAX: usize = 4_096;
/// Gaps that nobody took yet.
const GAPS_MAX: usize = 1_024;

/// The preventions that hold for a control group, a bit each: those that refuse, and others that are
/// only observed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hold {
    pub(super) refused: u64,
    pub(super) observed: u64,
}

impl Hold {
    pub(super) fn bits(self) -> u64 {
        self.refused | self.observed
    }

    /// What is refused and is not named, or observed and is not, stays as it was.
    fn changed(self, bits: u64, refuse: bool) -> Self {
        match refuse {
            true => Self { refused: bits, observed: self.observed & !bits },
            false => Self { refused: self.refused & !bits, observed: bits },
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) default: Hold,
    pub(super) groups: HashMap<u64, Hold>,
    /// By the container's control group.
    pub(super) containers: HashMap<u64, Container>,
    /// By the number of the mount namespace.
    pub(super) spaces: HashMap<u32, Space>,
    pub(super) images: Images,
    gaps: Vec<Gap>,
    pub(super) gaps_lost: u64,
}

/// What outlives the mount namespaces of a container's processes.
#[derive(Debug, Default)]
pub(super) struct Container {
    pub(super) fixed: HashSet<Fixed>,
    /// Mounts (number, device) that nobody inside could write to from the beginning.
    pub(super) read_only: Option<HashSet<(u64, u64)>>,
    /// Whether it is known which of its files are the image's.
    pub(super) has_image: bool,
    /// What was said already.
    pub(super) told: HashSet<String>,
}

#[derive(Debug)]
pub(super) struct Space {
    pub(super) container: u64,
    pub(super) pid: u32,
    pub(super) mounts: Vec<Mount>,
    pub(super) looked: Instant,
    /// Whether all of them could be looked at; else that is tried again.
    pub(super) is_whole: bool,
}

impl Space {
    pub(super) fn mount(&self, id: u64) -> Option<&Mount> {
        self.mounts.iter().find(|mount| mount.id == id)
    }

    pub(super) fn inner(&self, facts: &Facts, path: &BStr) -> Option<bstr::BString> {
        self.mount(facts.mount)?.inner(path.as_bstr())
    }
}

impl State {
    /// Processes that are in no container have no preventions, unless their group was named.
    pub(super) fn hold(&self, caller: &Caller) -> Hold {
        let of_group = |group| self.groups.get(group).copied();
        let named = of_group(&caller.container).or_else(|| of_group(&caller.control_group));
        let default = || if caller.in_container { self.default } else { Hold::default() };
        named.unwrap_or_else(default)
    }

    pub(super) fn set(&mut self, group: u64, bits: u64, refuse: bool) -> bool {
        let has_room = self.groups.len() < KNOWN_MAX || self.groups.contains_key(&group);
        if has_room {
            let hold = self.groups.entry(group).or_default();
            *hold = hold.changed(bits, refuse);
        }
        has_room
    }

    pub(super) fn set_default(&mut self, bits: u64, refuse: bool) {
        self.default = self.default.changed(bits, refuse);
    }

    pub(super) fn forget(&mut self, group: u64) {
        self.groups.remove(&group);
        self.containers.remove(&group);
        self.spaces.retain(|_, space| space.container != group);
    }

    /// The namespaces of processes that ended go first; then all do, and are looked at again.
    pub(super) fn make_room(&mut self) {
        if self.spaces.len() < KNOWN_MAX && self.containers.len() < KNOWN_MAX {
            return;
        }
        self.spaces.clear();
        let groups = &self.groups;
        self.containers.retain(|group, _| groups.contains_key(group));
    }

    pub(super) fn fix(&mut self, group: u64, fixed: impl IntoIterator<Item = Fixed>) {
        let container = self.containers.entry(group).or_default();
        for fixed in fixed {
            if container.fixed.len() < FIXED_MAX {
                container.fixed.insert(fixed);
            }
        }
    }

    /// Once a container.
    pub(super) fn tell(&mut self, control_group: u64, why: String) {
        let container = self.containers.entry(control_group).or_default();
        if container.told.len() >= GAPS_MAX || !container.told.insert(why.clone()) {
            return;
        }
        if self.gaps.len() < GAPS_MAX {
            self.gaps.push(Gap { control_group, why });
        } else {
            self.gaps_lost += 1;
        }
    }

    pub(super) fn take_gaps(&mut self) -> Vec<Gap> {
        std::mem::take(&mut self.gaps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Container's group, the process' own, in a container or not, and the bits that hold.
    const CASES: &[(u64, u64, bool, u64)] = &[
        (1, 1, true, 0b1),
        (1, 9, true, 0b1),
        (8, 2, true, 0b10),
        (8, 9, true, 0b100),
        (9, 9, false, 0),
        (2, 2, false, 0b10),
    ];

    #[test]
    fn a_container_that_nobody_knows_has_the_default_and_the_host_has_nothing() {
        let mut state = State::default();
        state.set_default(0b100, true);
        assert!(state.set(1, 0b1, true) && state.set(2, 0b10, true));
        for (container, control_group, in_container, expected) in CASES {
            let caller = Caller {
                pid: 1,
                container: *container,
                in_container: *in_container,
                control_group: *control_group,
                space: 1,
            };
            assert_eq!(state.hold(&caller).bits(), *expected, "{caller:?}");
        }
        state.forget(1);
        let caller =
            Caller { pid: 1, container: 1, in_container: true, control_group: 1, space: 1 };
        assert_eq!(state.hold(&caller).bits(), 0b100);
    }

    #[test]
    fn a_prevention_refuses_or_observes() {
        let mut state = State::default();
        state.set(1, 0b011, true);
        state.set(1, 0b110, false);
        assert_eq!(state.groups[&1], Hold { refused: 0b001, observed: 0b110 });
        state.set(1, 0b100, true);
        assert_eq!(state.groups[&1], Hold { refused: 0b100, observed: 0b010 });
    }

    #[test]
    fn a_gap_is_told_once_and_what_nobody_takes_is_counted() {
        let mut state = State::default();
        for group in 0..GAPS_MAX as u64 + 10 {
            state.tell(group, "why".to_owned());
            state.tell(group, "why".to_owned());
        }
        assert_eq!((state.take_gaps().len(), state.gaps_lost), (GAPS_MAX, 10));
        assert!(state.take_gaps().is_empty());
    }
}
