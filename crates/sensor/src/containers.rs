//! Which container a process is in, and what that container is.
//!
//! ```text
//! control group → path → container id → its runtime's answer, its bundle on disk
//! ```
//!
//! The first steps cost next to nothing and happen at once. The last is asked of daemons, which may
//! hang: it is done elsewhere (`ask`), and until an answer arrives the container is one of which
//! only the id is known (`described: false`). Nothing here waits.

mod ask;
mod bundle;
mod capability;
mod containerd;
mod engine;
mod group;
mod grpc;
pub mod http;
mod image;
mod path;
mod places;
mod pod;
mod protobuf;
mod reach;
mod spec;
mod storage;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::event::{Container, ContainerRuntime};

use crate::kernel::Hierarchy;
use crate::record::{Group, ProcessId};

use self::ask::{Asker, News};
pub(crate) use self::capability::name as capability_name;
pub use self::capability::{NAMES as CAPABILITIES, is_usual as is_usual_capability};
pub use self::group::Place;
use self::group::{Groups, Home};
pub(crate) use self::group::{all as all_groups, path_of as group_path};
pub(crate) use self::path::group_of_container;
pub use self::path::{Named, container_of};
pub use self::places::{Account, Places};
pub use self::reach::{Reach, Reached};

/// Containers of one host, those that ended included.
const KNOWN_MAX: usize = 16_384;
/// What the events of a container wait for its description: a runtime describes a container once it
/// has started it.
const PATIENCE: Duration = Duration::from_secs(2);
/// After which time one that nobody knew is asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(60);

/// The containers that were met.
pub struct Containers {
    groups: Groups,
    asker: Asker,
    known: HashMap<Arc<Place>, Known>,
    /// That of groups of which nobody knows the path.
    not_known: Met,
    /// Counts looks, so that the container that was looked at longest ago can be told.
    looks: u64,
}

struct Known {
    container: Arc<Container>,
    looked: u64,
    state: State,
    /// The process that it was seen by; None once that was told.
    first_seen: Option<ProcessId>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// An answer is on its way since then.
    Asked(Instant),
    /// The runtime does not answer; should it ever, so much the better.
    Delayed,
    Described,
    /// Nobody knew it then.
    Unknown(Instant),
}

/// A container in which something happened.
#[derive(Clone, Debug, Default)]
pub struct Met {
    /// Which one it is.
    pub place: Arc<Place>,
    /// What is known of it by now.
    pub container: Arc<Container>,
}

/// Whose a control group is.
#[derive(Clone, Debug)]
pub enum Whose {
    Host,
    Container(Arc<Container>),
    /// Nobody met it yet.
    Unknown,
}

/// What became of a container.
#[derive(Clone, Debug)]
pub struct Settled {
    pub container: Arc<Container>,
    /// By which process it was first seen, if this is the first that is learnt of it.
    pub first_seen: Option<ProcessId>,
    /// Why it is not described.
    pub why: Option<String>,
}

/// What an OCI specification says of its container; None where it is none.
pub fn of_specification(bytes: &[u8]) -> Option<Container> {
    spec::parse(bytes)
}

/// A container that is about to be, by the words of its runtime: name, image, the image's id, labels.
pub fn to_be(
    name: &str,
    image: &str,
    id: Option<&str>,
    labels: BTreeMap<String, String>,
) -> Container {
    Container {
        described: true,
        name: Some(name.to_owned()).filter(|name| !name.is_empty()),
        image: Some(image::running_image(image, id)).filter(|it| !it.reference.is_empty()),
        pod: pod::pod_of(&labels),
        labels,
        ..Container::default()
    }
}

impl Containers {
    /// `hierarchy` is the one in which the sensor reads identities.
    pub fn new(hierarchy: Hierarchy, places: Places) -> Self {
        let (groups, asker) = (Groups::new(hierarchy), Asker::new(places));
        Self { groups, asker, known: HashMap::new(), not_known: Met::default(), looks: 0 }
    }

    /// The container whose control group `id` is, in which the process `seen` was. None is the host;
    /// where nobody knows the group, it is a container without an id.
    pub fn of_group(&mut self, id: u64, seen: ProcessId) -> Option<Met> {
        let place = match self.groups.home(id, seen.pid) {
            Home::Host => return None,
            Home::Unknown => return Some(self.not_known.clone()),
            Home::Container(place) => place,
        };
        self.looks += 1;
        let looks = self.looks;
        if let Some(known) = self.known.get_mut(&place) {
            known.looked = looks;
            let is_stale =
                matches!(known.state, State::Unknown(time) if time.elapsed() > ASK_AGAIN);
            if !is_stale {
                let container = Arc::clone(&known.container);
                return Some(Met { place, container });
            }
        }
        let container = self.meet(&place, seen);
        Some(Met { place, container })
    }

    /// The container of a control group, if both were met before: nothing is asked for it.
    pub fn of_known_group(&self, id: u64) -> Option<Arc<Container>> {
        match self.groups.known(id)? {
            Home::Container(place) => self.latest(place),
            Home::Host | Home::Unknown => None,
        }
    }

    /// Whose a control group is, as far as anybody found out: nothing is asked for it.
    pub fn whose(&self, id: u64) -> Whose {
        match self.groups.known(id) {
            None | Some(Home::Unknown) => Whose::Unknown,
            Some(Home::Host) => Whose::Host,
            Some(Home::Container(place)) => {
                self.latest(place).map_or(Whose::Unknown, Whose::Container)
            }
        }
    }

    /// The kernel told that a group was made.
    pub fn learn_group(&mut self, group: &Group) {
        self.groups.learn(group.number, &group.path.to_string());
    }

    /// Notes the container of a process that runs already; its control group, if that is known.
    pub fn meet_process(&mut self, seen: ProcessId) -> Option<u64> {
        let id = self.groups.of_process(seen.pid)?;
        self.of_group(id, seen);
        Some(id)
    }

    /// Whether its description is on its way, and worth waiting for.
    pub fn awaits(&self, place: &Place) -> bool {
        self.known.get(place).is_some_and(|known| match known.state {
            State::Asked(since) => since.elapsed() < PATIENCE,
            State::Delayed | State::Described | State::Unknown(_) => false,
        })
    }

    /// What is known of it by now; None if it was forgotten.
    pub fn latest(&self, place: &Place) -> Option<Arc<Container>> {
        self.known.get(place).map(|known| Arc::clone(&known.container))
    }

    /// The containers of which something new was learnt.
    pub fn news(&mut self) -> Vec<Settled> {
        let mut settled = Vec::new();
        for answer in self.asker.answers() {
            let Some(known) = self.known.get_mut(&answer.place) else { continue };
            let why = known.learn(answer.news);
            let is_final = matches!(known.state, State::Described | State::Unknown(_));
            let first_seen = known.first_seen.take_if(|_| is_final);
            settled.push(Settled { container: Arc::clone(&known.container), first_seen, why });
        }
        settled
    }

    fn meet(&mut self, place: &Arc<Place>, seen: ProcessId) -> Arc<Container> {
        self.forget();
        let container = Arc::new(named_alone(place));
        let is_asked = place.named.can_be_asked_for() && self.asker.ask(Arc::clone(place));
        let now = Instant::now();
        let known = Known {
            container: Arc::clone(&container),
            looked: self.looks,
            state: if is_asked { State::Asked(now) } else { State::Unknown(now) },
            first_seen: Some(seen),
        };
        self.known.insert(Arc::clone(place), known);
        container
    }

    /// Makes room, by an eighth at a time.
    fn forget(&mut self) {
        if self.known.len() < KNOWN_MAX {
            return;
        }
        let mut looks: Vec<u64> = self.known.values().map(|known| known.looked).collect();
        let (_, eldest, _) = looks.select_nth_unstable(KNOWN_MAX / 8);
        let eldest = *eldest;
        self.known.retain(|_, known| known.looked > eldest);
    }
}

impl Known {
    /// Why it is not described, if it is not to be.
    fn learn(&mut self, news: News) -> Option<String> {
        match news {
            News::Described(told) => {
                self.describe(*told, true);
                self.state = State::Described;
                None
            }
            News::Partial(told) => {
                self.describe(*told, false);
                None
            }
            News::Delayed(why) => {
                self.state = State::Delayed;
                Some(why)
            }
            News::Unknown => {
                self.state = State::Unknown(Instant::now());
                Some("no runtime knows it".to_owned())
            }
        }
    }

    /// The id is ours: a daemon may write it in another way, or lie.
    fn describe(&mut self, told: Container, described: bool) {
        let id = self.container.id.clone();
        let runtime = match self.container.runtime {
            ContainerRuntime::Other => told.runtime,
            known => known,
        };
        let name = told.name.clone().or_else(|| self.container.name.clone());
        self.container = Arc::new(Container { id, runtime, name, described, ..told });
    }
}

/// What its group tells. An id that the host's administrator chose is a name; users would take one
/// that a policy lets pass.
fn named_alone(Place { named, user }: &Place) -> Container {
    let name = (user.is_none() && named.is_called_so()).then(|| named.id.clone());
    Container { id: named.id.clone(), runtime: named.runtime, name, ..Container::default() }
}

/// For the fuzzer.
pub(crate) mod fuzz {
    use super::{containerd, engine, http, spec, storage};

    pub(crate) fn answer(bytes: &[u8]) {
        if let Some((_, body)) = http::parse(bytes) {
            drop(engine::parse(body));
        }
        drop(engine::parse(bytes));
        drop(spec::parse(bytes));
        drop(containerd::parse(bytes));
        storage::fuzz(bytes);
    }
}

#[cfg(test)]
mod tests;
