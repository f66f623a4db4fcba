//! What is refused while a call waits, by the kernel itself.
//!
//! ```text
//! Preventions → rules (paths, networks) → tables of the kernel → programs at hooks → Denial
//! ```
//!
//! Every prevention is a bit. A control group has the bits that hold for it; one that is not known
//! has those of the nearest group above it that is, or the default. The root of all groups counts
//! for the processes in it alone. Where the kernel has hooks of security modules, they refuse;
//! where it has not, programs at control groups refuse connections and the rest is not held here.
//!
//! Nothing here chooses what is refused. It is told, and it tells what it cannot hold.

mod act;
mod alone;
pub mod fanotify;
mod held;
mod hooks;
mod load;
mod networks;
mod paths;
mod pins;
mod record;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;

use aya::maps::{Array, HashMap, MapData};
use model::{Denial, Place, Prevention};

pub use self::act::Act;
use self::alone::Alone;
pub use self::held::{Held, held_here};
use self::load::Links;
use self::pins::Inbox;
pub(crate) use self::record::fuzz;
use self::wire::Holding;
use crate::clock::Clock;
use crate::kernel::Hierarchy;

/// Bits of a number.
const PREVENTIONS_MAX: usize = 64;
/// Where the file system of pinned objects is, and our folder in it.
const PINS: &str = "/sys/fs/bpf/lazaret";
/// Held by the guard that refuses.
const LOCK: &str = "/run/lazaret/prevent.lock";

/// What is chosen before anything is refused.
#[derive(Clone, Debug)]
pub struct Settings {
    /// In which groups are told apart.
    pub hierarchy: Hierarchy,
    /// Where programs and tables stay when this process is killed; None to end with it.
    pub pins: Option<PathBuf>,
    /// A file that whoever pins holds a lock of: pins of another one that lives are not to be taken
    /// away. None where nobody else has that folder.
    pub lock: Option<PathBuf>,
    /// Processes that are never refused anything, beside this one and the first.
    pub exempt: Vec<u32>,
}

impl Settings {
    /// For this machine.
    pub fn new() -> Self {
        Self {
            hierarchy: Hierarchy::find(),
            pins: Some(PINS.into()),
            lock: Some(LOCK.into()),
            exempt: Vec::new(),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

/// Why nothing is held.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("{0} preventions\nhint: at most 64 are held at once")]
    Many(usize),
    #[error("`{place}` of prevention `{prevention}` {why}", place = path(.place))]
    Place { prevention: String, place: Place, why: &'static str },
    #[error("more than {0} places and folders above them")]
    ManyPlaces(usize),
    #[error("network `{}/{}` of prevention `{prevention}` {why}", .network.address, .network.prefix)]
    Network { prevention: String, network: model::Network, why: &'static str },
    #[error("more than {0} networks")]
    ManyNetworks(usize),
    #[error(
        "network `{address}/{prefix}` has more than 16 ranges of ports, with those of networks \
         around it"
    )]
    Ports { address: std::net::IpAddr, prefix: u8 },
    #[error(transparent)]
    Kernel(#[from] crate::kernel::Refusal),
    #[error("pinning at `{path}`: {why}")]
    Pin { path: PathBuf, why: String },
    #[error(
        "another guard refuses on this host: process {pid}, which holds `{path}`\nhint: end it \
         first, or run this one without --enforce"
    )]
    Another { path: PathBuf, pid: String },
    #[error("locking `{path}`: {error}")]
    Lock { path: PathBuf, error: std::io::Error },
}

fn path(place: &Place) -> String {
    let (Place::Exactly(path) | Place::Below(path)) = place;
    String::from_utf8_lossy(path).into_owned()
}

/// Denials that nobody was told of, since the programs were loaded, by us or by a guard that was
/// killed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Untold {
    pub buffer_full: u64,
    pub over_budget: u64,
    /// Bytes that were no denial.
    pub damaged: u64,
}

/// Ends what guards left in the kernel that were killed: for one that refuses nothing.
///
/// # Errors
/// If one of them lives: what it holds stays.
pub fn release_former() -> Result<(), Refusal> {
    let former = pins::Former::find(PINS.as_ref());
    if !former.is_empty() {
        let _alone = Alone::take(LOCK.as_ref())?;
        former.release();
    }
    Ok(())
}

/// Preventions that the kernel holds. Unless they are pinned, they end when this is dropped.
pub struct Preventions {
    held: Vec<Held>,
    /// Bits of those that are held.
    holds: u64,
    groups: HashMap<MapData, u64, Holding>,
    unknown: Array<MapData, Holding>,
    untold: Array<MapData, u64>,
    /// Of those before us.
    untold_before: [u64; 2],
    damaged: u64,
    /// Of those before us, which were not there any more to be told, and our own.
    inboxes: Vec<Inbox>,
    links: Links,
    pinned: Result<pins::Pinned, String>,
    alone: Option<Arc<Alone>>,
}

impl Preventions {
    /// From now on nothing is refused yet: no group has bits, unless one that ran before us was
    /// killed and left its own behind. Those go over to preventions of the same id.
    ///
    /// # Errors
    /// If a prevention cannot be written down for a kernel, or this one lets nothing be loaded. What
    /// single ones are held by, and why not, is told by [`Self::held`].
    pub fn start(preventions: &[Prevention], settings: &Settings) -> Result<Self, Refusal> {
        let lock = settings.lock.as_deref().filter(|_| settings.pins.is_some());
        let alone = lock.map(Alone::take).transpose()?.map(Arc::new);
        let former = settings.pins.as_deref().map(pins::Former::find).unwrap_or_default();
        let started = Self::begin(preventions, settings, alone, &former)?;
        former.release();
        Ok(started)
    }

    /// Others of the same guard, while these hold on: no group has bits of them yet. [`Self::retire`]
    /// ends these.
    ///
    /// # Errors
    /// As of [`Self::start`]; these are as before.
    pub fn beside(&self, preventions: &[Prevention], settings: &Settings) -> Result<Self, Refusal> {
        Self::begin(preventions, settings, self.alone.clone(), &pins::Former::default())
    }

    /// Ends the former ones. What they refused and nobody was told of yet is told by these.
    pub fn retire(&mut self, mut former: Self) {
        let untold = former.untold().unwrap_or_default();
        let [buffer_full, over_budget] = &mut self.untold_before;
        *buffer_full = buffer_full.saturating_add(untold.buffer_full);
        *over_budget = over_budget.saturating_add(untold.over_budget);
        self.damaged += untold.damaged;
        // Its own: those before it have been read for as long as it was there.
        self.inboxes.splice(..0, former.inboxes.pop());
        former.release();
    }

    fn begin(
        preventions: &[Prevention],
        settings: &Settings,
        alone: Option<Arc<Alone>>,
        former: &pins::Former,
    ) -> Result<Self, Refusal> {
        if preventions.len() > PREVENTIONS_MAX {
            return Err(Refusal::Many(preventions.len()));
        }
        let mut object = load::Object::open(preventions, settings)?;
        let held_by_act = object.load();
        let pinned = match &settings.pins {
            Some(folder) => pins::Pinned::tables(folder, &object),
            None => Err("nobody asked for it".to_owned()),
        };
        let held: Vec<Held> =
            preventions.iter().map(|it| held_by_act.of(Act::of(&it.act)).clone()).collect();
        let mut started = Self {
            holds: held::bits(&held),
            held,
            groups: object.take("groups")?,
            unknown: object.take("unknown_group")?,
            untold: object.take("untold")?,
            untold_before: former.untold(),
            damaged: 0,
            inboxes: former.inboxes(),
            links: Links::default(),
            pinned,
            alone,
        };
        let ids: Vec<String> = preventions.iter().map(|it| it.id.clone()).collect();
        started.inherit(former, &ids)?;
        started.inboxes.push(Inbox { ids, buffer: object.take("denials")? });
        let (links, lost) = object.attach(&held_by_act);
        match started.attached(links).and_then(|()| started.lose(preventions, &lost)) {
            Ok(()) => Ok(started),
            Err(error) => {
                started.release();
                Err(error)
            }
        }
    }

    fn attached(&mut self, links: Links) -> Result<(), Refusal> {
        self.links = match &self.pinned {
            Ok(pinned) => pinned.links(links)?,
            Err(_why) => links,
        };
        Ok(())
    }

    /// By what each prevention is held, in the order in which they were given.
    pub fn held(&self) -> &[Held] {
        &self.held
    }

    /// Why what is held ends with this process, if it does.
    pub fn ends_with_us(&self) -> Option<&str> {
        self.pinned.as_ref().err().map(String::as_str)
    }

    /// These preventions hold for the group and those in it: refused, or only observed. What was
    /// held for it the other way and is not named stays as it was.
    ///
    /// # Errors
    /// If the kernel's table is full.
    pub fn set(&mut self, control_group: u64, bits: u64, refuse: bool) -> Result<(), Refusal> {
        let former = self.groups.get(&control_group, 0).unwrap_or_default();
        let holding = changed(former, bits & self.holds, refuse);
        self.groups.insert(control_group, holding, 0).map_err(|error| of_map("groups", error))
    }

    /// The group is gone, or counts as the one above it.
    pub fn forget(&mut self, control_group: u64) {
        // One that was never set is as forgotten.
        drop(self.groups.remove(&control_group));
    }

    /// What holds for groups that are not known.
    ///
    /// # Errors
    /// If the kernel does not take it.
    pub fn default(&mut self, bits: u64, refuse: bool) -> Result<(), Refusal> {
        let former = self.unknown.get(&0, 0).unwrap_or_default();
        let holding = changed(former, bits & self.holds, refuse);
        self.unknown.set(0, holding, 0).map_err(|error| of_map("unknown_group", error))
    }

    /// Hands over what was refused or observed since it was last asked.
    pub fn denials(&mut self, pass: &mut dyn FnMut(Denial)) {
        let clock = Clock::now();
        let damaged = self.inboxes.iter_mut().map(|inbox| inbox.empty(clock, pass));
        self.damaged += damaged.sum::<u64>();
    }

    /// # Errors
    /// If the kernel's counts cannot be read.
    pub fn untold(&self) -> Result<Untold, Refusal> {
        let count = |slot| self.untold.get(&slot, 0).map_err(|error| of_map("untold", error));
        let [buffer_full, over_budget] = self.untold_before;
        Ok(Untold {
            buffer_full: buffer_full.saturating_add(count(0)?),
            over_budget: over_budget.saturating_add(count(1)?),
            damaged: self.damaged,
        })
    }

    /// Ends all that is held, pinned or not.
    pub fn release(self) {
        drop(self.links);
        if let Ok(pinned) = self.pinned {
            pinned.remove();
        }
    }

    /// Takes over what was held by the one before.
    fn inherit(&mut self, former: &pins::Former, ids: &[String]) -> Result<(), Refusal> {
        for (group, holding) in former.groups(ids) {
            let holding = holding.map(|bits| bits & self.holds);
            let inserted = self.groups.insert(group, holding, 0);
            inserted.map_err(|error| of_map("groups", error))?;
        }
        let unknown = former.unknown(ids).map(|bits| bits & self.holds);
        self.unknown.set(0, unknown, 0).map_err(|error| of_map("unknown_group", error))
    }

    /// Acts whose programs loaded and could not be attached: their preventions are held by nothing.
    fn lose(&mut self, of: &[Prevention], lost: &[(Act, String)]) -> Result<(), Refusal> {
        if lost.is_empty() {
            return Ok(());
        }
        for (held, prevention) in self.held.iter_mut().zip(of) {
            let why = lost.iter().find(|(act, _)| *act == Act::of(&prevention.act));
            if let Some((_, why)) = why {
                *held = Held::NotHere(why.clone());
            }
        }
        self.holds = held::bits(&self.held);
        let groups: Vec<(u64, Holding)> = self.groups.iter().flatten().collect();
        for (group, holding) in groups {
            let holding = holding.map(|bits| bits & self.holds);
            let inserted = self.groups.insert(group, holding, 0);
            inserted.map_err(|error| of_map("groups", error))?;
        }
        let unknown = self.unknown.get(&0, 0).unwrap_or_default();
        let unknown = unknown.map(|bits| bits & self.holds);
        self.unknown.set(0, unknown, 0).map_err(|error| of_map("unknown_group", error))
    }
}

/// A bit is refused or observed, not both.
fn changed([enforced, observed]: Holding, bits: u64, refuse: bool) -> Holding {
    if refuse { [bits, observed & !bits] } else { [enforced & !bits, bits] }
}

fn of_map(name: &'static str, error: aya::maps::MapError) -> Refusal {
    Refusal::Kernel(crate::kernel::Refusal::Map { name, error })
}

#[cfg(test)]
mod tests {
    use model::Refused;

    use super::*;

    /// What is held, the bits, whether they are refused; what is held then.
    const CHANGES: &[(Holding, u64, bool, Holding)] = &[
        ([0, 0], 0b11, true, [0b11, 0]),
        ([0b11, 0], 0b100, false, [0b11, 0b100]),
        ([0b11, 0b100], 0b10, false, [0b01, 0b10]),
        ([0b01, 0b10], 0b10, true, [0b10, 0]),
        ([0b10, 0b01], 0, true, [0, 0b01]),
    ];

    #[test]
    fn a_bit_is_refused_or_observed() {
        for (former, bits, refuse, expected) in CHANGES {
            assert_eq!(changed(*former, *bits, *refuse), *expected, "{former:?} {bits}");
        }
    }

    #[test]
    fn no_more_preventions_than_bits() {
        let many = vec![Prevention { id: "a".to_owned(), act: Refused::Mount }; 65];
        let settings = Settings { pins: None, ..Settings::new() };
        let refused = Preventions::start(&many, &settings);
        assert!(matches!(refused, Err(Refusal::Many(65))));
    }
}
