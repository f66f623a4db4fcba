//! From an opened image to the facts of each of its layers, by way of the cache.
//!
//! What the first pass saw as reached only through links is read in a second pass over those
//! layers alone. Facts are kept only when the layer was read to its end: one that is damaged, or was
//! cut at a limit that all layers share, is read again next time.

use std::collections::BTreeMap;
use std::sync::Arc;

use analyzers::{Checks, LayerCollector, LayerFacts, Signatures};
use artifact::{ENTRIES_MAX, Image, LayerRead, ReadError};
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

/// One layer on its way to facts; `facts` lie in a slice beside, for `analyzers` wants them so.
struct Reading {
    index: u32,
    entries: u64,
    problems: Vec<Problem>,
    /// Under which key to keep what was read, if it was read anew and whole.
    keep_as: Option<String>,
}

/// The facts of every layer, from the lowest up, and the problems met on reading them.
pub(crate) fn collect(
    image: &Image,
    cache: &Cache,
    looking: &Looking,
) -> Result<(Vec<LayerFacts>, Vec<Problem>), ReadError> {
    let (mut readings, mut facts) = first_pass(image, cache, looking)?;
    second_pass(image, &mut readings, &mut facts)?;

    let mut problems = Vec::new();
    for (reading, facts) in readings.into_iter().zip(&facts) {
        if let Some(key) = &reading.keep_as {
            cache.store(key, reading.entries, &reading.problems, facts);
        }
        // Kept facts may come from another image, where this layer had another position.
        problems.extend(reading.problems.into_iter().map(|p| p.in_layer(reading.index)));
    }
    Ok((facts, problems))
}

/// Takes what the cache has and reads the rest.
fn first_pass(
    image: &Image,
    cache: &Cache,
    looking: &Looking,
) -> Result<(Vec<Reading>, Vec<LayerFacts>), ReadError> {
    let layers = &image.artifact().layers;
    let mut known = BTreeMap::new();
    for layer in layers {
        if let Some(kept) = image.cache_key(layer.index).and_then(|key| cache.load(&key)) {
            let Kept { entries, problems, facts } = kept;
            let reading = Reading { index: layer.index, entries, problems, keep_as: None };
            known.insert(layer.index, (reading, facts));
        }
    }
    let is_known = |index: &u32| known.contains_key(index);
    let unknown: Vec<u32> = layers.iter().map(|it| it.index).filter(|it| !is_known(it)).collect();
    let cached = known.len();
    read_into(&mut known, image, &unknown, looking)?;
    let entries: u64 = known.values().map(|(reading, _)| reading.entries).sum();
    if cached > 0 && entries > ENTRIES_MAX {
        // Where an image is cut must not depend on what happens to be cached.
        known.clear();
        let all: Vec<u32> = layers.iter().map(|layer| layer.index).collect();
        read_into(&mut known, image, &all, looking)?;
    }
    Ok(known.into_values().unzip())
}

/// Reads layers and adds what they hold to what is `known`. If nothing is known then, because the
/// source is out of reach, there is no result.
fn read_into(
    known: &mut BTreeMap<u32, (Reading, LayerFacts)>,
    image: &Image,
    layers: &[u32],
    looking: &Looking,
) -> Result<(), ReadError> {
    let mut reads = image.read(layers, &|| looking.visitor())?;
    let is_beyond_reach = |read: &LayerRead<Asking>| read.failure.is_some() && read.entries == 0;
    if known.is_empty()
        && reads.iter().all(is_beyond_reach)
        && let Some(failure) = reads.iter_mut().find_map(|read| read.failure.take())
    {
        return Err(failure.into());
    }
    for read in reads {
        let keep_as = image.cache_key(read.index).filter(|_| is_whole(&read));
        let LayerRead { index, entries, problems, visitor, .. } = read;
        let reading = Reading { index, entries, problems, keep_as };
        known.insert(index, (reading, visitor.finish()));
    }
    Ok(())
}

/// Reads the files that a link, perhaps in another layer, made interesting.
fn second_pass(
    image: &Image,
    readings: &mut [Reading],
    facts: &mut [LayerFacts],
) -> Result<(), ReadError> {
    for (position, detours) in analyzers::unresolved(facts) {
        let position = position as usize;
        let (Some(reading), Some(facts)) = (readings.get_mut(position), facts.get_mut(position))
        else {
            continue;
        };
        for read in image.read(&[reading.index], &|| LayerCollector::for_paths(&detours))? {
            reading.keep_as = image.cache_key(read.index).filter(|_| is_whole(&read));
            // The first pass met the same problems on the same layer.
            reading.problems.extend(read.problems);
            reading.problems.sort();
            reading.problems.dedup();
            facts.absorb(read.visitor.finish());
        }
    }
    Ok(())
}

fn is_whole<V>(read: &LayerRead<V>) -> bool {
    let cut = |problem: &Problem| {
        matches!(
            problem.kind,
            ProblemKind::Damaged | ProblemKind::Unreadable | ProblemKind::LimitReached
        )
    };
    !read.problems.iter().any(cut)
}
