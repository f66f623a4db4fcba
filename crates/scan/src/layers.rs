//! From an opened image to the facts of each of its layers, by way of the cache.
//!
//! What the first pass saw as reached only through links is read in a second pass over those
//! layers alone. Facts are kept only when the layer was read to its end: one that is damaged, or was
//! cut at a limit that all layers share, is read again next time.

use std::collections::BTreeMap;

use analyzers::{LayerCollector, LayerFacts};
use artifact::{Image, LayerRead, ReadError};
use model::{Problem, ProblemKind};

use crate::cache::{Cache, Kept};

/// One layer on its way to facts; `facts` lie in a slice beside, for `analyzers` wants them so.
struct Reading {
    index: u32,
    problems: Vec<Problem>,
    /// Under which key to keep what was read, if it was read anew and whole.
    keep_as: Option<String>,
}

/// The facts of every layer, from the lowest up, and the problems met on reading them.
pub(crate) fn collect(
    image: &Image,
    cache: &Cache,
) -> Result<(Vec<LayerFacts>, Vec<Problem>), ReadError> {
    let (mut readings, mut facts) = first_pass(image, cache)?;
    second_pass(image, &mut readings, &mut facts)?;

    let mut problems = Vec::new();
    for (reading, facts) in readings.into_iter().zip(&facts) {
        if let Some(key) = &reading.keep_as {
            cache.store(key, &reading.problems, facts);
        }
        // Kept facts may come from another image, where this layer had another position.
        problems.extend(reading.problems.into_iter().map(|p| p.in_layer(reading.index)));
    }
    Ok((facts, problems))
}

/// Takes what the cache has and reads the rest.
fn first_pass(image: &Image, cache: &Cache) -> Result<(Vec<Reading>, Vec<LayerFacts>), ReadError> {
    let mut known = BTreeMap::new();
    let mut unknown = Vec::new();
    for layer in &image.artifact().layers {
        match image.cache_key(layer.index).and_then(|key| cache.load(&key)) {
            Some(Kept { problems, facts }) => {
                let reading = Reading { index: layer.index, problems, keep_as: None };
                known.insert(layer.index, (reading, facts));
            }
            None => unknown.push(layer.index),
        }
    }
    for read in image.read(&unknown, &LayerCollector::new)? {
        let keep_as = image.cache_key(read.index).filter(|_| is_whole(&read));
        let reading = Reading { index: read.index, problems: read.problems, keep_as };
        known.insert(read.index, (reading, read.visitor.finish()));
    }
    Ok(known.into_values().unzip())
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

fn is_whole(read: &LayerRead<LayerCollector>) -> bool {
    let cut = |problem: &Problem| {
        matches!(
            problem.kind,
            ProblemKind::Damaged | ProblemKind::Unreadable | ProblemKind::LimitReached
        )
    };
    !read.problems.iter().any(cut)
}
