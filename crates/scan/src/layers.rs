//! From an opened image to the facts of each of its layers, by way of the cache.
//!
//! What the first pass saw as reached only through links is read in a second pass, one for all
//! layers that have it. Layers made of the same bytes are read once.
//!
//! What is kept of a layer is handed to other images that have it, so it must follow from its bytes
//! alone. Facts are kept only of a layer that was read to its end and, under a diff ID, found to
//! have it; one that is damaged, was left out, or was cut at a limit that all layers share, is read
//! again next time. What a second pass finds depends on the links of this image, and is kept under
//! them. How much an image may have of it all, `budget.rs` decides.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use analyzers::{Checks, Detour, LayerCollector, LayerFacts, Scratch, Signatures, Until};
use artifact::{ENTRIES_MAX, GROWTH_BYTES_MAX, Image, LayerRead, OpenError, ReadError};
use model::{Problem, ProblemKind};

use crate::budget::{Budget, FACTS_BYTES_MAX};
use crate::cache::{Cache, Kept};
use crate::clamd::{Asking, Clamd};
use crate::collecting::Collecting;

/// How often layers are read again for what links lead to: once is enough for every image that
/// distributions make, and each link that leads to another one nobody watches takes one time more.
const DETOURS_MAX: usize = 4;

/// What is looked for in each layer.
pub(crate) struct Looking {
    pub(crate) checks: Checks,
    pub(crate) signatures: Option<Arc<Signatures>>,
    pub(crate) clamd: Option<Arc<Clamd>>,
    /// When to end.
    pub(crate) until: Until,
    /// Where goes what is too large for memory.
    pub(crate) scratch: Scratch,
    /// Called when much memory was freed in small pieces.
    pub(crate) give_back: fn(),
}

impl Looking {
    /// A name for it: equal as long as the same bytes give the same facts.
    pub(crate) fn fingerprint(&self) -> String {
        let ours = analyzers::fingerprint(self.checks);
        match self.signatures.as_ref().filter(|_| self.checks.malware) {
            Some(signatures) => format!("{ours}-{}", signatures.fingerprint()),
            None => ours,
        }
    }

    fn visitor(&self) -> Asking {
        let collector = self.bounded(LayerCollector::new(self.checks));
        Asking::new(collector.with_signatures(self.signatures.clone()), self.clamd.clone())
    }

    /// The visitor of a second pass: everything that is not a package was looked at where it stands.
    fn second_visitor(&self, detours: &[Detour]) -> Asking {
        Asking::new(self.bounded(LayerCollector::for_paths(detours)), None)
    }

    fn bounded(&self, collector: LayerCollector) -> LayerCollector {
        let collector = collector.until(self.until.clone()).with_scratch(self.scratch.clone());
        collector.giving_back(self.give_back)
    }
}

/// What was read of an image.
pub(crate) struct Layers {
    /// Of each layer, from the lowest up to the first for which there was no room.
    pub(crate) facts: Vec<LayerFacts>,
    pub(crate) problems: Vec<Problem>,
    /// For each layer, the one that was read for it.
    like: Vec<u32>,
}

/// Reads what the cache does not have.
pub(crate) fn collect(
    image: &Image,
    cache: &Cache,
    looking: &Looking,
) -> Result<Layers, ReadError> {
    collect_within(FACTS_BYTES_MAX, image, cache, looking)
}

fn collect_within(
    limit: usize,
    image: &Image,
    cache: &Cache,
    looking: &Looking,
) -> Result<Layers, ReadError> {
    let make = || looking.visitor();
    let pass = Pass { image, cache, make: &make, sent_for: String::new(), limit, looking };
    let mut layers = first_pass(&pass)?;
    let mut followed = BTreeSet::new();
    for _ in 0..DETOURS_MAX {
        let mut detours = analyzers::unresolved(&layers.facts);
        // What was not found the first time is not there.
        detours.iter_mut().for_each(|(layer, detours)| {
            detours.retain(|detour| followed.insert((*layer, detour.clone())));
        });
        detours.retain(|(_, detours)| !detours.is_empty());
        if detours.is_empty() {
            break;
        }
        second_pass(&mut layers, detours, &pass)?;
    }
    Ok(layers)
}

impl Layers {
    /// Puts each layer where it belongs, again where it stands more than once.
    fn new(image: &Image, like: Vec<u32>, mut read: Known, budget: &Budget) -> Self {
        let beyond = budget.first_beyond();
        let (mut facts, mut problems) = (Vec::new(), Vec::new());
        for (index, first) in (0_u32..).zip(&like) {
            let kept = read.get_mut(first).map(|read| &mut read.kept);
            // Kept facts may come from another image, where this layer had another position.
            let told = kept.iter().flat_map(|kept| &kept.problems).cloned();
            problems.extend(told.map(|it| it.in_layer(index)));
            if beyond.is_some_and(|beyond| index >= beyond) {
                continue;
            }
            let is_needed_again = like.iter().skip(facts.len() + 1).any(|it| it == first);
            facts.push(match kept {
                Some(kept) if is_needed_again => kept.facts.clone(),
                Some(kept) => std::mem::take(&mut kept.facts),
                None => LayerFacts::default(),
            });
        }
        problems.extend(beyond.map(|index| beyond_budget(image, index, "of it")));
        Self { facts, problems, like }
    }

    /// Adds what a second pass found, wherever its layer stands.
    fn absorb(&mut self, image: &Image, second: &Known, budget: &Budget) {
        let beyond = budget.first_beyond();
        for (index, like) in (0_u32..).zip(&self.like) {
            let Some(Read { kept, .. }) = second.get(like) else { continue };
            let place = usize::try_from(index).ok().and_then(|index| self.facts.get_mut(index));
            if let Some(facts) = place.filter(|_| beyond.is_none_or(|beyond| index < beyond)) {
                facts.absorb(kept.facts.clone());
            }
            let problems = kept.problems.iter().cloned();
            self.problems.extend(problems.map(|problem| problem.in_layer(index)));
        }
        // The first pass may have cut the image further down, and said so.
        let beyond = beyond.filter(|index| (*index as usize) < self.facts.len());
        let what = "of what links lead to in it";
        self.problems.extend(beyond.map(|index| beyond_budget(image, index, what)));
        // The first pass met the same problems on the same layer.
        self.problems.sort();
        self.problems.dedup();
    }
}

/// That from this layer on there was no room.
fn beyond_budget(image: &Image, index: u32, what: &str) -> Problem {
    let layers = &image.artifact().layers;
    let layer = layers.iter().find(|layer| layer.index == index);
    let digest = layer.and_then(|layer| layer.digest.as_ref().or(layer.diff_id.as_ref()));
    let subject = digest.map_or_else(|| format!("layer {index}"), ToString::to_string);
    let limit = FACTS_BYTES_MAX >> 20;
    let message = format!(
        "with it the image has more than {limit} MiB of facts; nothing {what} is kept, nor of the \
         layers above"
    );
    Problem::new(ProblemKind::LimitReached, subject, message).in_layer(index)
}

/// Whether layers take too much of the limits that they share: entries in each of their places,
/// growth when they are read.
fn is_too_much(like: &[u32], read: &Known) -> bool {
    let entries = like.iter().filter_map(|like| read.get(like)).map(|read| read.kept.entries);
    let growth = read.values().map(|read| read.kept.growth);
    entries.fold(0, u64::saturating_add) > ENTRIES_MAX
        || growth.fold(0, u64::saturating_add) > GROWTH_BYTES_MAX
}

/// One layer, as it was read or kept from another time.
struct Read {
    kept: Kept,
    /// Why the source gave up on it, if nothing came before.
    failure: Option<OpenError>,
}

/// By index.
type Known = BTreeMap<u32, Read>;

/// One pass over layers, each into a visitor of its own.
struct Pass<'a> {
    image: &'a Image,
    cache: &'a Cache,
    make: &'a (dyn Fn() -> Asking + Sync),
    /// What is looked for, if not all that can be found without knowing the other layers.
    sent_for: String,
    /// Bytes of facts that the image may have.
    limit: usize,
    looking: &'a Looking,
}

/// Looks at all layers; each is read once, unless that is beyond the limits.
fn first_pass(pass: &Pass<'_>) -> Result<Layers, ReadError> {
    let image = pass.image;
    let all: Vec<u32> = image.artifact().layers.iter().map(|layer| layer.index).collect();
    let like: Vec<u32> = all.iter().map(|&index| image.first_like(index)).collect();
    let firsts: BTreeSet<u32> = like.iter().copied().collect();
    let budget = Budget::new(pass.limit, &like);
    let known = pass.load(&firsts, &budget);
    let spared = known.len() + (all.len() - firsts.len());
    let unknown: Vec<u32> = firsts.into_iter().filter(|it| !known.contains_key(it)).collect();
    let read = reachable(pass.read(known, &unknown, &budget)?)?;
    if spared == 0 || !is_too_much(&like, &read) {
        return Ok(Layers::new(image, like, read, &budget));
    }
    // Where an image is cut must not depend on what happens to be cached, or to be there twice.
    drop(read);
    let budget = Budget::new(pass.limit, &all);
    let read = reachable(pass.read(Known::new(), &all, &budget)?)?;
    Ok(Layers::new(image, all, read, &budget))
}

/// If nothing is known, because the source is out of reach, there is no result.
fn reachable(mut read: Known) -> Result<Known, ReadError> {
    match read.values().all(|read| read.failure.is_some()) {
        true => match read.values_mut().find_map(|read| read.failure.take()) {
            Some(failure) => Err(failure.into()),
            None => Ok(read),
        },
        false => Ok(read),
    }
}

/// Reads the files that a link, perhaps in another layer, made interesting: in one go, for there
/// are sources that have to pack all their layers up for one.
fn second_pass(
    layers: &mut Layers,
    detours: Vec<(u32, Vec<Detour>)>,
    first: &Pass<'_>,
) -> Result<(), ReadError> {
    let place = |position: &u32| layers.like.get(usize::try_from(*position).ok()?).copied();
    let wanted: BTreeSet<u32> =
        detours.iter().filter_map(|(position, _)| place(position)).collect();
    let detours: BTreeSet<Detour> = detours.into_iter().flat_map(|(_, detours)| detours).collect();
    let detours: Vec<Detour> = detours.into_iter().collect();
    let make = || first.looking.second_visitor(&detours);
    let taken = layers.facts.iter().map(LayerFacts::size).fold(0, usize::saturating_add);
    let limit = first.limit.saturating_sub(taken);
    // There may be thousands, and each key of the cache has it behind.
    let sent_for = format!(" {}", blake3::hash(format!("{detours:?}").as_bytes()));
    let pass = Pass { make: &make, sent_for, limit, ..*first };
    let budget = Budget::new(limit, &layers.like);
    let known = pass.load(&wanted, &budget);
    let unknown: Vec<u32> = wanted.into_iter().filter(|it| !known.contains_key(it)).collect();
    let found = pass.read(known, &unknown, &budget)?;
    layers.absorb(pass.image, &found, &budget);
    Ok(())
}

impl Pass<'_> {
    /// What the cache has of these layers.
    fn load(&self, layers: &BTreeSet<u32>, budget: &Budget) -> Known {
        let mut known = Known::new();
        // What was read at another time verifies nothing.
        let layers = layers.iter().filter(|_| self.image.may_be_known());
        for &index in layers {
            let key = self.image.cache_key(index).map(|key| key + &self.sent_for);
            if let Some(kept) = key.and_then(|key| self.cache.load(&key)) {
                budget.note(index, kept.facts.size());
                add(&mut known, index, Read { kept, failure: None }, budget);
            }
        }
        known
    }

    /// Reads layers and adds what they hold to what is `known`.
    fn read(&self, known: Known, layers: &[u32], budget: &Budget) -> Result<Known, ReadError> {
        let known = Mutex::new(known);
        let make = || Collecting::new((self.make)(), budget);
        self.image.read_each(layers, &make, &|read| {
            let (index, read) = self.keep(read, budget);
            add(&mut known.lock().unwrap_or_else(PoisonError::into_inner), index, read, budget);
        })?;
        Ok(known.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// The facts of a layer, kept for the next time if they are all of them.
    fn keep(&self, read: LayerRead<Collecting<'_>>, budget: &Budget) -> (u32, Read) {
        let key = self.image.cache_key_of(&read).filter(|_| is_whole(&read.problems));
        let LayerRead { index, entries, growth, problems, visitor, failure, .. } = read;
        let collected = visitor.finish();
        let is_collected = collected.is_some();
        let kept = Kept { entries, growth, problems, facts: collected.unwrap_or_default() };
        // What was let go takes more than there is: there the image is cut.
        budget.note(index, if is_collected { kept.facts.size() } else { usize::MAX });
        // What was told to end may lack anything.
        if let Some(key) = key.filter(|_| is_collected && !self.looking.until.has_come()) {
            self.cache.store(&(key + &self.sent_for), &kept);
        }
        (index, Read { kept, failure: failure.filter(|_| entries == 0) })
    }
}

/// Adds a layer to those that are known, and lets go of what cannot fit any more.
fn add(known: &mut Known, index: u32, read: Read, budget: &Budget) {
    known.insert(index, read);
    if let Some(beyond) = budget.first_beyond() {
        known.range_mut(beyond..).for_each(|(_, it)| it.kept.facts = LayerFacts::default());
    }
}

/// Whether nothing was left out that another attempt, or another limit, might bring.
fn is_whole(problems: &[Problem]) -> bool {
    !problems.iter().any(|problem| {
        matches!(
            problem.kind,
            ProblemKind::Damaged | ProblemKind::Unreadable | ProblemKind::LimitReached
        )
    })
}

#[cfg(test)]
mod tests;
