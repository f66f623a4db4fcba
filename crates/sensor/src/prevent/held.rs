//! By what an act is held on this kernel, and why it is not.

use std::collections::BTreeMap;

use super::load::Object;
use super::{Act, Settings};

/// What refuses an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// Hooks of security modules, before the act.
    Kernel,
    /// Programs at control groups, before the act.
    Cgroup,
    /// Nothing here, for this reason.
    NotHere(String),
}

/// Of each act that somebody asked for.
#[derive(Debug, Default)]
pub(super) struct HeldByAct(pub(super) BTreeMap<Act, Held>);

impl HeldByAct {
    pub(super) fn of(&self, act: Act) -> &Held {
        static NEVER: Held = Held::NotHere(String::new());
        self.0.get(&act).unwrap_or(&NEVER)
    }
}

/// The bits of what is held, by position.
pub(super) fn bits(held: &[Held]) -> u64 {
    let held = held.iter().enumerate();
    let held = held.filter(|(_, held)| !matches!(held, Held::NotHere(_)));
    held.fold(0, |bits, (index, _)| bits | 1 << index)
}

/// What could be held here: every program is loaded; one that refuses nothing is attached for a moment.
pub fn held_here() -> Vec<(Act, Held)> {
    let settings = Settings { pins: None, ..Settings::new() };
    match Object::for_acts([1; Act::ALL.len()], &settings) {
        Ok(mut object) => object.load().0.into_iter().collect(),
        Err(error) => {
            let nothing = Held::NotHere(error.to_string());
            Act::ALL.iter().map(|act| (*act, nothing.clone())).collect()
        }
    }
}
