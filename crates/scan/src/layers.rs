//! From an opened image to the facts of each of its layers, by way of the cache.
//!
//! What the first pass saw as reached only through links is read in a second pass, one for all
//! layers that have it. Layers made of the same bytes are read once.
//!
//! What is kept of a layer is handed to other images that have it, so it must follow from its bytes
//! alone. Facts are kept only of a layer that was read to its end and, under a diff ID, found to
//! have it; one that is damaged, was left out, or was cut at a limit that all layers share, is read
//! again next time. What a second pass finds depends on the links of this image, and is kept under
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use analyzers::{Checks, Detour, LayerCollector, LayerFacts, Signatures};
use artifact::{ENTRIES_MAX, GROWTH_BYTES_MAX, Image, LayerRead, ReadError};
use model::{Problem, ProblemKind};

use crate::cache::{Cache, Kept};
use crate::clamd::{Asking, Clamd};

/// What is looked for in each layer.
pub(crate) struct Looking {
    pub(crate) checks: Checks,
    pub(crate) signatures: Option<Arc<Signatures>>,
    pub(crate) clamd: Option<Arc<Clamd>>,
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
        let collector = LayerCollector::new(self.checks);
        Asking::new(collector.with_signatures(self.signatures.clone()), self.clamd.clone())
    }
}

/// What layers that stand in an image more than once may take in memory, as they would be cached.
/// That is rare but for empty ones; a builder that repeats its largest layer stays below.
const COPIES_BYTES_MAX: usize = 64 << 20;

/// What was read of an image.
pub(crate) struct Layers {
    /// Of each layer, from the lowest up.
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
    let make = || looking.visitor();
    let first = Pass { image, cache, make: &make, sent_for: String::new() };
    let mut layers = first_pass(&first)?;
    let detours = analyzers::unresolved(&layers.facts);
    if !detours.is_empty() {
        second_pass(&mut layers, detours, image, cache)?;
    }
    Ok(layers)
}

impl Layers {
    /// Puts each layer where it belongs, again where it stands more than once.
    fn new(like: Vec<u32>, mut read: BTreeMap<u32, Kept>) -> Self {
        let mut layers = Self { facts: Vec::new(), problems: Vec::new(), like };
        let mut room = COPIES_BYTES_MAX;
        for (index, like) in (0_u32..).zip(&layers.like) {
            let is_needed_again =
                layers.like.iter().skip(layers.facts.len() + 1).any(|it| it == like);
            let kept = match is_needed_again {
                false => read.remove(like).unwrap_or_default(),
                true => read.get(like).map(|kept| copy(kept, &mut room)).unwrap_or_default(),
            };
            // Kept facts may come from another image, where this layer had another position.
            layers.problems.extend(kept.problems.into_iter().map(|it| it.in_layer(index)));
            layers.facts.push(kept.facts);
        }
        layers
    }

    /// Adds what a second pass over a layer found, wherever that layer stands.
    fn absorb(&mut self, like: u32, second: &Kept) {
        let places = (0_u32..).zip(&self.like).zip(&mut self.facts);
        for ((index, _), facts) in places.filter(|((_, it), _)| **it == like) {
            facts.absorb(second.facts.clone());
            let problems = second.problems.iter().cloned();
            self.problems.extend(problems.map(|problem| problem.in_layer(index)));
        }
        // The first pass met the same problems on the same layer.
        self.problems.sort();
        self.problems.dedup();
    }
}

/// The same once more, as far as there is room.
fn copy(kept: &Kept, room: &mut usize) -> Kept {
    let Kept { entries, growth, problems, facts } = kept;
    let (entries, growth, mut problems) = (*entries, *growth, problems.clone());
    let size = kept.size();
    match room.checked_sub(size) {
        Some(left) => {
            *room = left;
            Kept { entries, growth, problems, facts: facts.clone() }
        }
        None => {
            let message = "it stands in the image so often that it is not looked at each time";
            problems.push(Problem::new(ProblemKind::LimitReached, "a repeated layer", message));
            Kept { entries, growth, problems, facts: LayerFacts::default() }
        }
    }
}

/// Whether layers take too much of the limits that they share: entries in each of their places,
/// growth when they are read.
fn is_too_much(like: &[u32], read: &BTreeMap<u32, Kept>) -> bool {
    let entries = like.iter().filter_map(|like| read.get(like)).map(|kept| kept.entries);
    let growth = read.values().map(|kept| kept.growth);
    entries.fold(0, u64::saturating_add) > ENTRIES_MAX
        || growth.fold(0, u64::saturating_add) > GROWTH_BYTES_MAX
}

/// One pass over layers, each into a visitor of its own.
struct Pass<'a> {
    image: &'a Image,
    cache: &'a Cache,
    make: &'a (dyn Fn() -> Asking + Sync),
    /// What is looked for, if not all that can be found without knowing the other layers.
    sent_for: String,
}

/// Looks at all layers; each is read once, unless that is beyond the limits.
fn first_pass(pass: &Pass<'_>) -> Result<Layers, ReadError> {
    let all: Vec<u32> = pass.image.artifact().layers.iter().map(|layer| layer.index).collect();
    let like: Vec<u32> = all.iter().map(|&index| pass.image.first_like(index)).collect();
    let firsts: BTreeSet<u32> = like.iter().copied().collect();
    let mut read = pass.load(&firsts);
    let spared = read.len() + (all.len() - firsts.len());
    let unknown: Vec<u32> = firsts.into_iter().filter(|it| !read.contains_key(it)).collect();
    pass.read_into(&mut read, &unknown)?;
    if spared == 0 || !is_too_much(&like, &read) {
        return Ok(Layers::new(like, read));
    }
    // Where an image is cut must not depend on what happens to be cached, or to be there twice.
    read.clear();
    pass.read_into(&mut read, &all)?;
    Ok(Layers::new(all, read))
}

/// Reads the files that a link, perhaps in another layer, made interesting: in one go, for there
/// are sources that have to pack all their layers up for one.
fn second_pass(
    layers: &mut Layers,
    detours: Vec<(u32, Vec<Detour>)>,
    image: &Image,
    cache: &Cache,
) -> Result<(), ReadError> {
    let place = |position: &u32| layers.like.get(usize::try_from(*position).ok()?).copied();
    let wanted: BTreeSet<u32> =
        detours.iter().filter_map(|(position, _)| place(position)).collect();
    let detours: BTreeSet<Detour> = detours.into_iter().flat_map(|(_, detours)| detours).collect();
    let detours: Vec<Detour> = detours.into_iter().collect();
    let make = || Asking::new(LayerCollector::for_paths(&detours), None);
    let pass = Pass { image, cache, make: &make, sent_for: format!(" {detours:?}") };
    let mut found = pass.load(&wanted);
    let unknown: Vec<u32> = wanted.into_iter().filter(|it| !found.contains_key(it)).collect();
    found.extend(pass.read(&unknown)?.into_iter().map(|read| pass.keep(read)));
    found.iter().for_each(|(like, second)| layers.absorb(*like, second));
    Ok(())
}

impl Pass<'_> {
    /// What the cache has of these layers.
    fn load(&self, layers: &BTreeSet<u32>) -> BTreeMap<u32, Kept> {
        let load = |&index: &u32| {
            let key = self.image.cache_key(index)? + &self.sent_for;
            Some((index, self.cache.load(&key)?))
        };
        layers.iter().filter_map(load).collect()
    }

    /// Reads layers and adds what they hold to what is `known`. If nothing is known then, because
    /// the source is out of reach, there is no result.
    fn read_into(&self, known: &mut BTreeMap<u32, Kept>, layers: &[u32]) -> Result<(), ReadError> {
        let mut reads = self.read(layers)?;
        let is_beyond_reach =
            |read: &LayerRead<Asking>| read.failure.is_some() && read.entries == 0;
        if known.is_empty()
            && reads.iter().all(is_beyond_reach)
            && let Some(failure) = reads.iter_mut().find_map(|read| read.failure.take())
        {
            return Err(failure.into());
        }
        known.extend(reads.into_iter().map(|read| self.keep(read)));
        Ok(())
    }

    fn read(&self, layers: &[u32]) -> Result<Vec<LayerRead<Asking>>, ReadError> {
        self.image.read(layers, self.make)
    }

    /// The facts of a layer, kept for the next time if they are all of them.
    fn keep(&self, read: LayerRead<Asking>) -> (u32, Kept) {
        let key = self.image.cache_key_of(&read).filter(|_| is_whole(&read.problems));
        let LayerRead { index, entries, growth, problems, visitor, .. } = read;
        let kept = Kept { entries, growth, problems, facts: visitor.finish() };
        if let Some(key) = key {
            self.cache.store(&(key + &self.sent_for), &kept);
        }
        (index, kept)
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
