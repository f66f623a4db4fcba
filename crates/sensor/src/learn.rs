//! Which system calls and capabilities containers use: set by programs in the kernel at the beginning
//! of every call, so that nothing is missed, and read from time to time.
//!
//! Control groups are learnt about from when they are made; those that are of no interest have to be
//! given back by [`Learner::forget`]. Of groups that were there before, [`Learner::meet`] begins.
//! While this is in place, every call of the machine passes a program.

mod names;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use aya::maps::{Array, HashMap as Table, MapData};
use aya::programs::BtfTracePoint;
use aya::{Btf, Ebpf, EbpfLoader};

use crate::containers::capability_name;
use crate::kernel::{Hierarchy, Refusal, load_again};

#[cfg(target_arch = "x86_64")]
static OBJECT: &[u8] = aya::include_bytes_aligned!("../bpf/prebuilt/learn-x86_64.o");
#[cfg(target_arch = "aarch64")]
static OBJECT: &[u8] = aya::include_bytes_aligned!("../bpf/prebuilt/learn-aarch64.o");

/// As `learn.bpf.c` has them.
const ABIS: usize = 3;
const NUMBERS: usize = 576;
const CAPABILITIES: usize = 64;
const GONE: usize = ABIS * NUMBERS + CAPABILITIES;
const BYTES: usize = GONE + 8;
/// Control groups that are learnt about at a time, containers' and those that nobody knows yet. Each takes
/// its 1.8 KB of the kernel's memory when it is made; the table itself a megabyte.
const GROUPS_MAX: u32 = 65_536;

/// The programs, and the tracepoint of each: who executed what first, so that no call is looked at
/// before.
const PROGRAMS: [(&str, &str); 4] = [
    ("learn_exec", "sched_process_exec"),
    ("learn_group", "cgroup_mkdir"),
    ("learn_gone", "cgroup_rmdir"),
    ("learn_call", "sys_enter"),
];
/// Since Linux 6.13.
const OF_CAPABILITIES: (&str, &str) = ("learn_capability", "cap_capable");

type Bytes = [u8; BYTES];

/// Programs that run. They leave the kernel when this is dropped.
pub struct Learner {
    groups: Table<MapData, u64, Bytes>,
    unlearnt: Array<MapData, u64>,
    /// What they were like when they were read last: 1.8 KB each would be too much to keep.
    read: HashMap<u64, u64>,
    without_capabilities: Option<String>,
    _ebpf: Ebpf,
}

/// What a control group used since it is learnt about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    pub control_group: u64,
    /// Names by architecture.
    pub calls: BTreeMap<&'static str, BTreeSet<&'static str>>,
    /// Calls that have no name here: of a kernel to come.
    pub unnamed: usize,
    /// None where the kernel does not tell.
    pub capabilities: Option<BTreeSet<String>>,
    /// The group was removed; who has read this has read all.
    pub is_gone: bool,
}

impl Learner {
    /// Loads and attaches the programs.
    ///
    /// # Errors
    /// If this kernel or the process' rights do not allow it.
    pub fn start(hierarchy: &Hierarchy) -> Result<Self, Refusal> {
        let types = Btf::from_sys_fs().map_err(Refusal::Types)?;
        let (number, kernel_number) = (hierarchy.number(), hierarchy.kernel_number());
        let mut ebpf = EbpfLoader::new()
            .btf(Some(&types))
            .override_global("hierarchy", &number, true)
            .override_global("hierarchy_number", &kernel_number, true)
            .map_max_entries("groups", GROUPS_MAX)
            .load(OBJECT)
            .map_err(Refusal::Object)?;
        for program in PROGRAMS {
            attach(&mut ebpf, program, &types)?;
        }
        let capabilities = attach(&mut ebpf, OF_CAPABILITIES, &types);
        let map = |ebpf: &mut Ebpf, name| ebpf.take_map(name).ok_or(Refusal::Missing(name));
        let (groups, unlearnt) = (map(&mut ebpf, "groups")?, map(&mut ebpf, "unlearnt")?);
        Ok(Self {
            groups: Table::try_from(groups).map_err(|error| of_map("groups", error))?,
            unlearnt: Array::try_from(unlearnt).map_err(|error| of_map("unlearnt", error))?,
            read: HashMap::new(),
            without_capabilities: capabilities.err().map(|error| error.to_string()),
            _ebpf: ebpf,
        })
    }

    /// Why capabilities are not told, where they are not.
    pub fn without_capabilities(&self) -> Option<&str> {
        self.without_capabilities.as_deref()
    }

    /// From now on it is learnt about a group that was there before; what it did is not known.
    ///
    /// # Errors
    /// If there is no more room.
    pub fn meet(&mut self, group: u64) -> Result<(), Refusal> {
        const NO_EXISTING: u64 = 1;
        if self.groups.get(&group, 0).is_ok() {
            return Ok(());
        }
        let inserted = self.groups.insert(group, [0; BYTES], NO_EXISTING);
        inserted.map_err(|error| of_map("groups", error))
    }

    /// Nothing more is learnt about it.
    pub fn forget(&mut self, group: u64) {
        self.read.remove(&group);
        // It may be gone already.
        let _gone = self.groups.remove(&group);
    }

    /// All groups that are learnt about.
    pub fn groups(&self) -> Vec<u64> {
        self.groups.keys().filter_map(Result::ok).collect()
    }

    /// What a group used, if that is more than when it was read last.
    pub fn read(&mut self, control_group: u64) -> Option<Used> {
        let bytes: Bytes = self.groups.get(&control_group, 0).ok()?;
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let print = hasher.finish();
        if self.read.insert(control_group, print) == Some(print) {
            return None;
        }
        Some(self.used(control_group, &bytes))
    }

    /// What was read is read as new once more.
    pub fn read_again(&mut self) {
        self.read.clear();
    }

    /// Groups that found no room since the programs were loaded.
    pub fn unlearnt(&self) -> u64 {
        self.unlearnt.get(&0, 0).unwrap_or_default()
    }

    fn used(&self, control_group: u64, bytes: &Bytes) -> Used {
        let (calls, rest) = bytes.split_at(ABIS * NUMBERS);
        let (capabilities, gone) = rest.split_at(CAPABILITIES);
        let is_gone = gone.contains(&1);
        let mut used = Used { control_group, is_gone, ..Used::default() };
        for (abi, calls) in calls.chunks_exact(NUMBERS).enumerate() {
            for (number, _) in calls.iter().enumerate().filter(|(_, used)| **used != 0) {
                match names::of(abi, number) {
                    Some((architecture, name)) => {
                        used.calls.entry(architecture).or_default().insert(name);
                    }
                    None => used.unnamed += 1,
                }
            }
        }
        let has = capabilities.iter().enumerate().filter(|(_, used)| **used != 0);
        let name = |(number, _): (usize, &u8)| capability_name(number);
        used.capabilities = self.without_capabilities.is_none().then(|| has.map(name).collect());
        used
    }
}

fn attach(
    ebpf: &mut Ebpf,
    (name, tracepoint): (&'static str, &str),
    types: &Btf,
) -> Result<(), Refusal> {
    let refused = |error| Refusal::Program { name, error };
    let program = ebpf.program_mut(name).ok_or(Refusal::Missing(name))?;
    let program: &mut BtfTracePoint = program.try_into().map_err(refused)?;
    load_again(|| program.load(tracepoint, types)).map_err(refused)?;
    program.attach().map(drop).map_err(refused)
}

fn of_map(name: &'static str, error: aya::maps::MapError) -> Refusal {
    Refusal::Map { name, error }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use object::{File, Object as _, ObjectSection as _};

    use super::*;
    use crate::record::tests::structure;

    #[test]
    fn both_sides_have_one_layout() {
        for architecture in ["x86_64", "aarch64"] {
            let path = format!("bpf/prebuilt/learn-{architecture}.o");
            let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
            let object = File::parse(bytes.as_slice()).unwrap();
            let types = object.section_by_name(".BTF").unwrap().data().unwrap();
            let members = [("calls", 0), ("capabilities", ABIS * NUMBERS), ("gone", GONE)];
            let members = members.map(|(name, at)| (name.to_owned(), at)).to_vec();
            assert_eq!(structure(types, "learnt"), Some((BYTES, members)), "{architecture}");
        }
    }
}
