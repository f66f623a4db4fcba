//! What is known of a reported vulnerability apart from packages: texts, scores, known exploits.
//!
//! Only ids that were found are looked up, so only the years that they are from are needed.
//! Missing metadata costs no finding: severities stay unknown, and a notice says so. A few records of a year
//! say no more about the severity of what is not among them than what is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use advisories::{KnownExploited, Score, Segment, SegmentError, SegmentMeta, Store};
use model::{Cvss, Details, Finding, Problem, ProblemKind, Severity};

use crate::{distro, finding, records, severity};

const SCORES: &str = "epss";
const KNOWN_EXPLOITED: &str = "kev";

/// Every year since there are CVEs has more records than this; the least, 2000, has 1,243. Where there are as
/// many, one that is not among them is reserved or new, and nobody rated it.
const YEAR_RECORDS_MIN: u64 = 1000;

/// What enriching gave beside the changed findings.
#[derive(Debug, Default)]
pub struct Enriched {
    /// Streams that are missing or damaged.
    pub problems: Vec<Problem>,
    /// The metadata segments that were consulted, by stream.
    pub data: Vec<SegmentMeta>,
}

/// The metadata streams that say more about these findings: the years of their CVEs, EPSS, KEV.
/// Sorted; empty where no finding has a CVE.
pub fn metadata_needs(findings: &[Finding]) -> Vec<String> {
    let mut streams: BTreeSet<String> =
        findings.iter().flat_map(names).filter_map(|name| year_stream(name)).collect();
    if !streams.is_empty() {
        streams.extend([SCORES, KNOWN_EXPLOITED].map(str::to_owned));
    }
    streams.into_iter().collect()
}

/// Fills in what the metadata streams and the publishers' own streams say of each vulnerability,
/// takes out what was withdrawn, joins what records know to be the same, chooses severities where
/// the publisher gave none, and sorts anew.
pub fn enrich(findings: &mut Vec<Finding>, store: &Store) -> Enriched {
    let mut library = Library::default();
    let missing: Vec<String> = metadata_needs(findings)
        .into_iter()
        .filter(|stream| !library.open(store, stream))
        .collect();
    let data: Vec<SegmentMeta> =
        library.segments.values().map(|segment| segment.meta().clone()).collect();
    let publishers: BTreeSet<&String> = findings.iter().flat_map(publishers).collect();
    for stream in &publishers {
        library.open(store, stream);
    }
    for stream in publishers.iter().filter_map(|stream| distro::origin(stream)) {
        library.open(store, &stream);
    }
    let known = library.look_up(findings);
    library.problems.extend(records::leave_out_withdrawn(findings, &known));
    records::join_cited(findings, &known);
    for finding in &mut *findings {
        if let Some(known) = known.get(&finding.id) {
            fill(finding, known);
        }
    }
    finding::sort(findings);
    let mut problems = library.problems;
    problems.extend((!missing.is_empty()).then(|| unknown(&missing)));
    problems.extend(unheard_of(findings, &known, &data));
    Enriched { problems, data }
}

/// All names of a finding's vulnerability, its id first.
fn names(finding: &Finding) -> impl Iterator<Item = &String> {
    std::iter::once(&finding.id).chain(&finding.aliases)
}

/// The streams whose statements decided.
fn publishers(finding: &Finding) -> impl Iterator<Item = &String> {
    finding.evidence.iter().map(|evidence| &evidence.stream)
}

/// `cve-2024` for `CVE-2024-3094`; None for what is no CVE.
fn year_stream(name: &str) -> Option<String> {
    let (year, _) = name.strip_prefix("CVE-")?.split_once('-')?;
    let is_year = year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit());
    is_year.then(|| format!("cve-{year}"))
}

fn unknown(missing: &[String]) -> Problem {
    Problem::new(
        ProblemKind::MetadataMissing,
        missing.join(", "),
        format!(
            "no metadata is at hand for these streams, so some severities, scores and texts are \
             unknown; hint: `lazaret db update {}` fetches it, `lazaret db import` reads a copy",
            missing.join(" ")
        ),
    )
}

/// Findings without a severity whose vulnerability is not among the few records of its year that are at hand:
/// that nobody rated them cannot be told from these.
fn unheard_of(
    findings: &[Finding],
    known: &BTreeMap<String, Known>,
    data: &[SegmentMeta],
) -> Option<Problem> {
    let few = data.iter().filter(|meta| meta.counts.details < YEAR_RECORDS_MIN);
    let few: BTreeSet<&str> = few.map(|meta| meta.stream.as_str()).collect();
    let mut streams = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for finding in findings.iter().filter(|it| it.severity == Severity::Unknown) {
        let is_known = known.get(&finding.id).is_some_and(|known| known.is_recorded);
        let years = names(finding).filter_map(|name| year_stream(name));
        let years: Vec<String> = years.filter(|stream| few.contains(stream.as_str())).collect();
        if !is_known && !years.is_empty() {
            ids.insert(finding.id.as_str());
            streams.extend(years);
        }
    }
    let example = ids.first()?;
    let streams: Vec<String> = streams.into_iter().collect();
    let whom = match ids.len() {
        1 => format!("do not have {example}"),
        count => format!("do not have {count} vulnerabilities such as {example}"),
    };
    let message = format!(
        "the few records of metadata at hand {whom}, so whether anybody rated that is unknown; hint: \
         `lazaret db update {}` fetches all that are published",
        streams.join(" ")
    );
    Some(Problem::new(ProblemKind::MetadataMissing, streams.join(", "), message))
}

/// The segments at hand, and what was wrong with others.
#[derive(Default)]
struct Library {
    segments: BTreeMap<String, Arc<Segment>>,
    problems: Vec<Problem>,
}

/// What is known of one vulnerability.
#[derive(Default)]
pub(crate) struct Known {
    /// With the source of each, the most general first: the CVE record, then the publishers.
    pub(crate) details: Vec<(String, Details)>,
    /// Whether the metadata of its year has it, rated or not.
    is_recorded: bool,
    score: Option<Score>,
    known_exploited: Option<KnownExploited>,
}

impl Library {
    /// Whether the stream is at hand. One that exists and cannot be read is a problem, not
    /// missing.
    fn open(&mut self, store: &Store, stream: &str) -> bool {
        match store.segment(stream) {
            Ok(None) => return false,
            Ok(Some(segment)) => {
                self.segments.insert(stream.to_owned(), segment);
            }
            Err(error) => self.note(&error),
        }
        true
    }

    /// By id. Ids are looked up in their order, which is the cheapest.
    fn look_up(&mut self, findings: &[Finding]) -> BTreeMap<String, Known> {
        let mut asked: BTreeMap<&String, (BTreeSet<&String>, BTreeSet<&String>)> = BTreeMap::new();
        for finding in findings {
            let (all_names, streams) = asked.entry(&finding.id).or_default();
            all_names.extend(names(finding));
            streams.extend(publishers(finding));
        }
        asked
            .into_iter()
            .map(|(id, (names, streams))| (id.clone(), self.known(&names, &streams)))
            .collect()
    }

    fn known(&mut self, names: &BTreeSet<&String>, streams: &BTreeSet<&String>) -> Known {
        let mut known = Known::default();
        for name in names {
            if let Some(stream) = year_stream(name) {
                let details = self.details(&stream, name);
                known.is_recorded |= details.is_some();
                known.details.extend(details);
            }
            known.score = known.score.or_else(|| self.ask(SCORES, |s| s.score(name)));
            if known.known_exploited.is_none() {
                known.known_exploited = self.ask(KNOWN_EXPLOITED, |s| s.known_exploited(name));
            }
        }
        // A rebuild's errata say what was fixed, and little of the vulnerability: its origin does.
        let origins: BTreeSet<String> =
            streams.iter().filter_map(|stream| distro::origin(stream)).collect();
        for stream in streams.iter().copied().chain(&origins) {
            for name in names {
                known.details.extend(self.details(stream, name));
            }
        }
        known
    }

    fn details(&mut self, stream: &str, name: &str) -> Option<(String, Details)> {
        let details = self.ask(stream, |segment| segment.details(name))?;
        let source = self.segments.get(stream)?.meta().source.clone();
        Some((source, details))
    }

    fn ask<T>(
        &mut self,
        stream: &str,
        question: impl Fn(&Segment) -> Result<Option<T>, SegmentError>,
    ) -> Option<T> {
        question(self.segments.get(stream)?).unwrap_or_else(|error| {
            self.note(&error);
            None
        })
    }

    fn note(&mut self, error: &SegmentError) {
        let problem = error.problem();
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

fn fill(finding: &mut Finding, known: &Known) {
    severity::choose(finding, &known.details);
    finding.epss = known.score.map(|score| (score.epss, score.percentile));
    finding.kev = known.known_exploited.as_ref().map(|entry| entry.added.clone());
    for (_, details) in &known.details {
        fill_text(&mut finding.title, &details.title);
        fill_text(&mut finding.description, &details.description);
        finding.published = finding.published.take().or_else(|| details.published.clone());
        finding.modified = finding.modified.take().or_else(|| details.modified.clone());
        add_new(&mut finding.cvss, &details.cvss);
        add_new(&mut finding.cwes, &details.cwes);
        add_new(&mut finding.references, &details.references);
    }
    finding.cwes.sort_unstable();
    finding.cvss.sort_by(by_source_and_newest);
}

fn fill_text(text: &mut String, offered: &str) {
    if text.is_empty() {
        offered.clone_into(text);
    }
}

fn add_new<T: Clone + PartialEq>(all: &mut Vec<T>, offered: &[T]) {
    for one in offered {
        if !all.contains(one) {
            all.push(one.clone());
        }
    }
}

fn by_source_and_newest(a: &Cvss, b: &Cvss) -> std::cmp::Ordering {
    a.source
        .cmp(&b.source)
        .then_with(|| b.version.cmp(&a.version))
        .then_with(|| a.vector.cmp(&b.vector))
}
