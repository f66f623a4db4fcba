//! The fentry tier: a program at the end of the functions of the wanted calls, and of no others.
//!
//! A program of this kind is loaded for one function, so that the same program is loaded as often as
//! there are functions. The kernel keeps each while its link is held.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use aya::programs::fexit::FExitLink;
use aya::programs::{FExit, ProgramError, ProgramFd};
use aya::{Btf, Ebpf};
use bstr::ByteSlice;
use model::event::Call;

use super::{Cause, Cost, Lost, Refusal, load_again};
use crate::calls::{self, Class};

const PROGRAM: &str = "guard_function";
const TYPES: &str = "/sys/kernel/btf/vmlinux";

pub(super) struct Functions {
    /// Those of calls that the kernel has.
    known: BTreeSet<String>,
    attached: BTreeMap<String, Attached>,
    /// By programs that are gone.
    missed: BTreeMap<Class, u64>,
    /// What none of the kernel's functions tells, in one ABI at least.
    unseen: BTreeSet<Call>,
}

/// In this order: what is counted is read after the last run.
struct Attached {
    link: FExitLink,
    program: ProgramFd,
    class: Class,
}

/// What the kernel counts of a program.
#[derive(Default)]
struct Counts {
    runs: u64,
    time: Duration,
    missed: u64,
}

impl Functions {
    /// Tries it with a function that is hardly ever called. It stays there, because leaving one takes
    /// the kernel longer than having it costs.
    pub(super) fn start(ebpf: &mut Ebpf, types: &Btf) -> Result<Self, Refusal> {
        let mut functions = Self {
            known: known()?,
            attached: BTreeMap::new(),
            missed: BTreeMap::new(),
            unseen: BTreeSet::new(),
        };
        functions.watch(ebpf, types, &BTreeSet::new())?;
        Ok(functions)
    }

    /// Whatever is wanted still is not touched, so that none of its calls is missed.
    pub(super) fn watch(
        &mut self,
        ebpf: &mut Ebpf,
        types: &Btf,
        calls: &BTreeSet<Call>,
    ) -> Result<(), Refusal> {
        let mut wanted = BTreeMap::from([(calls::RARE.to_owned(), Class::Escape)]);
        self.unseen.clear();
        for call in calls {
            let functions = calls::functions_of(*call, &self.known);
            if !functions.is_whole {
                self.unseen.insert(*call);
            }
            let class = calls::class_of(*call);
            wanted.extend(functions.names.into_iter().map(|name| (name, class)));
        }
        for (name, class) in &wanted {
            if !self.attached.contains_key(name) {
                let attached = attach(ebpf, types, name, *class)?;
                self.attached.insert(name.clone(), attached);
            }
        }
        let is_gone = |name: &String, _: &mut Attached| !wanted.contains_key(name);
        for (_, Attached { link, program, class }) in self.attached.extract_if(.., is_gone) {
            drop(link);
            *self.missed.entry(class).or_default() += Counts::read(&program)?.missed;
        }
        Ok(())
    }

    pub(super) fn unseen(&self) -> &BTreeSet<Call> {
        &self.unseen
    }

    /// What the kernel did not let the programs see: it leaves out one that it preempted in the
    /// middle, when another thread of the same processor comes to the same function.
    pub(super) fn losses(&self) -> Result<Vec<Lost>, Refusal> {
        let mut missed = self.missed.clone();
        for attached in self.attached.values() {
            *missed.entry(attached.class).or_default() += Counts::read(&attached.program)?.missed;
        }
        let lost = missed.into_iter().map(|(class, count)| Lost {
            class,
            cause: Cause::Preempted,
            control_group: None,
            count,
        });
        Ok(lost.collect())
    }

    /// Of all functions together.
    pub(super) fn cost(&self) -> Result<Cost, Refusal> {
        let mut cost = Cost { program: PROGRAM, runs: 0, time: Duration::ZERO };
        for attached in self.attached.values() {
            let counts = Counts::read(&attached.program)?;
            cost.runs += counts.runs;
            cost.time += counts.time;
        }
        Ok(cost)
    }
}

/// The names in the kernel's type information; what they name is for the loader to look up.
fn known() -> Result<BTreeSet<String>, Refusal> {
    let types =
        std::fs::read(TYPES).map_err(|error| Refusal::File { file: TYPES.into(), error })?;
    let names = calls::BEGINNINGS.iter().flat_map(|begin| {
        types.find_iter(begin).filter_map(|at| types.get(at..)?.split(|byte| *byte == 0).next())
    });
    Ok(names.filter_map(|name| String::from_utf8(name.to_vec()).ok()).collect())
}

fn attach(ebpf: &mut Ebpf, types: &Btf, name: &str, class: Class) -> Result<Attached, Refusal> {
    let program = ebpf.program_mut(PROGRAM).ok_or(Refusal::Missing(PROGRAM))?;
    let refused = |error| Refusal::Function { name: name.to_owned(), error };
    let program: &mut FExit = program.try_into().map_err(refused)?;
    load_again(|| program.load(name, types)).map_err(refused)?;
    let attached = hold(program).map(|(link, program)| Attached { link, program, class });
    // The object's program is free for the next function; the kernel has what is held.
    program.unload().map_err(refused)?;
    attached.map_err(refused)
}

fn hold(program: &mut FExit) -> Result<(FExitLink, ProgramFd), ProgramError> {
    let link = program.attach()?;
    let link = program.take_link(link)?;
    Ok((link, program.fd()?.try_clone()?))
}

impl Counts {
    fn read(program: &ProgramFd) -> Result<Self, Refusal> {
        let file = format!("/proc/self/fdinfo/{}", program.as_fd().as_raw_fd());
        let text = std::fs::read_to_string(&file);
        let text = text.map_err(|error| Refusal::File { file, error })?;
        let mut counts = Self::default();
        for (name, count) in text.lines().filter_map(|line| line.split_once(":\t")) {
            let count = count.parse().unwrap_or_default();
            match name {
                "run_cnt" => counts.runs = count,
                "run_time_ns" => counts.time = Duration::from_nanos(count),
                "recursion_misses" => counts.missed = count,
                _ => {}
            }
        }
        Ok(counts)
    }
}
