//! The programs in the kernel: loaded, told what to look for, emptied of what they saw.
//!
//! Programs, forks and ends are always told. Calls are told while somebody wants them, by one of two
//! tiers, whichever this kernel allows (`tier`); both fill records by the same code and plans.

mod again;
mod functions;
mod hierarchy;
mod inbox;
mod loss;
mod preemption;
mod reason;
mod tier;
mod tracepoints;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aya::maps::{Array, HashMap, MapData, Stack};
use aya::{Btf, Ebpf, EbpfLoader};
use model::event::Call;

pub use again::load_again;
pub use hierarchy::{Hierarchy, groups_are_of_host, processes_are_of_host};
pub use loss::{Cause, Lost};
pub(crate) use reason::in_short;
pub use tier::Tier;

use self::inbox::Inbox;
use self::tier::Calls;
use self::tracepoints::ALWAYS;
use crate::calls::{self, Extent, Wanted};
use crate::record::{Damage, Record};

#[cfg(target_arch = "x86_64")]
static OBJECT: &[u8] = aya::include_bytes_aligned!("../bpf/prebuilt/guard-x86_64.o");
#[cfg(target_arch = "aarch64")]
static OBJECT: &[u8] = aya::include_bytes_aligned!("../bpf/prebuilt/guard-aarch64.o");

/// How long a record may lie before somebody looks. To be woken for each cost its process 20 to 30
/// microseconds on a virtual machine, ten times what making it did; in this time not even a flood
/// fills a hundredth of a buffer.
const LOOK: Duration = Duration::from_millis(10);
/// Records that are handed over before the caller may do its other work, whatever floods.
const TURN: usize = 4_096;
/// Records that programs at functions may have in the making beyond one a processor: what threads
/// leave unfinished when they are preempted. 32 KiB each.
const PREEMPTED: u32 = 16;

/// What is chosen before the programs are loaded.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bytes for exec, fork, exit and what leads out of containers; a power of two of at least a
    /// page.
    pub critical_bytes: u32,
    /// Bytes for the rest.
    pub bulk_bytes: u32,
    /// Records of one class that a control group may put into the bulk buffer in a tenth of a second:
    /// a sixteenth of it while that is more than half full, a 64th above three quarters.
    pub bulk_budget: u64,
    /// The same for the critical one, counted only while that is more than half full; a sixteenth above
    /// three quarters.
    pub critical_budget: u64,
    pub hierarchy: Hierarchy,
    /// None for the best one that this kernel allows.
    pub tier: Option<Tier>,
}

impl Settings {
    /// For this machine. Eight megabytes hold about 4 000 programs' starts, which is more than begin in
    /// seconds; each byte of a buffer counts twice in what the process is said to have in memory.
    pub fn new() -> Self {
        Self {
            critical_bytes: 8 << 20,
            bulk_bytes: 8 << 20,
            bulk_budget: 2_000,
            critical_budget: 200,
            hierarchy: Hierarchy::find(),
            tier: None,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

/// Why nothing is seen.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error(
        "reading the kernel's type information: {0}\nhint: a kernel with CONFIG_DEBUG_INFO_BTF"
    )]
    Types(#[source] aya::BtfError),
    #[error("loading the programs: {0}\nhint: root, or CAP_BPF and CAP_PERFMON")]
    Object(#[source] aya::EbpfError),
    #[error("program `{name}`: {error}")]
    Program {
        name: &'static str,
        #[source]
        error: aya::programs::ProgramError,
    },
    #[error("function `{name}`: {error}")]
    Function {
        name: String,
        #[source]
        error: aya::programs::ProgramError,
    },
    #[error("`{file}`: {error}")]
    File {
        file: String,
        #[source]
        error: std::io::Error,
    },
    #[error("map `{name}`: {error}")]
    Map {
        name: &'static str,
        #[source]
        error: aya::maps::MapError,
    },
    #[error("the programs' object has no `{0}`")]
    Missing(&'static str),
}

/// Programs that run, and their buffers. They leave the kernel when this is dropped.
pub struct Kernel {
    ebpf: Ebpf,
    /// Those of the start, until the first look at calls. They are large, so they are not kept.
    types: Option<Btf>,
    inbox: Inbox,
    plans: Array<MapData, calls::Plan>,
    excluded: HashMap<MapData, u32, u8>,
    losses: HashMap<MapData, [u64; 2], u64>,
    losses_of_anyone: Array<MapData, u64>,
    wanted: Wanted,
    calls: Calls,
}

/// What a program cost since it was loaded; zero unless the kernel was told to count
/// (`kernel.bpf_stats_enabled`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    pub program: &'static str,
    pub runs: u64,
    pub time: Duration,
}

impl Kernel {
    /// Loads everything and attaches what is always there.
    ///
    /// # Errors
    /// If this kernel or the process' rights do not allow it.
    pub fn start(settings: &Settings) -> Result<Self, Refusal> {
        let types = types_of_kernel()?;
        let critical_bytes = u64::from(settings.critical_bytes);
        let bulk_bytes = u64::from(settings.bulk_bytes);
        let hierarchy = settings.hierarchy.number();
        let hierarchy_number = settings.hierarchy.kernel_number();
        let processors = processors()?;
        let mut ebpf = EbpfLoader::new()
            .btf(Some(&types))
            .override_global("hierarchy", &hierarchy, true)
            .override_global("hierarchy_number", &hierarchy_number, true)
            .override_global("bulk_budget", &settings.bulk_budget, true)
            .override_global("bulk_bytes", &bulk_bytes, true)
            .override_global("critical_budget", &settings.critical_budget, true)
            .override_global("critical_bytes", &critical_bytes, true)
            .map_max_entries("critical", settings.critical_bytes)
            .map_max_entries("bulk", settings.bulk_bytes)
            .map_max_entries("drafts", processors * 2 + PREEMPTED)
            .map_max_entries("free_drafts", processors + PREEMPTED)
            .load(OBJECT)
            .map_err(Refusal::Object)?;
        free_drafts(&mut ebpf, processors)?;
        let calls = Calls::start(settings.tier, &mut ebpf, &types)?;
        tracepoints::start_always(&mut ebpf, &types)?;
        Ok(Self {
            inbox: Inbox::new(take(&mut ebpf, "critical")?, take(&mut ebpf, "bulk")?),
            plans: take(&mut ebpf, "plans")?,
            excluded: take(&mut ebpf, "excluded")?,
            losses: take(&mut ebpf, "losses")?,
            losses_of_anyone: take(&mut ebpf, "losses_of_anyone")?,
            ebpf,
            types: Some(types),
            wanted: Wanted::new(),
            calls,
        })
    }

    /// The one that sees calls, and why it is not a better one.
    pub fn tier(&self) -> (Tier, Option<&str>) {
        (self.calls.tier(), self.calls.because.as_deref())
    }

    /// Calls that are wanted and that this tier does not tell, or not of every kind of program,
    /// because this kernel has no function for them that is known here.
    pub fn unseen(&self) -> BTreeSet<Call> {
        self.calls.functions().map(|functions| functions.unseen().clone()).unwrap_or_default()
    }

    /// From now on exactly these calls are told, of those that can be. What was wanted before and
    /// still is, is told without a gap.
    ///
    /// # Errors
    /// If the kernel refuses the programs for calls, or their table.
    pub fn watch(&mut self, wanted: &BTreeSet<Call>) -> Result<(), Refusal> {
        self.watch_extents(wanted.iter().map(|call| (*call, Extent::All)).collect())
    }

    /// The same, where not all events of a call need be told.
    ///
    /// # Errors
    /// As of [`Self::watch`].
    pub fn watch_extents(&mut self, mut wanted: Wanted) -> Result<(), Refusal> {
        wanted.retain(|call, _| calls::can_tell(*call));
        let plans = calls::plans_of(&wanted);
        let former = calls::plans_of(&self.wanted);
        let nothing = calls::Plan::default();
        let gone =
            former.keys().filter(|place| !plans.contains_key(place)).map(|at| (at, &nothing));
        for (place, plan) in plans.iter().chain(gone) {
            let set = self.plans.set(*place, plan, 0);
            set.map_err(|error| Refusal::Map { name: "plans", error })?;
        }
        self.wanted = wanted;
        let calls = calls::looked_at(&self.wanted);
        let types = self.types.take().map_or_else(types_of_kernel, Ok)?;
        self.calls.watch(&mut self.ebpf, &types, &calls)
    }

    /// The calls of this process are not told: it would otherwise see itself at work.
    ///
    /// # Errors
    /// If more than 256 are excluded.
    pub fn exclude(&mut self, process: u32) -> Result<(), Refusal> {
        let inserted = self.excluded.insert(process, 1, 0);
        inserted.map_err(|error| Refusal::Map { name: "excluded", error })
    }

    /// Waits until there is something, at most so long, then gives one record after the other as it
    /// takes them, in the order of time: as many as there are, or as one turn allows.
    pub fn receive(
        &mut self,
        timeout: Duration,
        sink: &mut dyn FnMut(Result<Record, Damage>),
    ) -> usize {
        let since = Instant::now();
        loop {
            let mut count = 0;
            while count < TURN
                && let Some(record) = self.inbox.next()
            {
                sink(record);
                count += 1;
            }
            let left = timeout.saturating_sub(since.elapsed());
            if count > 0 || left.is_zero() {
                return count;
            }
            std::thread::sleep(left.min(LOOK));
        }
    }

    /// What was lost since the programs were loaded: totals that only grow.
    ///
    /// # Errors
    /// If the kernel's counts cannot be read.
    pub fn losses(&self) -> Result<Vec<Lost>, Refusal> {
        let mut all = loss::read(&self.losses, &self.losses_of_anyone)?;
        if let Some(functions) = self.calls.functions() {
            all.append(&mut functions.losses()?);
        }
        Ok(loss::sum(all))
    }

    /// # Errors
    /// If the kernel does not tell.
    pub fn costs(&self) -> Result<Vec<Cost>, Refusal> {
        let names = ALWAYS.iter().map(|(name, _)| *name);
        let names = names.chain(self.calls.every_call());
        let mut costs = names.map(|name| self.cost(name)).collect::<Result<Vec<_>, _>>()?;
        if let Some(functions) = self.calls.functions() {
            costs.push(functions.cost()?);
        }
        Ok(costs)
    }

    fn cost(&self, name: &'static str) -> Result<Cost, Refusal> {
        let program = self.ebpf.program(name).ok_or(Refusal::Missing(name))?;
        let info = program.info().map_err(|error| Refusal::Program { name, error })?;
        Ok(Cost { program: name, runs: info.run_count(), time: info.run_time() })
    }
}

fn types_of_kernel() -> Result<Btf, Refusal> {
    Btf::from_sys_fs().map_err(Refusal::Types)
}

/// As many as there may ever be: programs know them by their numbers.
fn processors() -> Result<u32, Refusal> {
    let file = "/sys/devices/system/cpu/possible";
    let count = aya::util::nr_cpus()
        .map_err(|(_, error)| Refusal::File { file: file.to_owned(), error })?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX / 4))
}

/// Behind those of the processors.
fn free_drafts(ebpf: &mut Ebpf, processors: u32) -> Result<(), Refusal> {
    let name = "free_drafts";
    let refused = |error| Refusal::Map { name, error };
    let map = ebpf.map_mut(name).ok_or(Refusal::Missing(name))?;
    let mut free: Stack<_, u32> = Stack::try_from(map).map_err(refused)?;
    for slot in processors..processors * 2 + PREEMPTED {
        free.push(slot, 0).map_err(refused)?;
    }
    Ok(())
}

fn take<T>(ebpf: &mut Ebpf, name: &'static str) -> Result<T, Refusal>
where
    T: TryFrom<aya::maps::Map, Error = aya::maps::MapError>,
{
    let map = ebpf.take_map(name).ok_or(Refusal::Missing(name))?;
    T::try_from(map).map_err(|error| Refusal::Map { name, error })
}
