//! What containers are kept from: what the policy says, and what the profiles that protect never saw.
//!
//! Each prevention is a bit, the policy's first. What finds no bit is not held, which is said.

use model::Prevention;
use model::event::Container;
use policy::guard::{GuardPolicy, Held, Moment};
use policy::profile::Protections;

/// Bits of what a group has.
const PREVENTIONS_MAX: usize = u64::BITS as usize;

#[derive(Clone, Copy)]
pub(super) struct Bounds<'a> {
    pub(super) policy: Option<&'a GuardPolicy>,
    /// None where nothing is enforced: what deviates from a profile is told anyway.
    pub(super) protections: Option<&'a Protections>,
}

impl Bounds<'_> {
    pub(super) fn preventions(self) -> Vec<Prevention> {
        let mut all = self.policy.map(GuardPolicy::preventions).unwrap_or_default();
        all.extend(self.protections.into_iter().flat_map(Protections::preventions).cloned());
        all.truncate(PREVENTIONS_MAX);
        all
    }

    /// What of the profiles is not refused, a line each.
    pub(super) fn notes(self) -> Vec<String> {
        let Some(protections) = self.protections else { return Vec::new() };
        let room = PREVENTIONS_MAX.saturating_sub(self.of_policy());
        let left_out = protections.preventions().iter().skip(room);
        let left_out = left_out
            .map(|it| format!("prevention `{}`: NOT held: more than {PREVENTIONS_MAX}", it.id));
        protections.not.iter().cloned().chain(left_out).collect()
    }

    /// What holds for a container, or for the host where there is none.
    pub(super) fn held(self, container: Option<&Container>, moment: Moment) -> Held {
        let mut held = self.policy.map(|it| it.held(container, moment)).unwrap_or_default();
        let (first, protections) = (self.of_policy(), self.protections.zip(container));
        for place in protections.map_or(&[][..], |(it, container)| it.held(container)) {
            let bit = u32::try_from(first + place).ok().and_then(|bit| 1_u64.checked_shl(bit));
            held.bits |= bit.unwrap_or(0);
            held.refused |= bit.filter(|_| moment.enforce).unwrap_or(0);
        }
        held
    }

    /// What holds for a container of which nothing is known yet.
    pub(super) fn held_unknown(self, moment: Moment) -> Held {
        self.policy.map(|it| it.held_unknown(moment)).unwrap_or_default()
    }

    /// How many bits the policy has.
    fn of_policy(self) -> usize {
        self.policy.map_or(0, |policy| policy.counts().2)
    }
}
