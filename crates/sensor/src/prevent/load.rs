//! The object with the programs: opened, its tables filled, loaded as far as this kernel allows,
//! attached.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::net::IpAddr;

use aya::maps::lpm_trie::Key;
use aya::maps::{Array, HashMap, LpmTrie, Map, MapError};
use aya::programs::links::FdLink;
use aya::programs::{CgroupAttachMode, CgroupSockAddr, Lsm, ProgramError};
use aya::{Btf, BtfError, Ebpf, EbpfLoader};
use model::Prevention;

use super::held::{Held, HeldByAct};
use super::hooks::{AT_GROUPS, HOOKS, Hook};
use super::{Act, Refusal, Settings, networks, of_map, paths, wire};
use crate::kernel::{self, Hierarchy, in_short, load_again};
use crate::{doctor, processes};

#[cfg(target_arch = "x86_64")]
static OBJECT: &[u8] = aya::include_bytes_aligned!("../../bpf/prebuilt/prevent-x86_64.o");
#[cfg(target_arch = "aarch64")]
static OBJECT: &[u8] = aya::include_bytes_aligned!("../../bpf/prebuilt/prevent-aarch64.o");

/// What a prevention's id is kept in for whoever comes next.
pub(super) const ID_BYTES: usize = 128;

/// An object whose tables are in the kernel.
pub(super) struct Object {
    pub(super) ebpf: Ebpf,
    types: Btf,
    /// By act.
    bits: [u64; Act::ALL.len()],
    /// Programs for hooks that this kernel has not, nor needs.
    needless: BTreeSet<&'static str>,
}

/// What keeps programs where they are, by the program's name.
pub(super) type Links = Vec<(&'static str, FdLink)>;

impl Object {
    pub(super) fn open(preventions: &[Prevention], settings: &Settings) -> Result<Self, Refusal> {
        let paths = paths::compile(preventions)?;
        let networks = networks::compile(preventions)?;
        let mut object = Self::for_acts(Act::bits(preventions), settings)?;
        object.fill_paths(&paths)?;
        object.fill_networks(&networks)?;
        object.fill_ids(preventions)?;
        Ok(object)
    }

    /// With empty tables.
    pub(super) fn for_acts(
        bits: [u64; Act::ALL.len()],
        settings: &Settings,
    ) -> Result<Self, Refusal> {
        let types = Btf::from_sys_fs().map_err(kernel::Refusal::Types)?;
        let hierarchy = settings.hierarchy.number();
        let ebpf = EbpfLoader::new()
            .btf(Some(&types))
            .override_global("hierarchy", &hierarchy, true)
            .override_global("act_bits", &bits, true)
            .load(OBJECT)
            .map_err(kernel::Refusal::Object)?;
        let mut object = Self { ebpf, types, bits, needless: BTreeSet::new() };
        object.exempt(&settings.exempt)?;
        Ok(object)
    }

    pub(super) fn take<T>(&mut self, name: &'static str) -> Result<T, Refusal>
    where
        T: TryFrom<Map, Error = MapError>,
    {
        let map = self.ebpf.take_map(name).ok_or(kernel::Refusal::Missing(name))?;
        T::try_from(map).map_err(|error| of_map(name, error))
    }

    /// Loads what the acts need, and says by what each is held if it can be attached.
    pub(super) fn load(&mut self) -> HeldByAct {
        let asked = Act::ALL.into_iter().zip(self.bits).filter(|(_, bits)| *bits != 0);
        let mut held: BTreeMap<Act, Held> = asked.map(|(act, _)| (act, Held::Kernel)).collect();
        for (act, why) in self.load_hooks(&held) {
            held.insert(act, Held::NotHere(why));
        }
        if let Some(Held::NotHere(why)) = held.get(&Act::Connect) {
            let why = why.clone();
            let at_groups = match self.load_at_groups() {
                Ok(()) => Held::Cgroup,
                Err(other) => Held::NotHere(format!("{why}; {other}")),
            };
            held.insert(Act::Connect, at_groups);
        }
        HeldByAct(held)
    }

    /// The acts that some program is missing for, and why.
    fn load_hooks(&mut self, asked: &BTreeMap<Act, Held>) -> BTreeMap<Act, String> {
        let mut missing = BTreeMap::new();
        if let Err(why) = doctor::hooks_are_asked() {
            return asked.keys().map(|act| (*act, why.clone())).collect();
        }
        for hook in HOOKS {
            let acts = hook.acts.iter().filter(|act| asked.contains_key(act));
            let acts: Vec<Act> = acts.filter(|act| !missing.contains_key(*act)).copied().collect();
            if acts.is_empty() {
                continue;
            }
            let mut loaded = self.load_hook(hook);
            if hook.acts == Act::ALL {
                loaded = loaded.and_then(|()| self.try_hook(hook));
            }
            if let Err(why) = loaded {
                missing.extend(acts.into_iter().map(|act| (act, why.clone())));
            }
        }
        missing
    }

    fn load_hook(&mut self, hook: &Hook) -> Result<(), String> {
        let fail = |error: &ProgramError| format!("hook `{}`: {}", hook.hook, in_short(error));
        let program = self.ebpf.program_mut(hook.program).ok_or("the object lacks a program")?;
        let program: &mut Lsm = program.try_into().map_err(|error| fail(&error))?;
        match load_again(|| program.load(hook.hook, &self.types)) {
            Err(ProgramError::Btf(BtfError::UnknownBtfTypeName { .. })) if hook.is_younger => {
                self.needless.insert(hook.program);
                Ok(())
            }
            loaded => loaded.map_err(|error| fail(&error)),
        }
    }

    /// What loads is not always let be attached. Tried for a moment with the program that every act
    /// needs, which refuses nothing.
    fn try_hook(&mut self, hook: &Hook) -> Result<(), String> {
        let attached = self.attach_hook(hook).map(drop);
        attached.map_err(|error| format!("hook `{}`: {}", hook.hook, in_short(&error)))
    }

    fn load_at_groups(&mut self) -> Result<(), String> {
        for name in AT_GROUPS {
            let program = self.at_group(name)?;
            load_again(|| program.load())
                .map_err(|error| format!("program `{name}`: {}", in_short(&error)))?;
        }
        Ok(())
    }

    fn at_group(&mut self, name: &str) -> Result<&mut CgroupSockAddr, String> {
        let program = self.ebpf.program_mut(name).ok_or("the object lacks a program")?;
        program.try_into().map_err(|error: ProgramError| error.to_string())
    }

    /// Attaches what serves an act that is held, and tells the acts for which that failed.
    pub(super) fn attach(&mut self, held: &HeldByAct) -> (Links, Vec<(Act, String)>) {
        let (mut links, mut lost) = (Vec::new(), Vec::new());
        for hook in HOOKS {
            let acts = hook.acts.iter().filter(|act| *held.of(**act) == Held::Kernel);
            let acts: Vec<Act> = acts.copied().collect();
            if acts.is_empty() || self.needless.contains(hook.program) {
                continue;
            }
            match self.attach_hook(hook) {
                Ok(link) => links.push((hook.program, link)),
                Err(error) => {
                    let why = format!("hook `{}`: {}", hook.hook, in_short(&error));
                    lost.extend(acts.into_iter().map(|act| (act, why.clone())));
                }
            }
        }
        if *held.of(Act::Connect) == Held::Cgroup {
            match self.attach_at_groups() {
                Ok(at_groups) => links.extend(at_groups),
                Err(why) => lost.push((Act::Connect, why)),
            }
        }
        (links, lost)
    }

    fn attach_hook(&mut self, hook: &Hook) -> Result<FdLink, ProgramError> {
        let program = self.ebpf.program_mut(hook.program).ok_or(ProgramError::NotLoaded)?;
        let program: &mut Lsm = program.try_into()?;
        let link = program.attach()?;
        Ok(program.take_link(link)?.into())
    }

    /// At the root of the unified hierarchy, beside what others have there.
    fn attach_at_groups(&mut self) -> Result<Links, String> {
        let root = Hierarchy::unified().ok_or("no control groups of version 2 are mounted")?;
        let folder = File::open(&root).map_err(|error| format!("{}: {error}", root.display()))?;
        let mut links = Vec::new();
        for name in AT_GROUPS {
            let program = self.at_group(name)?;
            let fail = |error: ProgramError| {
                let hint =
                    "hint: a program that somebody attached alone lets no other one be there";
                format!("`{}`, program `{name}`: {}\n{hint}", root.display(), in_short(&error))
            };
            let link = program.attach(&folder, CgroupAttachMode::Single).map_err(fail)?;
            let link = program.take_link(link).map_err(fail)?;
            links.push((*name, link.try_into().map_err(|error| format!("{error}"))?));
        }
        Ok(links)
    }

    fn fill_paths(&mut self, rules: &BTreeMap<Vec<u8>, paths::Rule>) -> Result<(), Refusal> {
        const NAME: &str = "paths";
        let mut table: LpmTrie<_, [u8; paths::KEY_BYTES], wire::PathRule> =
            LpmTrie::try_from(self.map(NAME)?).map_err(|error| of_map(NAME, error))?;
        for (path, rule) in rules {
            let mut key = [0; paths::KEY_BYTES];
            for (to, from) in key.iter_mut().zip(path) {
                *to = *from;
            }
            let key = Key::new(bits_of_bytes(path.len()), key);
            let inserted = table.insert(&key, [rule.bits, rule.above], 0);
            inserted.map_err(|error| of_map(NAME, error))?;
        }
        Ok(())
    }

    fn fill_networks(
        &mut self,
        rules: &BTreeMap<networks::Key, networks::Rule>,
    ) -> Result<(), Refusal> {
        for ((address, prefix), rule) in rules {
            let prefix = u32::from(*prefix);
            match address {
                IpAddr::V4(address) => {
                    self.add_network("networks4", prefix, address.octets(), rule)
                }
                IpAddr::V6(address) => {
                    self.add_network("networks6", prefix, address.octets(), rule)
                }
            }?;
        }
        Ok(())
    }

    fn add_network<const BYTES: usize>(
        &mut self,
        name: &'static str,
        prefix: u32,
        address: [u8; BYTES],
        rule: &networks::Rule,
    ) -> Result<(), Refusal> {
        let mut table: LpmTrie<_, [u8; BYTES], wire::NetworkRule> =
            LpmTrie::try_from(self.map(name)?).map_err(|error| of_map(name, error))?;
        let inserted = table.insert(&Key::new(prefix, address), rule.words(), 0);
        inserted.map_err(|error| of_map(name, error))
    }

    fn fill_ids(&mut self, preventions: &[Prevention]) -> Result<(), Refusal> {
        const NAME: &str = "ids";
        let mut table: Array<_, [u8; ID_BYTES]> =
            Array::try_from(self.map(NAME)?).map_err(|error| of_map(NAME, error))?;
        for (bit, prevention) in (0u32..).zip(preventions) {
            let set = table.set(bit, id_bytes(&prevention.id), 0);
            set.map_err(|error| of_map(NAME, error))?;
        }
        Ok(())
    }

    /// Ourselves, and whoever else is named.
    fn exempt(&mut self, processes: &[u32]) -> Result<(), Refusal> {
        const NAME: &str = "exempt";
        let mut table: HashMap<_, u32, u64> =
            HashMap::try_from(self.map(NAME)?).map_err(|error| of_map(NAME, error))?;
        for process in processes.iter().copied().chain([std::process::id()]) {
            // One that is gone is nobody.
            let Some(born) = processes::birth(process) else { continue };
            let inserted = table.insert(process, born, 0);
            inserted.map_err(|error| of_map(NAME, error))?;
        }
        Ok(())
    }

    fn map(&mut self, name: &'static str) -> Result<&mut Map, Refusal> {
        Ok(self.ebpf.map_mut(name).ok_or(kernel::Refusal::Missing(name))?)
    }
}

/// With zeros behind it; what is longer is told by its beginning.
pub(super) fn id_bytes(id: &str) -> [u8; ID_BYTES] {
    let mut bytes = [0; ID_BYTES];
    for (to, from) in bytes.iter_mut().zip(id.as_bytes()) {
        *to = *from;
    }
    bytes
}

fn bits_of_bytes(bytes: usize) -> u32 {
    u32::try_from(bytes * 8).unwrap_or(u32::MAX)
}
