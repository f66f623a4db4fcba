//! `ensure`: what one scan needs, and no more.
//!
//! A stream that is there and young enough costs no request. One that is missing or old is
//! fetched; if that fails, older data serves and its age is said. Nothing here ever fails: what
//! could not be had is a Problem of the scan.

use std::collections::BTreeMap;

use advisories::{SegmentMeta, Store};
use model::{Problem, ProblemKind};

use crate::Options;
use crate::age::Age;
use crate::served::Places;
use crate::stream;
use crate::update::{UpdateReport, update_streams};

/// Whoever speaks for a release of a distribution makes more statements than this: of the whole data of 45
/// releases the least has 461, that of the old Alpine 3.3. One has less, Alpine 3.2 with a single one, so that a
/// number below this is told, and proves nothing.
const RELEASE_STATEMENTS_MIN: u64 = 200;

/// Makes sure that these streams are installed and no older than `options.max_age`, as far as can
/// be. A stream that could not be had is `AdvisoriesMissing` (a Notice for metadata), one that is
/// old `AdvisoriesStale`, one that is known not to be whole `Damaged`, one of a distribution that holds
/// next to nothing `AdvisoriesFew`.
pub fn ensure(streams: &[String], store: &Store, options: &Options) -> Vec<Problem> {
    // What is not whole is fetched again however young it is.
    let is_whole = |stream: &String| {
        store.segment(stream).is_ok_and(|s| s.is_some_and(|s| s.meta().incomplete.is_none()))
    };
    let is_young = |stream: &String| {
        let age = Age::of(stream, store, options.now);
        is_whole(stream) && age.is_some_and(|age| !age.exceeds(options.max_age))
    };
    let wanted: Vec<String> = streams.iter().filter(|stream| !is_young(stream)).cloned().collect();
    let mut report = UpdateReport::default();
    if !wanted.is_empty() {
        update_streams(&wanted, Places { store, options, named: &[] }, &mut report);
    }
    // What befell documents on the way is told by what became of the streams.
    let mut told: BTreeMap<&str, Problem> = BTreeMap::new();
    for problem in &report.imported.problems {
        let concerns = wanted.iter().find(|stream| **stream == problem.subject);
        if let Some(stream) = concerns {
            told.entry(stream).or_insert_with(|| problem.clone());
        }
    }
    let mut problems = Vec::new();
    for stream in streams {
        match store.segment(stream) {
            Ok(Some(segment)) => {
                let incomplete = segment.meta().incomplete.as_ref();
                problems.extend(incomplete.map(|why| {
                    let message = format!("its data is not whole: {why}");
                    Problem::new(ProblemKind::Damaged, stream, message)
                }));
                problems.extend(told.remove(stream.as_str()).filter(|_| !is_young(stream)));
                problems.extend(few(segment.meta()));
            }
            // The matcher says that it is missing; why it could not be had is said here, unless
            // the user said so.
            Ok(None) if options.offline => {}
            Ok(None) => problems.extend(told.remove(stream.as_str())),
            Err(error) => problems.push(error.problem()),
        }
    }
    problems
}

/// That next to nothing is at hand for a release: somebody may have imported a few records of it, about
/// which nothing else is wrong.
fn few(meta: &SegmentMeta) -> Option<Problem> {
    let count = meta.counts.advisories;
    let is_few = count < RELEASE_STATEMENTS_MIN && stream::is_of_a_distribution(&meta.stream);
    is_few.then(|| {
        let noun = if count == 1 { "statement is" } else { "statements are" };
        let message = format!(
            "{count} {noun} at hand, where a release has hundreds: unless its publisher has no more, most \
             vulnerabilities are not found; hint: `lazaret db update {}` fetches all",
            meta.stream
        );
        Problem::new(ProblemKind::AdvisoriesFew, &meta.stream, message)
    })
}
