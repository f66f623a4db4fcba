//! What the programs could not deliver, as they counted it.

use aya::maps::{Array, HashMap, MapData};

use super::Refusal;
use crate::calls::Class;

/// Records of one class that never arrived, of one control group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lost {
    pub class: Class,
    pub cause: Cause,
    /// None where more groups lost something than are counted one by one.
    pub control_group: Option<u64>,
    pub count: u64,
}

/// As `enum cause` of the programs has them.
const CAUSES: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    BufferFull,
    OverBudget,
    /// What makes records was held up by other threads of the processor.
    Preempted,
}

impl Cause {
    pub fn name(self) -> &'static str {
        match self {
            Self::BufferFull => "buffer full",
            Self::OverBudget => "over budget",
            Self::Preempted => "preempted",
        }
    }

    fn of_number(number: u64) -> Self {
        match number {
            0 => Self::BufferFull,
            1 => Self::OverBudget,
            _ => Self::Preempted,
        }
    }
}

pub(super) fn read(
    losses: &HashMap<MapData, [u64; 2], u64>,
    of_anyone: &Array<MapData, u64>,
) -> Result<Vec<Lost>, Refusal> {
    let mut all = Vec::new();
    for entry in losses.iter() {
        let ([control_group, class_and_cause], count) =
            entry.map_err(|error| Refusal::Map { name: "losses", error })?;
        // Two numbers of 32 bits, the class first.
        let class = u32::try_from(class_and_cause & u64::from(u32::MAX)).unwrap_or_default();
        all.push(Lost {
            class: Class::of_number(class),
            cause: Cause::of_number(class_and_cause >> 32),
            control_group: Some(control_group),
            count,
        });
    }
    for (slot, count) in (0u32..).zip(of_anyone.iter()) {
        let count = count.map_err(|error| Refusal::Map { name: "losses_of_anyone", error })?;
        let cause = Cause::of_number(u64::from(slot % CAUSES));
        if count > 0 {
            let class = Class::of_number(slot / CAUSES);
            all.push(Lost { class, cause, control_group: None, count });
        }
    }
    Ok(all)
}

/// One line for each class, cause and group, though more than one place counts them.
pub(super) fn sum(mut all: Vec<Lost>) -> Vec<Lost> {
    all.retain(|lost| lost.count > 0);
    all.sort_unstable();
    all.dedup_by(|next, first| {
        let is_same = (next.class, next.cause, next.control_group)
            == (first.class, first.cause, first.control_group);
        first.count += if is_same { next.count } else { 0 };
        is_same
    });
    all
}
