//! The programs in the kernel: loaded, told what to look for, emptied of what they saw.
//!
//! One tier stands today: tracepoints. It attaches to system calls only while somebody wants one,
//! because that taxes every call of the machine.

mod hierarchy;
mod inbox;
mod loss;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aya::maps::{Array, HashMap, MapData};
use aya::programs::BtfTracePoint;
use aya::programs::tp_btf::BtfTracePointLinkId;
use aya::{Btf, Ebpf, EbpfLoader};
use model::event::Call;

pub use hierarchy::{Hierarchy, groups_are_of_host, processes_are_of_host};
pub use loss::{Cause, Lost};

use self::inbox::Inbox;
use crate::calls;
use crate::record::{Damage, Record};

#[cfg(target_arch = "x86_64")]
static OBJECT: &[u8] = aya::include_bytes_aligned!("../bpf/prebuilt/guard-x86_64.o");
#[cfg(target_arch = "aarch64")]
static OBJECT: &[u8] = aya::include_bytes_aligned!("../bpf/prebuilt/guard-aarch64.o");

/// The programs that are always there, and the tracepoint of each.
const ALWAYS: [(&str, &str); 4] = [
    ("guard_exec", "sched_process_exec"),
    ("guard_fork", "sched_process_fork"),
    ("guard_exit", "sched_process_exit"),
    ("guard_group", "cgroup_mkdir"),
];
const CALLS: (&str, &str) = ("guard_call", "sys_exit");

/// How long a record may lie before somebody looks. To be woken for each cost its process 20 to 30
/// microseconds on a virtual machine, ten times what making it did; in this time not even a flood
/// fills a hundredth of a buffer.
const LOOK: Duration = Duration::from_millis(10);
/// Records that are handed over before the caller may do its other work, whatever floods.
const TURN: usize = 4_096;

/// What is chosen before the programs are loaded.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bytes for exec, fork, exit and what leads out of containers; a power of two of at least a
    /// page.
    pub critical_bytes: u32,
    /// Bytes for the rest.
    pub bulk_bytes: u32,
    /// Records of one class that a control group may put into the bulk buffer in a tenth of a second.
    pub bulk_budget: u64,
    /// The same for the critical one, counted only while that is more than half full.
    pub critical_budget: u64,
    pub hierarchy: Hierarchy,
}

impl Settings {
    /// For this machine. Sixteen megabytes hold about 8 000 programs' starts.
    pub fn new() -> Self {
        Self {
            critical_bytes: 16 << 20,
            bulk_bytes: 16 << 20,
            bulk_budget: 2_000,
            critical_budget: 200,
            hierarchy: Hierarchy::find(),
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
    types: Btf,
    inbox: Inbox,
    plans: Array<MapData, calls::Plan>,
    excluded: HashMap<MapData, u32, u8>,
    losses: HashMap<MapData, [u64; 2], u64>,
    losses_of_anyone: Array<MapData, u64>,
    wanted: BTreeSet<Call>,
    /// Loaded once, attached while calls are wanted.
    calls_loaded: bool,
    calls_attached: Option<BtfTracePointLinkId>,
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
        let types = Btf::from_sys_fs().map_err(Refusal::Types)?;
        let critical_bytes = u64::from(settings.critical_bytes);
        let hierarchy = settings.hierarchy.number();
        let hierarchy_number = settings.hierarchy.kernel_number();
        let mut ebpf = EbpfLoader::new()
            .btf(Some(&types))
            .override_global("hierarchy", &hierarchy, true)
            .override_global("hierarchy_number", &hierarchy_number, true)
            .override_global("bulk_budget", &settings.bulk_budget, true)
            .override_global("critical_budget", &settings.critical_budget, true)
            .override_global("critical_bytes", &critical_bytes, true)
            .map_max_entries("critical", settings.critical_bytes)
            .map_max_entries("bulk", settings.bulk_bytes)
            .load(OBJECT)
            .map_err(Refusal::Object)?;
        let mut kernel = Self {
            inbox: Inbox::new(take(&mut ebpf, "critical")?, take(&mut ebpf, "bulk")?),
            plans: take(&mut ebpf, "plans")?,
            excluded: take(&mut ebpf, "excluded")?,
            losses: take(&mut ebpf, "losses")?,
            losses_of_anyone: take(&mut ebpf, "losses_of_anyone")?,
            ebpf,
            types,
            wanted: BTreeSet::new(),
            calls_loaded: false,
            calls_attached: None,
        };
        for (name, tracepoint) in ALWAYS {
            kernel.load(name, tracepoint)?;
        }
        for (name, _) in ALWAYS {
            kernel.attach(name)?;
        }
        Ok(kernel)
    }

    /// From now on exactly these calls are told, of those that can be. What was wanted before and
    /// still is, is told without a gap.
    ///
    /// # Errors
    /// If the kernel refuses the program for calls, or its table.
    pub fn watch(&mut self, wanted: &BTreeSet<Call>) -> Result<(), Refusal> {
        let wanted: BTreeSet<Call> =
            wanted.iter().copied().filter(|call| calls::can_tell(*call)).collect();
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
        self.attach_calls()
    }

    fn attach_calls(&mut self) -> Result<(), Refusal> {
        let (name, tracepoint) = CALLS;
        if self.wanted.is_empty() {
            if let Some(link) = self.calls_attached.take() {
                let detached = program(&mut self.ebpf, name)?.detach(link);
                detached.map_err(|error| Refusal::Program { name, error })?;
            }
            return Ok(());
        }
        if !self.calls_loaded {
            self.load(name, tracepoint)?;
            self.calls_loaded = true;
        }
        if self.calls_attached.is_none() {
            self.calls_attached = Some(self.attach(name)?);
        }
        Ok(())
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
        loss::read(&self.losses, &self.losses_of_anyone)
    }

    /// # Errors
    /// If the kernel does not tell.
    pub fn costs(&self) -> Result<Vec<Cost>, Refusal> {
        let names = ALWAYS.iter().map(|(name, _)| *name);
        let names = names.chain(self.calls_loaded.then_some(CALLS.0));
        names.map(|name| self.cost(name)).collect()
    }

    fn cost(&self, name: &'static str) -> Result<Cost, Refusal> {
        let program = self.ebpf.program(name).ok_or(Refusal::Missing(name))?;
        let info = program.info().map_err(|error| Refusal::Program { name, error })?;
        Ok(Cost { program: name, runs: info.run_count(), time: info.run_time() })
    }

    fn load(&mut self, name: &'static str, tracepoint: &str) -> Result<(), Refusal> {
        let loaded = program(&mut self.ebpf, name)?.load(tracepoint, &self.types);
        loaded.map_err(|error| Refusal::Program { name, error })
    }

    fn attach(&mut self, name: &'static str) -> Result<BtfTracePointLinkId, Refusal> {
        let attached = program(&mut self.ebpf, name)?.attach();
        attached.map_err(|error| Refusal::Program { name, error })
    }
}

fn program<'a>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut BtfTracePoint, Refusal> {
    let program = ebpf.program_mut(name).ok_or(Refusal::Missing(name))?;
    program.try_into().map_err(|error| Refusal::Program { name, error })
}

fn take<T>(ebpf: &mut Ebpf, name: &'static str) -> Result<T, Refusal>
where
    T: TryFrom<aya::maps::Map, Error = aya::maps::MapError>,
{
    let map = ebpf.take_map(name).ok_or(Refusal::Missing(name))?;
    T::try_from(map).map_err(|error| Refusal::Map { name, error })
}
