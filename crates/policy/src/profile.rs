//! Profiles: what a workload does, learnt from events, looked through by people, then held against
//! what it does.
//!
//! ```text
//! Event → Observer → Fact → Profile::learn            while it learns
//!                         → Profile::deviates → Deviation   while it monitors or protects
//!         → Protections                             what is refused while it protects
//! Profile ⇄ YAML, diff, seccomp profile, entries of a policy
//! ```
//!
//! Learning and monitoring ask the same of an event, so that what was learnt never deviates. A profile
//! has limits; reaching one makes it wider, which it says of itself. This module is pure: days arrive
//! as arguments, files are read and written elsewhere.

mod destination;
mod deviation;
mod diff;
mod fact;
mod lifecycle;
mod observer;
mod path;
mod prevent;
mod program;
mod read;
mod seccomp;
mod tree;
mod widening;
mod workload;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use model::event::{Container, Loss};

pub use self::destination::{Destinations, Port, Target};
pub use self::deviation::Deviation;
pub use self::fact::Fact;
pub use self::lifecycle::{Learning, Mode, Promotion};
pub use self::observer::Observer;
pub use self::path::Pattern;
pub use self::prevent::{Never, Protections};
pub use self::program::{Origin, Parent, Program, Programs};
pub use self::seccomp::{Seccomp, SeccompError};
pub use self::tree::Tree;
pub use self::widening::{Reason, Widening};
pub use self::workload::Workload;

/// Digests of images that are kept as evidence: the last ones of a workload that is built often.
const IMAGES_MAX: usize = 32;
/// Ports that somebody waits at.
const LISTENS_MAX: usize = 64;
/// Things that are said of a profile that lacks something, and of what is wide in it.
const SAID_MAX: usize = 256;
/// Architectures of calls: the machine's own, its older one, and x32.
const ARCHITECTURES_MAX: usize = 4;
/// Calls of one architecture: Linux has fewer than 500.
const CALLS_MAX: usize = 1_024;
/// Linux has 41.
const CAPABILITIES_MAX: usize = 64;

/// What a workload does.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    pub workload: Workload,
    pub mode: Mode,
    pub learning: Learning,
    /// Digests of the images that it was learnt from.
    pub images: BTreeSet<String>,
    pub programs: Programs,
    /// Files that were written, made, renamed, removed, or given another mode or owner.
    pub written: Tree,
    /// Files of volumes and other mounts that were read: an image's own are not worth a word.
    pub read: Tree,
    pub destinations: Destinations,
    pub listens: BTreeSet<Port>,
    /// As `capabilities(7)` has them, in lower case and without `cap_`. None where the kernel did
    /// not tell.
    pub capabilities: Option<BTreeSet<String>>,
    /// System calls by architecture. None where nobody looked.
    pub calls: Option<BTreeMap<String, BTreeSet<String>>>,
    /// What is wider than what was seen.
    pub widened: BTreeSet<Widening>,
    /// What was not seen.
    pub incomplete: BTreeSet<String>,
}

impl Profile {
    /// One of which nothing is known yet.
    pub fn new(workload: Workload, learning: Learning) -> Self {
        Self {
            workload,
            mode: Mode::Learn,
            learning,
            images: BTreeSet::new(),
            programs: Programs::default(),
            written: Tree::default(),
            read: Tree::default(),
            destinations: Destinations::default(),
            listens: BTreeSet::new(),
            capabilities: None,
            calls: None,
            widened: BTreeSet::new(),
            incomplete: BTreeSet::new(),
        }
    }

    /// Whether the fact is part of the profile.
    pub fn covers(&self, fact: &Fact) -> bool {
        match fact {
            Fact::Program { path, origin, parent } => self.programs.covers(path, *origin, parent),
            Fact::Written(path) => self.written.covers(path),
            Fact::Read(path) => self.read.covers(path),
            Fact::Destination { target, port, names } => {
                let is_known = |(name, server): &(Target, Target)| {
                    // A name counts if whoever gave it is somebody that the workload asks.
                    self.destinations.covers(server, Port::Udp(53))
                        && self.destinations.covers(name, *port)
                };
                self.destinations.covers(target, *port) || names.iter().any(is_known)
            }
            Fact::Listen(port) => self.listens.contains(port) || self.listens.contains(&Port::Any),
            Fact::Capability(name) => {
                self.capabilities.as_ref().is_some_and(|all| all.contains(name))
            }
            Fact::Call { architecture, name } => {
                let calls = self.calls.as_ref().and_then(|all| all.get(architecture));
                calls.is_some_and(|calls| calls.contains(name))
            }
        }
    }

    /// Takes a fact in; whether it was new.
    pub fn learn(&mut self, fact: &Fact) -> bool {
        if self.covers(fact) {
            return false;
        }
        let widened = &mut self.widened;
        let mut widen = |section: &str, what: &dyn core::fmt::Display, why: Reason| {
            if widened.len() < SAID_MAX {
                widened.insert(Widening::new(section, what, why));
            }
        };
        match fact {
            Fact::Program { path, origin, parent } => {
                self.programs
                    .add(path, *origin, parent, &mut |it, why| widen("programs", &it, why));
            }
            Fact::Written(path) => {
                self.written.add(path, &mut |it, why| widen("written", &it, why));
            }
            Fact::Read(path) => self.read.add(path, &mut |it, why| widen("read", &it, why)),
            Fact::Destination { target, port, names } => {
                // By its name, if it has one: addresses of names change.
                let named = names.first().map(|(name, _)| name);
                let target = named.unwrap_or(target);
                let widen = &mut |it: String, why| widen("destinations", &it, why);
                self.destinations.add(target, *port, widen);
            }
            Fact::Listen(port) => {
                self.listens.insert(*port);
                if self.listens.len() > LISTENS_MAX {
                    self.listens = [Port::Any].into();
                    widen("listens", &Port::Any, Reason::Ports);
                }
            }
            Fact::Capability(name) => {
                let all = self.capabilities.get_or_insert_default();
                if all.len() < CAPABILITIES_MAX {
                    all.insert(name.clone());
                }
            }
            Fact::Call { architecture, name } => {
                let all = self.calls.get_or_insert_default();
                if all.len() < ARCHITECTURES_MAX || all.contains_key(architecture) {
                    let calls = all.entry(architecture.clone()).or_default();
                    if calls.len() < CALLS_MAX {
                        calls.insert(name.clone());
                    }
                }
            }
        }
        true
    }

    /// The image that a container runs from; whether it is another one.
    pub fn note_image(&mut self, container: &Container) -> bool {
        let image = container.image.as_ref();
        let digest = image.and_then(|image| image.digest.as_ref().or(image.id.as_ref()));
        self.images.len() < IMAGES_MAX && digest.is_some_and(|it| self.images.insert(it.clone()))
    }

    /// Events that could have been part of it; whether that was not said before.
    pub fn note_loss(&mut self, loss: &Loss) -> bool {
        self.lacks(&format!("events of the class {} were lost ({})", loss.class, loss.cause))
    }

    /// Something that nobody saw; whether it was not said before.
    pub fn lacks(&mut self, what: &str) -> bool {
        self.incomplete.len() < SAID_MAX && self.incomplete.insert(what.to_owned())
    }

    /// Everything that it holds, as facts; wide ones are facts about patterns.
    pub fn facts(&self) -> Vec<Fact> {
        let mut facts = Vec::new();
        for (path, program) in self.programs.iter() {
            for origin in &program.origins {
                for parent in &program.parents {
                    let (path, parent) = (path.clone(), parent.clone());
                    facts.push(Fact::Program { path, origin: *origin, parent });
                }
            }
        }
        facts.extend(self.written.patterns().into_iter().map(Fact::Written));
        facts.extend(self.read.patterns().into_iter().map(Fact::Read));
        for (target, ports) in self.destinations.iter() {
            let of = |port: &Port| {
                let (target, port) = (target.clone(), *port);
                Fact::Destination { target, port, names: Vec::new() }
            };
            facts.extend(ports.iter().map(of));
        }
        facts.extend(self.listens.iter().map(|port| Fact::Listen(*port)));
        facts.extend(self.capabilities.iter().flatten().cloned().map(Fact::Capability));
        for (architecture, calls) in self.calls.iter().flatten() {
            let of = |name: &String| Fact::Call {
                architecture: architecture.clone(),
                name: name.clone(),
            };
            facts.extend(calls.iter().map(of));
        }
        facts
    }

    /// Takes in what another profile of the same workload holds, of another host for instance; whether
    /// anything was new. The mode stays.
    pub fn merge(&mut self, other: &Self) -> bool {
        let mut is_new = false;
        for fact in other.facts() {
            is_new |= self.learn(&fact);
        }
        let room = IMAGES_MAX.saturating_sub(self.images.len());
        self.images.extend(other.images.iter().take(room).cloned());
        for said in &other.widened {
            if self.widened.len() < SAID_MAX {
                is_new |= self.widened.insert(said.clone());
            }
        }
        other.incomplete.iter().for_each(|what| is_new |= self.lacks(what));
        if self.capabilities.is_none() {
            self.capabilities.clone_from(&other.capabilities);
        }
        if self.calls.is_none() {
            self.calls.clone_from(&other.calls);
        }
        is_new
    }
}
