//! `update`: sources and streams fetched anew, from their publishers or a mirror of ready segments.
//!
//! What is installed stays until its successor is whole: a server that fails costs nothing but
//! freshness, and the report says how old the data is.

use std::collections::BTreeMap;

use advisories::{Heard, Origin, Store};
use model::{Problem, ProblemKind};

use crate::age::Age;
use crate::collect::collect;
use crate::failure::Cause;
use crate::fetch::{AtHand, Fetched, News, fetch};
use crate::hosts::Patience;
use crate::http::Http;
use crate::import::{ImportReport, put};
use crate::served::Places;
use crate::{Failure, Feed, Options, Part, list, mirror, osv, stream};

/// What an update did.
#[derive(Debug, Default)]
pub struct UpdateReport {
    /// Streams whose publisher had nothing new, sorted.
    pub unchanged: Vec<String>,
    /// Streams that came ready from a mirror of segments, sorted.
    pub mirrored: Vec<String>,
    /// What was read and written otherwise.
    pub imported: ImportReport,
    /// Sources with URLs of the user's own that none of the streams comes from; if there are any,
    /// nothing was done.
    pub idle: Vec<String>,
}

/// Fetches the named sources (`debian-tracker`) and streams (`debian-12`); with none named, all
/// streams that are installed. A source stands for its installed streams.
pub fn update(targets: &[String], store: &Store, options: &Options) -> UpdateReport {
    let mut report = UpdateReport::default();
    let streams = streams(targets, store, options, &mut report.imported.problems);
    let places = Places { store, options, named: targets };
    report.idle = places.idle(&streams);
    if !report.idle.is_empty() {
        return report;
    }
    update_streams(&streams, places, &mut report);
    report.unchanged.sort();
    report.mirrored.sort();
    report.imported.sources.sort_by_key(|source| source.name);
    report.imported.streams.sort_by(|a, b| a.stream.cmp(&b.stream));
    report.imported.problems.sort();
    report
}

/// Fetches streams.
pub(crate) fn update_streams(streams: &[String], places: Places<'_>, report: &mut UpdateReport) {
    let Places { store, options, .. } = places;
    let opened = match options.offline {
        true => Err(Cause::network("the network is not to be used")),
        false => Http::new(options),
    };
    let http = match opened {
        Ok(http) => http,
        Err(cause) => {
            return streams.iter().for_each(|s| report.not_refreshed(s, &cause, store, options));
        }
    };
    if let Some(mirror) = &options.db_url {
        return mirror::update(&http, mirror, streams, store, options, report);
    }
    for group in groups(streams, places, report) {
        group.update(&http, places, report);
    }
    if options.stop.is_stopped() {
        report.imported.failures.insert(Failure::Stopped);
    }
}

impl UpdateReport {
    /// Notes that a stream could not be fetched, and what there is instead.
    pub(crate) fn not_refreshed(
        &mut self,
        stream: &str,
        cause: &Cause,
        store: &Store,
        options: &Options,
    ) {
        self.imported.failures.insert(cause.failure);
        self.imported.problems.push(not_refreshed(stream, &cause.why, store, options));
    }
}

/// The streams that targets stand for, sorted; what is neither source nor stream is a problem.
fn streams(
    targets: &[String],
    store: &Store,
    options: &Options,
    problems: &mut Vec<Problem>,
) -> Vec<String> {
    let installed = store.list().unwrap_or_else(|error| {
        let subject = store.dir().display().to_string();
        problems.push(Problem::new(ProblemKind::Unreadable, subject, error.to_string()));
        Vec::new()
    });
    let source =
        |stream: &advisories::Installed| stream.meta.as_ref().ok().map(|m| m.source.clone());
    let mut streams = Vec::new();
    for target in targets {
        let before = streams.len();
        let of_source = installed.iter().filter(|i| source(i).as_deref() == Some(target));
        streams.extend(of_source.map(|installed| installed.stream.clone()));
        let is_own =
            |feed: &dyn Feed| options.feed_urls.contains_key(feed.name()) && feed.speaks_of(target);
        // `oracle-oval` reads as a release of Oracle Linux.
        let is_stream = *target == stream::EPSS || !is_source(target);
        let is_served = |feed: &&dyn Feed| !feed.urls(target).is_empty() || is_own(*feed);
        if is_stream && list::ALL.iter().any(is_served) {
            streams.push(target.clone());
        }
        if streams.len() == before {
            problems.push(unknown(target));
        }
    }
    if targets.is_empty() {
        // What archives are called only a mirror can know better.
        let is_fetched = |stream: &String| {
            options.db_url.is_some() || stream::release(stream, stream::MAVEN_SHA1).is_none()
        };
        let all = installed.into_iter().map(|installed| installed.stream);
        streams.extend(all.filter(is_fetched));
    }
    streams.sort();
    streams.dedup();
    streams
}

/// Whether it is the name of a source: of a feed, or of one of those that OSV's records come from.
fn is_source(target: &str) -> bool {
    list::ALL.iter().any(|feed| feed.name() == target) || osv::is_source(target)
}

fn unknown(target: &str) -> Problem {
    let message = match is_source(target) {
        true => "no stream of this source is installed; hint: name a stream, such as `debian-12`",
        false => "is neither a source nor a stream that a source serves",
    };
    Problem::new(ProblemKind::Unsupported, target, message)
}

/// Streams that the same URLs serve.
struct Group {
    /// The position of the feed in the list.
    index: usize,
    feed: &'static dyn Feed,
    urls: Vec<String>,
    streams: Vec<String>,
}

fn groups(streams: &[String], places: Places<'_>, report: &mut UpdateReport) -> Vec<Group> {
    let Places { store, options, .. } = places;
    let mut groups: BTreeMap<(usize, Vec<String>), Vec<String>> = BTreeMap::new();
    for stream in streams {
        match places.of(stream) {
            Ok(key) => groups.entry(key).or_default().push(stream.clone()),
            // Nothing failed: there is nobody to ask.
            Err(cause) => {
                report.imported.problems.push(not_refreshed(stream, &cause, store, options));
            }
        }
    }
    groups
        .into_iter()
        .filter_map(|((index, urls), streams)| {
            Some(Group { index, feed: *list::ALL.get(index)?, urls, streams })
        })
        .collect()
}

impl Group {
    fn update(&self, http: &Http<'_>, places: Places<'_>, report: &mut UpdateReport) {
        let Places { store, options, .. } = places;
        let at_hand = self.at_hand(places);
        match fetch(http, self.feed, self.urls.clone(), &at_hand, self.patience(store)) {
            Ok(News::None) => {
                for stream in &self.streams {
                    mark_checked(stream, store, options, &mut report.imported.problems);
                    report.unchanged.push(stream.clone());
                }
            }
            Ok(News::Some(fetched)) => self.install(fetched, places, report),
            Err(cause) => self.failed(&cause, store, options, report),
        }
    }

    fn install(&self, fetched: Fetched, places: Places<'_>, report: &mut UpdateReport) {
        let (names, origins) = fetched.origins();
        let store = places.store;
        let (only_changes, gone) = (fetched.only_changes, fetched.gone.clone());
        report.imported.problems.extend(fetched.untold.as_ref().map(|untold| {
            let message = format!("may be older than its publisher's data: {untold}");
            Problem::new(ProblemKind::AdvisoriesStale, self.feed.name(), message)
        }));
        let options = Options { whole: !only_changes, ..places.options.clone() };
        report.imported.problems.extend(fetched.absent.as_ref().map(|absent| {
            Problem::new(ProblemKind::Notice, self.feed.name(), format!("is not whole: {absent}"))
        }));
        // What the user names is recognized as a file is, whatever source he calls it by.
        let is_publisher =
            self.urls == self.streams.first().map_or_else(Vec::new, |it| self.feed.urls(it));
        let one = [self.feed];
        let feeds = if is_publisher { &one } else { list::ALL };
        match collect(feeds, &mut fetched.inputs(), &options) {
            Ok(mut read) => {
                read.keep_streams(|stream| self.is_own(stream, places));
                let place = if is_publisher { 0 } else { self.index };
                gone.iter().for_each(|name| read.covers(place, name));
                let put = put(feeds, read, (&names, &origins), store, &options);
                for stream in self.unwritten(&put) {
                    if only_changes {
                        // No change is about it.
                        mark_checked(stream, store, &options, &mut report.imported.problems);
                        report.unchanged.push(stream.clone());
                    } else {
                        let cause = Cause::damaged("what its source serves does not speak of it");
                        report.not_refreshed(stream, &cause, store, &options);
                    }
                }
                merge(put, &mut report.imported);
            }
            Err(error) => {
                self.failed(&Cause::local(error.to_string()), store, &options, report);
            }
        }
    }

    /// Whether these URLs are where a stream is fetched from. What they say of others is a
    /// fragment (an npm advisory that names a Maven package), and no news of the whole.
    fn is_own(&self, stream: &str, places: Places<'_>) -> bool {
        places.of(stream).is_ok_and(|(index, urls)| index == self.index && urls == self.urls)
    }

    fn failed(&self, cause: &Cause, store: &Store, options: &Options, report: &mut UpdateReport) {
        self.streams.iter().for_each(|s| report.not_refreshed(s, cause, store, options));
    }

    fn patience(&self, store: &Store) -> Patience {
        let is_there = |stream: &String| matches!(store.segment(stream), Ok(Some(_)));
        if self.streams.iter().all(is_there) { Patience::Short } else { Patience::Long }
    }

    /// What is installed. Changes since an archive are added to all streams that come from there, asked for
    /// or not: they have to be of that archive, and what changed since the first of them was heard counts.
    fn at_hand(&self, places: Places<'_>) -> AtHand {
        let store = places.store;
        let mut origins = self.known(store);
        let is_archive = |url: &String| matches!(self.feed.part(url), Part::Archive { .. });
        if !origins.keys().any(is_archive) {
            return AtHand { origins, heard: None };
        }
        let installed = store.list().unwrap_or_default().into_iter().map(|it| it.stream);
        let own: Vec<String> = installed.filter(|stream| self.is_own(stream, places)).collect();
        let is_of = |stream: &String, origin: &Origin| {
            store
                .segment(stream)
                .is_ok_and(|segment| segment.is_some_and(|it| it.meta().origins.contains(origin)))
        };
        origins.retain(|url, origin| {
            !is_archive(url) || own.iter().all(|stream| is_of(stream, origin))
        });
        let heard = own.iter().map(|stream| store.heard(stream)).min().flatten();
        AtHand { origins, heard: heard.map(Heard::at) }
    }

    /// The validators of what all of it, as it is installed, was built from.
    fn known(&self, store: &Store) -> BTreeMap<String, Origin> {
        let mut known: Option<BTreeMap<String, Origin>> = None;
        for stream in &self.streams {
            let origins: BTreeMap<String, Origin> = match store.segment(stream) {
                Ok(Some(segment)) if segment.meta().incomplete.is_none() => {
                    segment.meta().origins.iter().map(|o| (o.url.clone(), o.clone())).collect()
                }
                _ => return BTreeMap::new(),
            };
            match &mut known {
                Some(known) => known.retain(|url, origin| origins.get(url) == Some(&*origin)),
                None => known = Some(origins),
            }
        }
        known.unwrap_or_default()
    }

    fn unwritten<'s>(&'s self, put: &'s ImportReport) -> impl Iterator<Item = &'s String> {
        let is_written = |stream: &String| put.streams.iter().any(|done| done.stream == *stream);
        self.streams.iter().filter(move |stream| !is_written(stream))
    }
}

fn merge(from: ImportReport, into: &mut ImportReport) {
    into.sources.extend(from.sources);
    into.streams.extend(from.streams);
    into.failures.extend(from.failures);
    into.problems.extend(from.problems);
}

/// Notes that the publisher had no news.
fn mark_checked(stream: &str, store: &Store, options: &Options, problems: &mut Vec<Problem>) {
    if let Err(error) = store.mark_checked(stream, &options.now.to_string()) {
        let message = format!("cannot note that it is up to date: {error}");
        problems.push(Problem::new(ProblemKind::Notice, stream, message));
    }
}

/// Says that a stream could not be fetched, and what there is instead.
fn not_refreshed(stream: &str, cause: &str, store: &Store, options: &Options) -> Problem {
    match Age::of(stream, store, options.now) {
        Some(age) => {
            let message = format!("could not be refreshed, so data {age} is used: {cause}");
            Problem::new(ProblemKind::AdvisoriesStale, stream, message)
        }
        None => {
            // Without metadata findings are less rich; without advisories there are none.
            let kind = match stream::scheme(stream) {
                Some(_) => ProblemKind::AdvisoriesMissing,
                None => ProblemKind::Notice,
            };
            let hint = "hint: `lazaret db import` reads a copy";
            let message = format!("is not there and could not be fetched: {cause}; {hint}");
            Problem::new(kind, stream, message)
        }
    }
}
