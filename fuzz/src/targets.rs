//! What is fuzzed: one line a parser, a plain function over any bytes, and where its seeds lie.
//!
//! A target must return for any input, without a panic, in time linear to it. What it returns is
//! of no interest; the runners watch for panics, hangs and memory.

/// One parser.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// Folders of inputs to start from, below the repository; read to their depth.
    pub seeds: &'static [&'static str],
}

/// A target for a function that returns something.
macro_rules! target {
    ($name:literal, $run:expr, $seeds:expr) => {
        Target { name: $name, run: |bytes| drop(std::hint::black_box($run(bytes))), seeds: &$seeds }
    };
}

/// Every parser of bytes from outside, sorted by name.
pub const TARGETS: &[Target] = &[
    target!("apk_installed", analyzers::fuzz::apk_installed, ["crates/analyzers/testdata/apk"]),
    target!("containerd_bolt", artifact::fuzz::bolt, ["fuzz/corpus/bolt"]),
    target!("dpkg_copyright", analyzers::fuzz::debian_copyright, ["crates/analyzers/testdata/copyright"]),
    target!("dpkg_status", analyzers::fuzz::dpkg_status, ["crates/analyzers/testdata/dpkg"]),
    target!("feed", feeds::fuzz::document, ["crates/feeds/testdata", "content/demo/feeds"]),
    target!("os_release", analyzers::fuzz::os_release, ["crates/analyzers/testdata/release"]),
    target!("rpm_bdb", analyzers::fuzz::rpm_bdb, ["crates/analyzers/testdata/rpm_bdb"]),
    target!("rpm_header", analyzers::fuzz::rpm_header, ["crates/analyzers/testdata/rpm_header"]),
    target!("rpm_ndb", analyzers::fuzz::rpm_ndb, ["crates/analyzers/testdata/rpm_ndb"]),
    target!("rpm_sqlite", analyzers::fuzz::rpm_sqlite, ["crates/analyzers/testdata/rpm_sqlite"]),
    target!("segment", advisories::fuzz::segment, ["fuzz/corpus/segment"]),
    target!("tar", tar, ["fuzz/corpus/tar"]),
];

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

fn tar(bytes: &[u8]) -> usize {
    let mut visitor = Greedy(0);
    let problems = artifact::fuzz::walk_tar(bytes, &mut visitor);
    visitor.0 + problems.len()
}
