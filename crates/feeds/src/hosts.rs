//! What one run learned of hosts: who does not answer is not asked again and again.
//!
//! A network behind a firewall drops packets, so that every host costs the whole patience. The
//! first one tells; the others are then given little.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use advisories::Index;
use artifact::Pace;

/// Hosts that answered and hosts that did not. Clones share what they know.
#[derive(Clone, Debug, Default)]
pub struct Hosts(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// Why, by host.
    silent: BTreeMap<String, String>,
    any_answered: bool,
    /// How long they may keep us waiting, by host.
    paces: BTreeMap<String, Pace>,
    /// What mirrors said that they have, by URL.
    indexes: BTreeMap<String, Arc<Index>>,
}

impl Hosts {
    pub(crate) fn answered(&self) {
        self.lock().any_answered = true;
    }

    pub(crate) fn was_silent(&self, host: &str, why: &str) {
        self.lock().silent.insert(host.to_owned(), why.to_owned());
    }

    /// Why a host did not answer before.
    pub(crate) fn silence(&self, host: &str) -> Option<String> {
        self.lock().silent.get(host).cloned()
    }

    /// What a host has left of our patience, all requests of the run together.
    pub(crate) fn pace(&self, host: &str, patience: Patience) -> Pace {
        let mut known = self.lock();
        let pace = known.paces.entry(host.to_owned());
        pace.or_insert_with(|| Pace::new(patience.in_all())).clone()
    }

    /// Whether it rather looks as if there were no network.
    pub(crate) fn none_answers(&self) -> bool {
        let known = self.lock();
        !known.any_answered && !known.silent.is_empty()
    }

    /// What a mirror said in this run that it has.
    pub(crate) fn index(&self, url: &str) -> Option<Arc<Index>> {
        self.lock().indexes.get(url).cloned()
    }

    pub(crate) fn has_index(&self, url: &str, index: &Arc<Index>) {
        self.lock().indexes.insert(url.to_owned(), Arc::clone(index));
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a host is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// There is no other data.
    Long,
    /// Older data serves if the host does not.
    Short,
}

impl Patience {
    /// For a connection, TLS included.
    pub(crate) fn connect(self) -> Duration {
        Duration::from_secs(if self == Self::Long { 15 } else { 5 })
    }

    /// For an answer to begin; some publishers make their files on demand.
    pub(crate) fn answer(self) -> Duration {
        self.in_all()
    }

    /// For all waits for a host together, until bytes that came earn more: with a connection that is
    /// tried for once more and the pauses between attempts, a scan waits no longer than a minute.
    pub(crate) fn in_all(self) -> Duration {
        Duration::from_secs(if self == Self::Long { 35 } else { 15 })
    }

    /// How often a request is made before it is given up.
    pub(crate) fn attempts(self) -> u32 {
        if self == Self::Long { 4 } else { 2 }
    }

    /// How often no answer at all is borne.
    pub(crate) fn silences(self) -> u32 {
        if self == Self::Long { 2 } else { 1 }
    }
}
