//! What is fuzzed: one line a parser, a plain function over any bytes, and where its seeds lie.
//! Every analyzer of `analyzers::ALL`, every feed of `feeds::ALL` and every scheme of
//! `version::Scheme::ALL` is a target by itself.
//!
//! A target must return for any input, without a panic, in time linear to it. What it returns is
//! of no interest; the runners watch for panics, hangs and memory.

use std::hint::black_box;
use std::io::{Seek as _, Write as _};
use std::path::Path;

use advisories::{Index, Segment, Store};
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

/// Keeps the compiler from leaving out what nobody looks at.
fn swallow<T>(value: T) {
    drop(black_box(value));
}

/// Every parser of bytes from outside, sorted by name.
pub fn targets() -> Vec<Target> {
    let mut targets = Vec::new();
    targets.extend(of_images());
    targets.extend(of_documents());
    targets.extend(of_judgement());
    targets.extend(of_guard());
    targets.extend(of_gate());
    targets.extend(of_sensor());
    targets.extend(of_responses());
    targets.extend(analyzers::ALL.iter().map(|analyzer| of_analyzer(*analyzer)));
    targets.extend(feeds::ALL.iter().map(|feed| of_feed(*feed)));
    targets.extend(Scheme::ALL.iter().map(|scheme| of_scheme(*scheme)));
    targets.sort_by_key(|target| target.name);
    targets
}

/// What archives, registries and daemons bring, beside what analyzers read.
fn of_images() -> [Target; 11] {
    let headers = "crates/analyzers/testdata/rpm-sqlite";
    let files = "crates/analyzers/testdata/dockerfile";
    [
        corpus("bbolt", |bytes| swallow(artifact::fuzz::bolt(bytes))),
        corpus("challenge", |bytes| swallow(artifact::fuzz::challenge(bytes))),
        corpus("clam-signatures", |bytes| swallow(analyzers::fuzz::clam_signatures(bytes))),
        corpus("image-config", |bytes| swallow(artifact::fuzz::image_config(bytes))),
        corpus("image-manifest", |bytes| swallow(artifact::fuzz::image_manifest(bytes))),
        seeded("image-settings", files, |bytes| swallow(analyzers::fuzz::image_settings(bytes))),
        corpus("logins", |bytes| swallow(artifact::fuzz::logins(bytes))),
        corpus("registries-conf", |bytes| swallow(artifact::fuzz::registries_conf(bytes))),
        seeded("rpm-header", headers, |bytes| swallow(analyzers::fuzz::rpm_header(bytes))),
        corpus("segment", segment),
        corpus("tar", tar),
    ]
}

/// Bills, reports and statements that somebody else wrote.
fn of_documents() -> [Target; 8] {
    let statements = "crates/document/testdata/vex";
    [
        seeded("attached", statements, attached),
        corpus("bundle", bundle),
        corpus("feed-changes", feeds::fuzz::changes),
        seeded("feed-file", "crates/feeds/testdata/osv", feeds::fuzz::input),
        corpus("report", |bytes| swallow(document::json::read(bytes))),
        seeded("sbom", "crates/cli/testdata/bills", |bytes| {
            swallow(document::Sbom::read("fuzz", bytes));
        }),
        corpus("segment-index", |bytes| swallow(Index::parse(bytes))),
        seeded("vex", statements, |bytes| {
            swallow(document::vex::listed(bytes));
            swallow(document::vex::read("fuzz", bytes));
        }),
    ]
}

/// What users write: policies, exceptions, checks.
fn of_judgement() -> [Target; 6] {
    [
        seeded("guard-policy", "crates/policy/testdata/guard", policy::fuzz::guard_policy),
        seeded("own-check", "content/checks", |bytes| {
            swallow(analyzers::fuzz::own_check(bytes));
        }),
        corpus("policy", policy),
        corpus("policy-condition", condition),
        corpus("profile", policy::fuzz::profile),
        corpus("policy-ignore", |bytes| {
            swallow(policy::Ignored::parse(&String::from_utf8_lossy(bytes), "fuzz"));
        }),
    ]
}

/// What the guard reads: rules, lists, recordings, audit records, what posts them, alerts that wait.
fn of_guard() -> [Target; 11] {
    let records = "crates/detect/testdata/audit/fields";
    [
        corpus("audit-list", detect::fuzz::audit_list),
        seeded("audit-records", records, detect::fuzz::audit),
        corpus("audit-request", courier::fuzz::request),
        corpus("detect-condition", detect::fuzz::condition),
        corpus("detect-rules", detect::fuzz::rules),
        corpus("engine-answer", suite::fuzz::answer),
        seeded("indicators", "crates/indicators/testdata", indicators::fuzz::document),
        corpus("helper-words", courier::fuzz::words),
        corpus("suite", suite::fuzz::suite),
        seeded("event-recording", "crates/detect/testdata/recording", detect::fuzz::recording),
        corpus("spool", courier::fuzz::spool),
    ]
}

/// What Docker and runtimes show to the gate, its policies, and verdicts that were kept.
fn of_gate() -> [Target; 4] {
    [
        corpus("gate-docker", gate::fuzz::docker),
        corpus("gate-oci", gate::fuzz::oci),
        seeded("gate-policy", "crates/policy/testdata/start", policy::fuzz::start_policy),
        corpus("gate-verdict", gate::fuzz::verdict),
    ]
}

/// What lies in the folder of who responds, and what is typed.
fn of_responses() -> [Target; 3] {
    [
        corpus("respond-journal", respond::fuzz::journal),
        corpus("respond-network", respond::fuzz::network),
        corpus("respond-sealed", respond::fuzz::sealed),
    ]
}

/// What the kernel, runtimes and containers say to the guard.
fn of_sensor() -> [Target; 6] {
    let seeds = "crates/sensor/testdata";
    [
        seeded("sensor-addresses", seeds, sensor::fuzz::addresses),
        seeded("sensor-control-group", seeds, sensor::fuzz::control_group),
        seeded("sensor-denial", "crates/sensor/testdata/denials", sensor::fuzz::denial),
        seeded("sensor-files", seeds, sensor::fuzz::files),
        seeded("sensor-record", "crates/sensor/testdata/records", sensor::fuzz::record),
        seeded("sensor-runtime", "crates/sensor/testdata/runtime", sensor::fuzz::runtime),
    ]
}

fn of_analyzer(analyzer: &'static dyn Analyzer) -> Target {
    let run = move |bytes: &[u8]| swallow(analyzers::fuzz::analyze(analyzer, bytes));
    let seeds = format!("crates/analyzers/testdata/{}", analyzer.name());
    Target { name: analyzer.name(), run: Box::new(run), seeds }
}

fn corpus(name: &'static str, run: fn(&[u8])) -> Target {
    seeded(name, &format!("fuzz/corpus/{name}"), run)
}

fn seeded(name: &'static str, seeds: &str, run: fn(&[u8])) -> Target {
    Target { name, run: Box::new(run), seeds: seeds.to_owned() }
}

fn attached(bytes: &[u8]) {
    let image = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
    if let Ok(image) = image.parse() {
        drop(black_box(document::attached::read("fuzz", bytes, &image)));
    }
}

/// Recognition sees every document of every import, so it is part of each feed's target.
fn of_feed(feed: &'static dyn Feed) -> Target {
    let run = move |bytes: &[u8]| {
        let document = Document::new("fuzz", bytes);
        swallow(feed.recognizes(&Sample::new(document)));
        // That it fails is fine; how is what the runner watches.
        swallow(feed.import(&document, &mut Sink::default()));
    };
    let seeds = format!("crates/feeds/testdata/{}", feed.name());
    Target { name: feed.name(), run: Box::new(run), seeds }
}

/// Tables of comparisons and ranges, and the same bytes as two long versions, or one long range.
fn of_scheme(scheme: Scheme) -> Target {
    let run = move |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        swallow(version::check_table(scheme, &text));
        let (first, second) = text.split_once('\n').unwrap_or((&text, &text));
        swallow(scheme.compare(first, second));
        for range in [Range::parse(scheme, first), Range::plain(scheme, first)].iter().flatten() {
            swallow((range.contains(second), range.spans(second)));
        }
    };
    // A name lives as long as the list of targets does: until the program ends.
    let name = format!("version-{}", scheme.name()).leak();
    Target { name, run: Box::new(run), seeds: "crates/version/testdata".to_owned() }
}

/// A policy, and its own cases if it has some.
fn policy(bytes: &[u8]) {
    let Ok(policy) = policy::Policy::parse(&String::from_utf8_lossy(bytes), "fuzz") else { return };
    swallow(policy.test());
}

/// The bytes as the condition of a rule on each kind of thing, asked of one of each.
fn condition(bytes: &[u8]) {
    let condition = format!("{:?}", String::from_utf8_lossy(bytes));
    for on in ["finding", "secret", "malware", "misconfiguration", "package", "problem", "image"] {
        let rule = format!("{{id: x, on: {on}, action: deny, when: {condition}}}");
        policy(format!("version: 1\nrules:\n  - {rule}\n{CASE}").as_bytes());
    }
}

/// Something of every kind that a rule can look at.
const CASE: &str = "tests:
  - name: one of each
    today: 2026-01-01
    expect: allow
    given:
      image: {labels: {a: b}, exposed_ports: [22/tcp], created: 2025-01-01}
      packages: [{name: a, license: MIT}]
      findings: [{id: CVE-1, aliases: [x], package: a, severity: high, cwes: [CWE-1], epss: 0.5}]
      secrets: [{kind: jwt, severity: low}]
      malware: [{rule: a, severity: low}]
      misconfigurations: [{check: a, benchmarks: [CIS]}]
      problems: [{kind: notice}]
";

/// A bundle that somebody carried here, into an empty store.
fn bundle(bytes: &[u8]) {
    let (Ok(folder), Ok(mut file)) = (tempfile::tempdir(), tempfile::tempfile()) else { return };
    if file.write_all(bytes).and_then(|()| file.rewind()).is_err() {
        return;
    }
    let now = jiff::Timestamp::UNIX_EPOCH;
    let terms = advisories::bundle::Terms { trusted: &[], allow_older: false, now };
    let store = Store::open(folder.path());
    swallow(advisories::bundle::import_open(file, Path::new("fuzz"), &store, &terms));
}

/// A segment from a mirror: opened, checked, and read to its end whatever the check says.
fn segment(bytes: &[u8]) {
    let Ok(segment) = Segment::from_bytes(bytes.to_vec(), "fuzz") else { return };
    swallow(segment.verify());
    swallow(segment.all_advisories().take_while(Result::is_ok).count());
    swallow(segment.all_details().take_while(Result::is_ok).count());
    swallow(segment.all_coordinates().take_while(Result::is_ok).count());
    swallow(segment.coordinates(&"0".repeat(40)).is_ok());
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
    swallow(artifact::fuzz::tar(bytes, &mut visitor));
    swallow(visitor.0);
}
