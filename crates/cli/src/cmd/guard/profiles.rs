//! `--profiles`: each event becomes part of its workload's profile while that learns, and an alert
//! where it deviates from one that does not learn any more.
//!
//! It must never wait for the disk (`store` does) and never refuse or kill by itself: what profiles
//! that protect refuse is for `prevent` to hold.

mod detection;
mod store;
mod used;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use detect::{Detection, Rule};
use jiff::civil::Date;
use model::event::{Act, Audience, Call, Container, Event};
use policy::profile::{
    Deviation, Fact, Learning, Mode, Observer, Profile, Promotion, Protections, Workload,
};
use sensor::Host;
use sensor::kernel::Hierarchy;

use self::store::{News, Store};
pub(super) use self::store::{PROFILES_MAX, files, name, read, replace};
use self::used::Kernel;
use super::END;
use crate::error::UserError;
use crate::output;

/// A profile that changes is written so often at most: what was learnt since is lost if the guard is
/// killed, and learnt again.
const SAVE: Duration = Duration::from_secs(5);
/// Containers that are remembered; beyond, all are forgotten and met again.
const CONTAINERS_MAX: usize = 16_384;

/// What is missing where a runtime took too long to describe a container.
const UNDESCRIBED: &str = "what a container did before its runtime described it";

/// What profiles are made of. Every call beside is of no interest to them.
const CALLS: &[Call] = &[
    Call::Bind,
    Call::Chmod,
    Call::Chown,
    Call::Connect,
    Call::Creat,
    Call::Fchmod,
    Call::Fchmodat,
    Call::Fchmodat2,
    Call::Fchown,
    Call::Fchownat,
    Call::Fsetxattr,
    Call::Ftruncate,
    Call::Lchown,
    Call::Link,
    Call::Linkat,
    Call::Listen,
    Call::Lsetxattr,
    Call::Mkdir,
    Call::Mkdirat,
    Call::Mknod,
    Call::Mknodat,
    Call::Open,
    Call::OpenByHandleAt,
    Call::Openat,
    Call::Openat2,
    Call::Recvfrom,
    Call::Recvmsg,
    Call::Rename,
    Call::Renameat,
    Call::Renameat2,
    Call::Rmdir,
    Call::Sendmmsg,
    Call::Sendmsg,
    Call::Sendto,
    Call::Setxattr,
    Call::Symlink,
    Call::Symlinkat,
    Call::Truncate,
    Call::Unlink,
    Call::Unlinkat,
];

/// A week has everything that happens on days of the week.
const QUIET_DAYS: u32 = 7;

#[derive(Debug, Args)]
pub(super) struct LearnArguments {
    /// Learn what workloads do, and tell what deviates from that: a folder of profiles
    /// (docs/profiles.md)
    #[arg(long, value_name = "FOLDER")]
    profiles: Option<PathBuf>,
    #[command(flatten)]
    pace: PaceArguments,
}

#[derive(Debug, Args)]
pub(super) struct PaceArguments {
    /// A new profile monitors after so many days without news; 0: once somebody promotes it
    #[arg(long, value_name = "DAYS", default_value_t = QUIET_DAYS)]
    quiet_days: u32,
}

impl PaceArguments {
    pub(super) fn quiet_days(&self) -> Option<u32> {
        Some(self.quiet_days).filter(|days| *days > 0)
    }
}

impl LearnArguments {
    /// None if nobody asked for profiles.
    pub(super) fn start(
        &self,
        (today, enforce): (Date, bool),
        hierarchy: &Hierarchy,
    ) -> Result<Option<Profiles>, UserError> {
        let Some(folder) = &self.profiles else { return Ok(None) };
        let mut profiles = Profiles::start(folder, self.pace.quiet_days(), today, hierarchy)?;
        profiles.protections = enforce.then(|| profiles.all_protections());
        Ok(Some(profiles))
    }

    /// Whether anybody asked for profiles.
    pub(super) fn is_asked(&self) -> bool {
        self.profiles.is_some()
    }
}

/// All profiles of this host.
pub(super) struct Profiles {
    observer: Observer,
    known: BTreeMap<Workload, Kept>,
    /// By id: as it was described last.
    containers: HashMap<String, (Arc<Container>, Option<Workload>)>,
    /// Containers that did something before anybody knew of what they are.
    strangers: HashSet<String>,
    store: Store,
    kernel: Option<Kernel>,
    /// None where nothing is enforced.
    protections: Option<Protections>,
    /// What people changed may refuse something else.
    is_changed: bool,
    rule: Arc<Rule>,
    quiet_days: Option<u32>,
    today: Date,
    /// Workloads that found no room were said.
    is_full: bool,
}

/// A profile, and what is not on disk yet.
struct Kept {
    profile: Profile,
    /// Learnt since it was written: what somebody writes meanwhile does not lose it.
    pending: Vec<Fact>,
    is_changed: bool,
    saved: Option<Instant>,
}

impl Profiles {
    fn start(
        folder: &Path,
        quiet_days: Option<u32>,
        today: Date,
        hierarchy: &Hierarchy,
    ) -> Result<Self, UserError> {
        let (store, profiles) = Store::open(folder)?;
        let kernel = match Kernel::start(hierarchy) {
            Ok(kernel) => Some(kernel),
            Err(why) => {
                output::note(&format!("profiles: system calls are not learnt: {why}"));
                None
            }
        };
        let known = profiles.into_iter().map(|it| (it.workload.clone(), Kept::new(it)));
        Ok(Self {
            observer: Observer::default(),
            known: known.collect(),
            containers: HashMap::new(),
            strangers: HashSet::new(),
            store,
            kernel,
            protections: None,
            is_changed: false,
            rule: detection::rule(),
            quiet_days,
            today,
            is_full: false,
        })
    }

    /// The calls that have to be told.
    pub(super) fn calls() -> BTreeSet<Call> {
        CALLS.iter().copied().collect()
    }

    /// How many learn, monitor and protect.
    pub(super) fn summary(&self) -> String {
        let count = |mode: Mode| self.known.values().filter(|it| it.profile.mode == mode).count();
        let [learn, monitor, protect] = Mode::ALL.map(count);
        format!("profiles: {learn} learn, {monitor} monitor, {protect} protect")
    }

    /// What the profiles that protect refuse; None where nothing is enforced.
    pub(super) fn protections(&self) -> Option<&Protections> {
        self.protections.as_ref()
    }

    /// Whether they refuse something else since it was last asked.
    pub(super) fn protects_otherwise(&mut self) -> bool {
        if self.protections.is_none() || !std::mem::take(&mut self.is_changed) {
            return false;
        }
        let former = self.protections.replace(self.all_protections());
        former != self.protections
    }

    fn all_protections(&self) -> Protections {
        Protections::of(self.known.values().map(|kept| &kept.profile))
    }

    /// Learns from an event, or tells what of it deviates.
    pub(super) fn pass(&mut self, event: &Event) -> Vec<Detection> {
        let facts = self.observer.facts(event);
        self.note_loss(event);
        let Some(container) = &event.container else { return Vec::new() };
        let Some(workload) = self.workload(container) else {
            if !facts.is_empty() && self.strangers.len() < CONTAINERS_MAX {
                self.strangers.insert(container.id.clone());
            }
            return Vec::new();
        };
        if let Some(kernel) = &mut self.kernel {
            kernel.meet(event.process.control_group);
        }
        if facts.is_empty() {
            return Vec::new();
        }
        let was_stranger = self.strangers.remove(&container.id);
        let today = self.today;
        let is_start = self.observer.is_start(event);
        let Some(kept) = self.kept(&workload) else { return Vec::new() };
        if kept.profile.mode == Mode::Learn {
            kept.note(container, is_start);
            if was_stranger {
                kept.is_changed |= kept.profile.lacks(UNDESCRIBED);
            }
        }
        let deviations = kept.take(facts, today);
        let rule = &self.rule;
        deviations.iter().map(|it| detection::of(rule, event, &workload, it)).collect()
    }

    /// Once a second: what the kernel counted, what people changed, days, files.
    pub(super) fn look(&mut self, host: &Host, today: Date) -> Vec<(Event, Detection)> {
        self.today = today;
        let found = self.take_used(host);
        for news in self.store.news() {
            if let (News::Changed(_) | News::Removed(_), Some(kernel)) = (&news, &mut self.kernel) {
                kernel.read_again();
            }
            self.take_news(news);
        }
        for (workload, kept) in &mut self.known {
            match kept.profile.promote_if_due(today) {
                Some(Promotion::Until(day)) => {
                    kept.is_changed = true;
                    output::note(&format!("profile `{workload}` monitors: it learnt until {day}"));
                }
                Some(Promotion::Quiet(days)) => {
                    kept.is_changed = true;
                    output::note(&format!(
                        "profile `{workload}` monitors: {days} days without news"
                    ));
                }
                None => {}
            }
            let is_due = kept.saved.is_none_or(|saved| saved.elapsed() >= SAVE);
            if kept.is_changed && is_due {
                kept.save(&self.store);
            }
        }
        found
    }

    /// Writes what is not written yet; what deviates still, and whether all is written.
    pub(super) fn finish(mut self, host: &Host) -> (Vec<(Event, Detection)>, bool) {
        let found = self.take_used(host);
        for kept in self.known.values_mut().filter(|kept| kept.is_changed) {
            kept.save(&self.store);
        }
        (found, self.store.finish(END))
    }

    /// That of a container; None where too little is known of it.
    fn workload(&mut self, container: &Arc<Container>) -> Option<Workload> {
        if let Some((known, workload)) = self.containers.get(&container.id)
            && Arc::ptr_eq(known, container)
        {
            return workload.clone();
        }
        if self.containers.len() >= CONTAINERS_MAX {
            self.containers.clear();
        }
        let workload = Workload::of(container);
        self.containers.insert(container.id.clone(), (Arc::clone(container), workload.clone()));
        workload
    }

    fn kept(&mut self, workload: &Workload) -> Option<&mut Kept> {
        if !self.known.contains_key(workload) {
            if self.known.len() >= PROFILES_MAX {
                if !self.is_full {
                    output::note(&format!(
                        "more than {PROFILES_MAX} workloads: the rest has no profile"
                    ));
                }
                self.is_full = true;
                return None;
            }
            let learning = Learning::new(self.today, self.quiet_days);
            let kept = Kept::new(Profile::new(workload.clone(), learning));
            self.known.insert(workload.clone(), kept);
        }
        self.known.get_mut(workload)
    }

    /// What was lost is not part of any profile, which those that it could be of say.
    fn note_loss(&mut self, event: &Event) {
        let Act::Lost(loss) = &event.act else { return };
        let of = event.container.as_ref().and_then(|container| Workload::of(container));
        if of.is_none() && loss.of != Audience::Anyone {
            return;
        }
        for (workload, kept) in &mut self.known {
            let is_of_it = of.as_ref().is_none_or(|of| of == workload);
            if is_of_it && kept.profile.mode == Mode::Learn {
                kept.is_changed |= kept.profile.note_loss(loss);
            }
        }
    }

    fn take_news(&mut self, news: News) {
        match news {
            News::Written(workload) => {
                if let Some(kept) = self.known.get_mut(&workload).filter(|kept| !kept.is_changed) {
                    kept.pending.clear();
                }
            }
            News::Changed(profile) => {
                output::note(&format!("profile `{}` was changed: read anew", profile.workload));
                self.is_changed = true;
                let mut fresh = Kept::new(*profile);
                if let Some(former) = self.known.remove(&fresh.profile.workload) {
                    fresh.take(former.pending, self.today);
                }
                self.known.insert(fresh.profile.workload.clone(), fresh);
            }
            News::Removed(workload) => {
                output::note(&format!(
                    "profile `{workload}` was removed: it is learnt from the beginning"
                ));
                self.known.remove(&workload);
                self.is_changed = true;
            }
            News::Trouble(why) => output::note(&format!("profiles: {why}")),
        }
    }
}

impl Kept {
    fn new(profile: Profile) -> Self {
        Self { profile, pending: Vec::new(), is_changed: false, saved: None }
    }

    /// Learns the facts, or tells which deviate.
    fn take(&mut self, facts: Vec<Fact>, today: Date) -> Vec<Deviation> {
        if self.profile.mode != Mode::Learn {
            return facts.iter().filter_map(|fact| self.profile.deviates(fact)).collect();
        }
        let mut is_news = false;
        for fact in facts {
            if self.profile.learn(&fact) {
                is_news = true;
                self.pending.push(fact);
            }
        }
        self.is_changed |= self.profile.note_day(today, is_news) || is_news;
        Vec::new()
    }

    fn note(&mut self, container: &Container, is_start: bool) {
        self.profile.learning.starts += u64::from(is_start);
        self.is_changed |= self.profile.note_image(container) || is_start;
    }

    fn save(&mut self, store: &Store) {
        store.write(&self.profile);
        self.is_changed = false;
        self.saved = Some(Instant::now());
    }
}
