//! The preventions of the policy and of profiles that protect, in the hands of what can hold them on this
//! host: programs in the kernel, or fanotify for what those cannot.
//!
//! ```text
//! bounds → preventions → who holds each · events → whose group has which · denials → alerts
//! ```
//!
//! A container's group has what its bounds say from its first event on, and again from when its runtime
//! has described it. Nothing here decides: a group of the host has nothing unless a scope says so.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use detect::{Detection, Rule, RuleFile, Ruleset};
use model::event::{
    Act, Call, Container, Descriptor, Endpoint, Event, Object, PathArgument, Socket,
};
use model::{Denial, Prevention, Priority, Refused};
use policy::guard::{Held, Moment};
use sensor::Host;
use sensor::prevent::fanotify::{self, Fanotify};
use sensor::prevent::{self, Preventions};
use serde_json::{Value, json};

use super::bounds::Bounds;
use super::live::of_refusal;
use crate::error::UserError;
use crate::output;

/// Groups that are remembered, fewer than the kernel's tables have room for: beyond, all are forgotten,
/// and those that live are met again by their next event.
const GROUPS_MAX: usize = 60_000;

/// How long former fanotify preventions wait for the mounts of all containers to be marked by the new
/// ones; a host of thousands takes seconds.
const SETTLING: Duration = Duration::from_secs(30);

/// On all alerts of preventions.
pub(super) const TAG: &str = "prevention";

/// What is held, and for whom.
pub(super) struct Prevent {
    preventions: Vec<Named>,
    kernel: Preventions,
    files: Option<OfFiles>,
    groups: HashMap<u64, Group>,
    /// Denials that the kernel did not tell, as far as they were said.
    untold: u64,
    former: Option<Former>,
}

/// What was held before, which is told of until others take the place of these.
struct Former {
    preventions: Vec<Named>,
    /// They refuse on until the new ones have marked all that they were asked for.
    files: Vec<OfFiles>,
    settling: Option<Receiver<()>>,
    since: Instant,
}

/// A prevention, and what its alerts are called.
struct Named {
    prevention: Prevention,
    rule: Arc<Rule>,
}

/// What fanotify holds, and which bit of it is which of the policy's.
struct OfFiles {
    fanotify: Fanotify,
    bits: Vec<usize>,
    has_ended: bool,
    /// Of what it counts, as much as was said.
    said: [u64; 4],
}

/// Whose group it is, and what it has.
struct Group {
    container: Option<Arc<Container>>,
    held: Held,
}

impl Prevent {
    /// None if nothing can be prevented: profiles may protect later, for groups that were met by then.
    /// `moment` says whether anything may be refused. Those `beside` hold on until [`Self::take_over`].
    pub(super) fn start(
        bounds: Bounds<'_>,
        moment: Moment,
        beside: Option<&Self>,
    ) -> Result<Option<Self>, UserError> {
        let preventions = bounds.preventions();
        if beside.is_none() && (preventions.is_empty() || !moment.enforce) {
            release_former();
        }
        bounds.notes().iter().for_each(|note| output::note(note));
        if preventions.is_empty() && bounds.protections.is_none() {
            return Ok(None);
        }
        let pins = prevent::Settings::new().pins.filter(|_| moment.enforce);
        let settings = prevent::Settings { pins, ..prevent::Settings::new() };
        let kernel = match beside {
            Some(former) => former.kernel.beside(&preventions, &settings),
            None => Preventions::start(&preventions, &settings),
        };
        let kernel = kernel.map_err(|error| of_refusal(&error))?;
        let (files, held) = match OfFiles::start(&preventions, kernel.held()) {
            Ok(started) => started,
            Err(error) => {
                kernel.release();
                return Err(error);
            }
        };
        for (prevention, by) in preventions.iter().zip(held) {
            output::note(&format!("prevention `{}`: {by}", prevention.id));
        }
        if let Some(why) = kernel.ends_with_us().filter(|_| moment.enforce) {
            output::note(&format!("what is refused ends with the guard: {why}"));
        }
        let named = |prevention: Prevention| {
            let rule = rule(&prevention.id)?;
            Some(Named { prevention, rule })
        };
        let preventions = preventions.into_iter().filter_map(named).collect();
        let groups = HashMap::new();
        let mut started = Self { preventions, kernel, files, groups, untold: 0, former: None };
        started.default(bounds, moment);
        Ok(Some(started))
    }

    /// The process of an event is in a group: it has from now on what holds for it.
    pub(super) fn meet(&mut self, event: &Event, bounds: Bounds<'_>, moment: Moment) {
        let group = event.process.control_group;
        let container = event.container.as_ref();
        let is_same = |known: &Group| match (&known.container, container) {
            (Some(known), Some(container)) => Arc::ptr_eq(known, container),
            (known, container) => known.is_none() && container.is_none(),
        };
        if group == 0 || self.groups.get(&group).is_some_and(is_same) {
            return;
        }
        if self.groups.len() >= GROUPS_MAX {
            self.forget_all();
        }
        let held = bounds.held(container.map(Arc::as_ref), moment);
        let had = self.groups.insert(group, Group { container: container.cloned(), held });
        // One that was not met may have what a guard before us left, or what a group above it has.
        if had.is_none_or(|had| had.held != held) {
            self.hold(group, held);
        }
    }

    /// Another day, on which a policy may say something else.
    pub(super) fn judge_anew(&mut self, bounds: Bounds<'_>, moment: Moment) {
        self.default(bounds, moment);
        let mut changed = Vec::new();
        for (group, known) in &mut self.groups {
            let held = bounds.held(known.container.as_deref(), moment);
            if held != known.held {
                known.held = held;
                changed.push((*group, held));
            }
        }
        for (group, held) in changed {
            self.hold(group, held);
        }
    }

    /// Hands over what was refused or observed, as an event and what is told of it.
    pub(super) fn denials(&mut self, host: &mut Host, pass: &mut dyn FnMut(Event, Detection)) {
        let mut denials = Vec::new();
        self.kernel.denials(&mut |denial| denials.push(denial));
        if let Some(files) = &mut self.files {
            files.fanotify.denials(&mut |denial| denials.push(denial));
        }
        if let Some(former) = &mut self.former {
            former.denials(&mut denials);
        }
        for denial in denials {
            let former = self.former.iter().flat_map(|former| &former.preventions);
            let mut all = self.preventions.iter().chain(former);
            let named = all.find(|it| it.prevention.id == denial.prevention);
            let Some(Named { prevention, rule }) = named else { continue };
            let (call, act) = deed(&prevention.act, &denial);
            let event = host.denied(&denial, call, act);
            pass(event, detection(rule, &denial));
        }
    }

    /// What is not held as it should be, said once.
    pub(super) fn news(&mut self) -> Vec<String> {
        let mut news = Vec::new();
        match self.kernel.untold() {
            Ok(untold) => {
                let count = untold.buffer_full + untold.over_budget + untold.damaged;
                if count > self.untold {
                    news.push(format!("{} denials were not told", count - self.untold));
                }
                self.untold = count;
            }
            Err(error) => news.push(error.to_string()),
        }
        if let Some(files) = &mut self.files {
            let counts = files.fanotify.counts();
            let all = [
                (
                    counts.unjudged,
                    "questions were let through, for nothing was found out of who asked",
                ),
                (counts.unreadable, "reads of questions failed"),
                (counts.denials_lost, "denials were not told"),
                (counts.gaps_lost, "gaps were not told"),
            ];
            for ((count, what), said) in all.into_iter().zip(&mut files.said) {
                if count > *said {
                    news.push(format!("fanotify: {} {what}", count - *said));
                    *said = count;
                }
            }
            files.fanotify.gaps(&mut |gap| {
                news.push(format!("control group {}: {}", gap.control_group, gap.why));
            });
            if let Some(why) = files.fanotify.ended().filter(|_| !files.has_ended) {
                files.has_ended = true;
                news.push(format!("fanotify refuses nothing any more: {why}"));
            }
        }
        news
    }

    /// Everything is let through from now on.
    pub(super) fn end(self) {
        self.kernel.release();
    }

    /// The groups that were met have from now on what these say; the former ones end only then, so that
    /// in between no group is without either.
    pub(super) fn take_over(&mut self, former: Self, bounds: Bounds<'_>, moment: Moment) {
        for (number, group) in former.groups {
            let held = bounds.held(group.container.as_deref(), moment);
            self.groups.insert(number, Group { held, ..group });
            self.hold(number, held);
        }
        self.kernel.retire(former.kernel);
        self.untold = former.untold;
        let leaving = former.former.into_iter().flat_map(|it| it.files).chain(former.files);
        self.former = Some(Former {
            preventions: former.preventions,
            files: leaving.collect(),
            settling: self.files.as_ref().map(|it| it.fanotify.settling()),
            since: Instant::now(),
        });
    }

    fn forget_all(&mut self) {
        for group in self.groups.drain().map(|(group, _)| group) {
            self.kernel.forget(group);
            if let Some(files) = &mut self.files {
                files.fanotify.forget(group);
            }
        }
    }

    /// Of a container that nobody has met yet. Fanotify tells containers from the host by itself; the
    /// kernel's programs do not, so there a group has nothing before it was met.
    fn default(&mut self, bounds: Bounds<'_>, moment: Moment) {
        let held = bounds.held_unknown(moment);
        if let Some(files) = &mut self.files {
            files.fanotify.default(files.of_policy(held.bits & !held.refused), false);
            files.fanotify.default(files.of_policy(held.refused), true);
        }
    }

    fn hold(&mut self, group: u64, held: Held) {
        let observed = held.bits & !held.refused;
        for (bits, refuse) in [(observed, false), (held.refused, true)] {
            if let Err(error) = self.kernel.set(group, bits, refuse) {
                output::note(&format!("control group {group}: {error}"));
                self.groups.remove(&group);
            }
            if let Some(files) = &mut self.files {
                files.fanotify.set(group, files.of_policy(bits), refuse);
            }
        }
    }
}

impl Former {
    /// Theirs, and their end once nobody needs them any more.
    fn denials(&mut self, denials: &mut Vec<Denial>) {
        for files in &mut self.files {
            files.fanotify.denials(&mut |denial| denials.push(denial));
        }
        let is_settled = self
            .settling
            .as_ref()
            .is_none_or(|settling| !matches!(settling.try_recv(), Err(TryRecvError::Empty)));
        if is_settled || self.since.elapsed() > SETTLING {
            for files in self.files.drain(..) {
                files.fanotify.end(&mut |denial| denials.push(denial));
            }
        }
    }
}

/// For a guard that refuses nothing. What one that lives refuses stays so.
pub(super) fn release_former() {
    if let Err(error) = prevent::release_former() {
        output::note(&format!(
            "what is in the kernel stays: {}",
            error.to_string().replace('\n', ", ")
        ));
    }
}

impl OfFiles {
    /// With a word about who holds each prevention.
    fn start(
        preventions: &[Prevention],
        held: &[prevent::Held],
    ) -> Result<(Option<Self>, Vec<String>), UserError> {
        let (mut bits, mut words) = (Vec::new(), Vec::new());
        for (number, (prevention, held)) in preventions.iter().zip(held).enumerate() {
            words.push(match held {
                prevent::Held::Kernel => "held by the kernel".to_owned(),
                prevent::Held::Cgroup => "held by control groups".to_owned(),
                prevent::Held::NotHere(why) => match fanotify::cannot_hold(&prevention.act) {
                    None => {
                        bits.push(number);
                        "held by fanotify".to_owned()
                    }
                    Some(_) => format!("NOT held here: {}", why.replace('\n', ", ")),
                },
            });
        }
        if bits.is_empty() {
            return Ok((None, words));
        }
        let list: Vec<Prevention> =
            bits.iter().filter_map(|number| preventions.get(*number).cloned()).collect();
        let started = Fanotify::start(&list, fanotify::Settings::new());
        let fanotify = started.map_err(|error| of_refusal(&error))?;
        Ok((Some(Self { fanotify, bits, has_ended: false, said: [0; 4] }), words))
    }

    /// The policy's bits as its own.
    fn of_policy(&self, bits: u64) -> u64 {
        let ours = self.bits.iter().enumerate().filter(|(_, number)| bits & 1 << **number != 0);
        ours.fold(0, |all, (bit, _)| all | 1 << bit)
    }
}

/// What denials of a prevention are told as. Its condition is never asked.
fn rule(id: &str) -> Option<Arc<Rule>> {
    let name = format!("prevention {id}");
    let text = json!([{
        "rule": name,
        "desc": "what a policy of the guard refuses or observes",
        "condition": "evt.type = execve",
        "output": "prevention",
        "priority": "WARNING",
        "tags": [TAG],
    }]);
    let bytes = text.to_string().into_bytes();
    let (ruleset, _) = Ruleset::load(&[RuleFile { name: "policy", bytes: &bytes }]);
    ruleset.rules().first().cloned()
}

fn detection(rule: &Arc<Rule>, denial: &Denial) -> Detection {
    let mut rule = Arc::clone(rule);
    let what = if denial.refused { "refused" } else { "observed, and let through" };
    if denial.refused {
        Arc::make_mut(&mut rule).priority = Priority::Error;
    }
    let object = match denial.object.is_empty() {
        true => String::new(),
        false => format!(" {}", denial.object),
    };
    Detection {
        time: denial.time,
        message: format!("{} ({}): {what}{object}", denial.prevention, denial.name),
        fields: vec![
            ("prevention".to_owned(), denial.prevention.as_str().into()),
            ("prevention.object".to_owned(), text(&denial.object.to_string())),
            ("prevention.refused".to_owned(), denial.refused.into()),
        ],
        rule,
    }
}

fn text(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { text.into() }
}

/// What somebody wanted to do, as far as it is known.
fn deed(refused: &Refused, denial: &Denial) -> (Call, Act) {
    let path =
        || PathArgument { path: denial.object.clone(), resolved: true, ..Default::default() };
    let other = Act::Other { number: 0, arguments: [0; 6] };
    match refused {
        Refused::Execute(_) | Refused::ExecuteForeign | Refused::ExecuteExcept(_) => {
            (Call::Execve, Act::Exec { file: path(), streams: Vec::new() })
        }
        Refused::Read(_) | Refused::Write(_) => {
            let (descriptor, flags) = (Descriptor::default(), Default::default());
            (Call::Openat, Act::Open { descriptor, path: path(), flags, mode: 0 })
        }
        Refused::Connect(_) => match denial.object.to_string().parse() {
            Ok(address) => {
                let remote = Some(Endpoint::Internet(address));
                let object = Object::Socket(Socket { remote, ..Socket::default() });
                (Call::Connect, Act::Connect { descriptor: Descriptor { number: -1, object } })
            }
            Err(_) => (Call::Connect, other),
        },
        Refused::Mount => (Call::Mount, other),
        Refused::Trace => (Call::Ptrace, other),
        Refused::LoadModule => (Call::InitModule, other),
        Refused::LoadBpf => (Call::Bpf, other),
    }
}
