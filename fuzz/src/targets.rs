//! What is fuzzed: one line a parser, a plain function over any bytes, and where its seeds lie.
//! Every analyzer of `analyzers::ALL`, every feed of `feeds::ALL` and every scheme of
//! `version::Scheme::ALL` is a target by itself.
//!
//! A target must return for any input, without a panic, in time linear to it. What it returns is
//! of no interest; the runners watch for panics, hangs and memory.

use std::hint::black_box;

use advisories::{Index, Segment};
use analyzers::Analyzer;
use feeds::{Document, Feed, Sample, Sink};
use version::{Range, Scheme};

/// One parser.
pub struct Target {
    pub name: &'static str,
    pub run: Box<dyn Fn(&[u8]) + Send + Sync>,
    /// The folder of inputs to start from, below the repository; read to its depth.
    pub seeds: String,
}

/// Every parser of bytes from outside, sorted by name.
pub fn targets() -> Vec<Target> {
    let mut targets = vec![
        Target {
            name: "rpm-header",
            run: Box::new(|bytes| drop(black_box(analyzers::fuzz::rpm_header(bytes)))),
            seeds: "crates/analyzers/testdata/rpm-sqlite".to_owned(),
        },
        Target {
            name: "sbom",
            run: Box::new(|bytes| drop(black_box(document::Sbom::read("fuzz", bytes)))),
            seeds: "crates/cli/testdata/bills".to_owned(),
        },
        Target {
            name: "vex",
            run: Box::new(|bytes| {
                drop(black_box(document::vex::locations(bytes)));
                drop(black_box(document::vex::read("fuzz", bytes)));
            }),
            seeds: "crates/document/testdata/vex".to_owned(),
        },
        corpus("bbolt", |bytes| drop(black_box(artifact::fuzz::bolt(bytes)))),
        corpus("image-config", |bytes| drop(black_box(artifact::fuzz::image_config(bytes)))),
        corpus("image-manifest", |bytes| drop(black_box(artifact::fuzz::image_manifest(bytes)))),
        corpus("logins", |bytes| drop(black_box(artifact::fuzz::logins(bytes)))),
        corpus("registries-conf", |bytes| drop(black_box(artifact::fuzz::registries_conf(bytes)))),
        corpus("segment-index", |bytes| drop(black_box(Index::parse(bytes)))),
        corpus("segment", segment),
        corpus("tar", tar),
    ];
    targets.extend(analyzers::ALL.iter().map(|analyzer| of_analyzer(*analyzer)));
    targets.extend(feeds::ALL.iter().map(|feed| of_feed(*feed)));
    targets.extend(Scheme::ALL.iter().map(|scheme| of_scheme(*scheme)));
    targets.sort_by_key(|target| target.name);
    targets
}

fn of_analyzer(analyzer: &'static dyn Analyzer) -> Target {
    let run = move |bytes: &[u8]| drop(black_box(analyzers::fuzz::analyze(analyzer, bytes)));
    let seeds = format!("crates/analyzers/testdata/{}", analyzer.name());
    Target { name: analyzer.name(), run: Box::new(run), seeds }
}

fn corpus(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run: Box::new(run), seeds: format!("fuzz/corpus/{name}") }
}

/// Recognition sees every document of every import, so it is part of each feed's target.
fn of_feed(feed: &'static dyn Feed) -> Target {
    let run = move |bytes: &[u8]| {
        let document = Document::new("fuzz", bytes);
        black_box(feed.recognizes(&Sample::new(document)));
        // That it fails is fine; how is what the runner watches.
        drop(black_box(feed.import(&document, &mut Sink::default())));
    };
    let seeds = format!("crates/feeds/testdata/{}", feed.name());
    Target { name: feed.name(), run: Box::new(run), seeds }
}

/// Tables of comparisons and ranges, and the same bytes as two long versions, or one long range.
fn of_scheme(scheme: Scheme) -> Target {
    let run = move |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        drop(black_box(version::check_table(scheme, &text)));
        let (first, second) = text.split_once('\n').unwrap_or((&text, &text));
        drop(black_box(scheme.compare(first, second)));
        for range in [Range::parse(scheme, first), Range::plain(scheme, first)].iter().flatten() {
            drop(black_box((range.contains(second), range.spans(second))));
        }
    };
    // A name lives as long as the list of targets does: until the program ends.
    let name = format!("version-{}", scheme.name()).leak();
    Target { name, run: Box::new(run), seeds: "crates/version/testdata".to_owned() }
}

/// A segment from a mirror: opened, checked, and read to its end whatever the check says.
fn segment(bytes: &[u8]) {
    let Ok(segment) = Segment::from_bytes(bytes.to_vec(), "fuzz") else { return };
    drop(black_box(segment.verify()));
    black_box(segment.all_advisories().take_while(Result::is_ok).count());
    black_box(segment.all_details().take_while(Result::is_ok).count());
}

/// A visitor that wants every content.
struct Greedy(usize);

impl model::Visitor for Greedy {
    fn entry(&mut self, _entry: &model::Entry<'_>) -> model::Want {
        model::Want::Content
    }

    fn content(&mut self, _entry: &model::Entry<'_>, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

fn tar(bytes: &[u8]) {
    let mut visitor = Greedy(0);
    black_box(artifact::fuzz::tar(bytes, &mut visitor));
    black_box(visitor.0);
}
