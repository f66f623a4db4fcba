//! System calls and capabilities that the kernel noted → facts of the workloads whose they are.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use detect::Detection;
use model::event::{Act, Call, Container, Event, Process};
use policy::profile::{Deviation, Fact, Mode, Workload};
use sensor::Host;
use sensor::containers::Whose;
use sensor::kernel::Hierarchy;
use sensor::learn::{Learner, Used};

use super::{Profiles, detection};
use crate::output;

/// For so many looks a group may be nobody's: then nothing happens in it.
const PATIENCE: u32 = 60;

/// What the programs in the kernel noted, and of which groups.
pub(super) struct Kernel {
    learner: Learner,
    met: HashSet<u64>,
    /// Groups that nobody met yet, and for how many looks.
    unknown: HashMap<u64, u32>,
    /// Deviations of each group that were told.
    told: HashMap<u64, BTreeSet<Fact>>,
    unlearnt: u64,
    /// That a group could not be learnt about was told.
    has_told: bool,
}

impl Kernel {
    pub(super) fn start(hierarchy: &Hierarchy) -> Result<Self, String> {
        let learner = Learner::start(hierarchy).map_err(|error| error.to_string())?;
        if let Some(why) = learner.without_capabilities() {
            output::note(&format!("profiles: capabilities are not learnt: {why}"));
        }
        let (unknown, told) = (HashMap::new(), HashMap::new());
        Ok(Self { learner, met: HashSet::new(), unknown, told, unlearnt: 0, has_told: false })
    }

    /// Something happened in a group of a container.
    pub(super) fn meet(&mut self, group: u64) {
        if group == 0 || !self.met.insert(group) {
            return;
        }
        if let Err(error) = self.learner.meet(group) {
            // What found no room is tried again with its next event.
            self.met.remove(&group);
            if !self.has_told {
                output::note(&format!("profiles: control group {group}: {error}"));
            }
            self.has_told = true;
        }
    }

    /// Profiles are others now: what was noted is held against them again.
    pub(super) fn read_again(&mut self) {
        self.learner.read_again();
    }

    fn forget(&mut self, group: u64) {
        self.learner.forget(group);
        self.met.remove(&group);
        self.unknown.remove(&group);
    }

    /// What is new, by container.
    fn read(&mut self, host: &Host) -> Vec<(Arc<Container>, Used)> {
        let mut all = Vec::new();
        for group in self.learner.groups() {
            match host.whose(group) {
                Whose::Host => self.forget(group),
                Whose::Container(container) => {
                    self.unknown.remove(&group);
                    // Its description is on its way, or will never come.
                    if !container.described {
                        continue;
                    }
                    let Some(used) = self.learner.read(group) else { continue };
                    if used.is_gone {
                        self.forget(group);
                    }
                    all.push((container, used));
                }
                Whose::Unknown => {
                    let looks = self.unknown.entry(group).or_default();
                    *looks += 1;
                    if *looks > PATIENCE {
                        self.forget(group);
                    }
                }
            }
        }
        all
    }
}

impl Profiles {
    /// Learns what the kernel noted, or tells what of it deviates: an alert a container.
    pub(super) fn take_used(&mut self, host: &Host) -> Vec<(Event, Detection)> {
        let Some(kernel) = &mut self.kernel else { return Vec::new() };
        let all = kernel.read(host);
        let unlearnt = kernel.learner.unlearnt();
        if unlearnt > kernel.unlearnt {
            kernel.unlearnt = unlearnt;
            output::note("profiles: too many control groups: of some no system calls are learnt");
        }
        let mut found = Vec::new();
        for (container, used) in all {
            let Some(workload) = self.workload(&container) else { continue };
            let mut deviations = self.take_of(&workload, &used);
            self.leave_out_told(&mut deviations, &used);
            if !deviations.is_empty() {
                let event = event(container, used.control_group);
                let detection = detection::of_many(&self.rule, &event, &workload, &deviations);
                found.push((event, detection));
            }
        }
        found
    }

    /// What is noted stays so; it is told once a group.
    fn leave_out_told(&mut self, deviations: &mut Vec<Deviation>, used: &Used) {
        let Some(kernel) = &mut self.kernel else { return };
        let told = kernel.told.entry(used.control_group).or_default();
        deviations.retain(|deviation| told.insert(deviation.fact.clone()));
        if used.is_gone || told.is_empty() {
            kernel.told.remove(&used.control_group);
        }
    }

    fn take_of(&mut self, workload: &Workload, used: &Used) -> Vec<Deviation> {
        let today = self.today;
        let Some(kept) = self.kept(workload) else { return Vec::new() };
        if kept.profile.mode == Mode::Learn {
            kept.profile.calls.get_or_insert_default();
            if used.capabilities.is_some() {
                kept.profile.capabilities.get_or_insert_default();
            }
            if used.unnamed > 0 {
                let what = "system calls without a name here were made";
                kept.is_changed |= kept.profile.lacks(what);
            }
        }
        kept.take(facts(used), today)
    }
}

fn facts(used: &Used) -> Vec<Fact> {
    let calls = used.calls.iter().flat_map(|(architecture, names)| {
        names.iter().map(|name| Fact::Call {
            architecture: (*architecture).to_owned(),
            name: (*name).to_owned(),
        })
    });
    let capabilities = used.capabilities.iter().flatten().cloned().map(Fact::Capability);
    calls.chain(capabilities).collect()
}

/// What stands for calls of which the kernel noted that they were made, and not by which process.
fn event(container: Arc<Container>, control_group: u64) -> Event {
    let process = Process { control_group, ..Process::default() };
    Event {
        number: 0,
        time: sensor::Clock::now().now_epoch(),
        call: Call::Other,
        thread: 0,
        processor: 0,
        process: Arc::new(process),
        ancestors: Arc::default(),
        container: Some(container),
        act: Act::Other { number: 0, arguments: [0; 6] },
        result: None,
        denied: false,
    }
}

/// By kind, for one line.
pub(super) fn in_words(deviations: &[Deviation]) -> String {
    let mut kinds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for deviation in deviations {
        kinds.entry(deviation.fact.section()).or_default().push(deviation.fact.to_string());
    }
    let kinds: Vec<String> =
        kinds.into_iter().map(|(kind, all)| format!("{kind}: {}", all.join(", "))).collect();
    format!("uses {}", kinds.join("; "))
}
