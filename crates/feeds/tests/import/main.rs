//! What an import replaces and what it keeps, seen from outside: files in, segments out.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test they help")]

mod damage;

use std::fs;
use std::path::{Path, PathBuf};

use advisories::{Counts, Store};
use feeds::{Failure, ImportReport, Options, Outcome, import};
use jiff::Timestamp;
use model::{Advisory, ProblemKind, Subject};
use tempfile::TempDir;

/// A folder with a store in it and room for documents.
struct Place {
    folder: TempDir,
    store: Store,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = Store::open(folder.path().join("db"));
        Self { folder, store }
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    fn import(&self, paths: &[PathBuf]) -> ImportReport {
        import(paths, &self.store, &options()).unwrap()
    }

    fn says(&self, stream: &str, package: &str) -> Vec<Advisory> {
        let segment = Store::open(self.store.dir()).segment(stream).unwrap().unwrap();
        segment.advisories(package, Subject::Source).unwrap()
    }

    fn ids(&self, stream: &str, package: &str) -> Vec<String> {
        self.says(stream, package).into_iter().map(|advisory| advisory.id).collect()
    }
}

fn options() -> Options {
    Options::new(Timestamp::UNIX_EPOCH)
}

fn tracker(package: &str, count: usize) -> String {
    let entry = |n: usize| {
        format!(
            r#""CVE-2024-{n:04}": {{"releases": {{"bookworm": {{"status": "resolved",
            "repositories": {{"bookworm": "1"}}, "fixed_version": "1.{n}", "urgency": "low"}}}}}}"#
        )
    };
    let entries: Vec<String> = (0..count).map(entry).collect();
    format!("{{\"{package}\": {{{}}}}}", entries.join(","))
}

fn secdb(repository: &str, package: &str, fixes: &str) -> String {
    format!(
        r#"{{"apkurl": "u", "distroversion": "v3.20", "reponame": "{repository}",
        "packages": [{{"pkg": {{"name": "{package}", "secfixes": {fixes}}}}}]}}"#
    )
}

fn osv(id: &str, cve: &str, package: &str, fixed: &str) -> String {
    format!(
        r#"{{"id": "{id}", "modified": "2024-01-02T03:04:05Z", "upstream": ["{cve}"],
        "affected": [{{"package": {{"ecosystem": "Debian:12", "name": "{package}"}},
        "ranges": [{{"type": "ECOSYSTEM", "events": [{{"introduced": "0"}}, {{"fixed": "{fixed}"}}]}}]}}]}}"#
    )
}

fn outcome<'r>(report: &'r ImportReport, stream: &str) -> &'r Outcome {
    &report.streams.iter().find(|done| done.stream == stream).unwrap().outcome
}

fn kinds(report: &ImportReport) -> Vec<ProblemKind> {
    report.problems.iter().map(|problem| problem.kind).collect()
}

#[test]
fn a_whole_stream_is_renewed_and_the_same_bytes_come_out_twice() {
    let place = Place::new();
    let feed = place.file("tracker.json", tracker("curl", 3));
    let first = place.import(std::slice::from_ref(&feed));
    let Outcome::Installed(counts) = outcome(&first, "debian-12") else { panic!("{first:?}") };
    assert_eq!(*counts, Counts { packages: 1, advisories: 3, ..Counts::default() });
    assert_eq!(first.problems, []);
    let bytes = fs::read(place.store.dir().join("debian-12.seg")).unwrap();

    let again = place.import(&[feed]);
    assert!(matches!(outcome(&again, "debian-12"), Outcome::Renewed(_)));
    assert_eq!(fs::read(place.store.dir().join("debian-12.seg")).unwrap(), bytes);

    let other = place.file("tracker.json", tracker("bash", 1));
    place.import(&[other]);
    assert_eq!(place.ids("debian-12", "curl"), Vec::<String>::new());
    assert_eq!(place.ids("debian-12", "bash"), ["CVE-2024-0000"]);
}

#[test]
fn a_part_renews_what_it_covers_and_leaves_the_rest() {
    let place = Place::new();
    let main = place.file("main.json", secdb("main", "curl", r#"{"1-r0": ["CVE-2024-0001"]}"#));
    let community =
        place.file("community.json", secdb("community", "gimp", r#"{"2-r0": ["CVE-2024-0002"]}"#));
    place.import(&[main, community]);
    let main = place.file("main.json", secdb("main", "curl", r#"{"1-r1": ["CVE-2024-0003"]}"#));
    let report = place.import(&[main]);
    assert!(matches!(outcome(&report, "alpine-3.20"), Outcome::Merged(_)));
    assert_eq!(place.ids("alpine-3.20", "curl"), ["CVE-2024-0003"]);
    assert_eq!(place.ids("alpine-3.20", "gimp"), ["CVE-2024-0002"]);
}

#[test]
fn a_notice_is_renewed_and_others_on_its_vulnerability_stay() {
    let place = Place::new();
    let one = place.file("1.json", osv("DSA-1-1", "CVE-2024-0001", "curl", "1"));
    let two = place.file("2.json", osv("DSA-2-1", "CVE-2024-0001", "curl", "2"));
    place.import(&[one, two]);
    let one = place.file("1.json", osv("DSA-1-1", "CVE-2024-0001", "curl", "1.1"));
    place.import(&[one]);
    let said: Vec<_> = place
        .says("debian-12", "curl")
        .into_iter()
        .map(|a| format!("{:?} {:?}", a.notices, a.ranges.first().map(|range| range.until.clone())))
        .collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.iter().any(|s| s.contains("DSA-1-1") && s.contains("1.1")), "{said:?}");
    assert!(said.iter().any(|s| s.contains("DSA-2-1") && s.contains("\"2\"")), "{said:?}");
}

#[test]
fn the_whole_replaces_all_when_the_user_says_so() {
    let place = Place::new();
    let one = place.file("1.json", osv("DSA-1-1", "CVE-2024-0001", "curl", "1"));
    place.import(&[one]);
    let two = place.file("2.json", osv("DSA-2-1", "CVE-2024-0002", "bash", "2"));
    let options = Options { whole: true, ..options() };
    let report = import(&[two], &place.store, &options).unwrap();
    assert!(matches!(outcome(&report, "debian-12"), Outcome::Renewed(_)));
    assert_eq!(place.ids("debian-12", "curl"), Vec::<String>::new());
}

#[test]
fn another_source_takes_the_stream_over_and_that_is_said() {
    let place = Place::new();
    let record = place.file("1.json", osv("DSA-1-1", "CVE-2024-0009", "curl", "1"));
    place.import(&[record]);
    let feed = place.file("tracker.json", tracker("curl", 1));
    let report = place.import(&[feed]);
    let Outcome::Replaced { other, .. } = outcome(&report, "debian-12") else {
        panic!("{report:?}")
    };
    assert_eq!(other, "debian-osv");
    assert_eq!(place.ids("debian-12", "curl"), ["CVE-2024-0000"]);
}

/// How much both say, and who speaks.
#[test]
fn of_two_sources_in_one_import_the_authoritative_speaks_unless_it_is_a_sample() {
    let (tracker_speaks, osv_speaks) = ("debian-tracker", "debian-osv");
    let cases = [
        (3, 1, tracker_speaks),
        (1, 2, tracker_speaks),
        (1, 10, tracker_speaks),
        (1, 11, osv_speaks),
    ];
    for (of_tracker, of_osv, speaks) in cases {
        let place = Place::new();
        place.file("feeds/tracker.json", tracker("curl", of_tracker));
        notices(&place, of_osv);
        let report = place.import(&[place.folder.path().join("feeds")]);
        assert_eq!(report.streams.len(), 1);
        assert_eq!(report.streams[0].source, speaks, "{of_tracker} {of_osv}");
        assert_eq!(kinds(&report), [ProblemKind::Notice], "{:?}", report.problems);
    }
}

/// Errata tell of fixes alone; who speaks of unfixed vulnerabilities too goes before them.
#[test]
fn red_hats_errata_go_behind_all_that_have_states() {
    let place = Place::new();
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    for feed in ["redhat-cve", "redhat-csaf"] {
        let report = import(&[testdata.join(feed)], &place.store, &options()).unwrap();
        assert!(report.streams.iter().any(|done| done.stream == "rhel-8"), "{feed}");
    }
    let place = Place::new();
    let both = [testdata.join("redhat-cve"), testdata.join("redhat-csaf")];
    let report = place.import(&both);
    let spoken = report.streams.iter().find(|done| done.stream == "rhel-8").unwrap();
    assert_eq!(spoken.source, "redhat-cve", "{report:?}");
}

#[test]
fn an_authoritative_source_that_is_cut_off_goes_behind_one_that_is_whole() {
    let place = Place::new();
    let text = tracker("curl", 3);
    place.file("feeds/tracker.json", text.split_at(text.len() / 2).0);
    notices(&place, 3);
    let report = place.import(&[place.folder.path().join("feeds")]);
    assert_eq!(report.streams[0].source, "debian-osv", "{:?}", report.problems);
}

fn notices(place: &Place, count: usize) {
    for n in 0..count {
        let record = osv(&format!("DSA-{n}-1"), "CVE-2024-0009", "curl", "1");
        place.file(&format!("feeds/{n}.json"), record);
    }
}

#[test]
fn damage_never_replaces_what_is_sound_unless_asked() {
    let place = Place::new();
    let sound = place.file("tracker.json", tracker("curl", 3));
    place.import(&[sound]);
    let text = tracker("curl", 3) + "{";
    let cut = place.file("cut.json", text.as_bytes().split_at(text.len() / 2).0);
    let report = place.import(std::slice::from_ref(&cut));
    assert_eq!(kinds(&report), [ProblemKind::Damaged], "{:?}", report.problems);
    assert!(report.streams.is_empty());

    let two = tracker("bash", 1).trim_end_matches('}').to_owned() + "}}}},\"curl\": {";
    let cut = place.file("cut.json", two);
    let report = place.import(std::slice::from_ref(&cut));
    assert_eq!(*outcome(&report, "debian-12"), Outcome::Kept(Failure::Damaged));
    assert_eq!(kinds(&report), [ProblemKind::Damaged, ProblemKind::Damaged]);
    assert_eq!(place.ids("debian-12", "curl").len(), 3);

    let options = Options { accept_damaged: true, ..options() };
    import(&[cut], &place.store, &options).unwrap();
    assert_eq!(place.ids("debian-12", "bash").len(), 1);
    let segment = Store::open(place.store.dir()).segment("debian-12").unwrap().unwrap();
    assert_eq!(segment.meta().incomplete.as_deref(), Some("1 of 1 documents are damaged"));
}

#[test]
fn what_is_cut_off_is_installed_where_there_is_nothing_and_says_so() {
    let place = Place::new();
    let mut tar = Vec::new();
    {
        let mut builder = tar::Builder::new(&mut tar);
        for n in 0..3 {
            let text = osv(&format!("DSA-{n}-1"), "CVE-2024-0001", "curl", "1");
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            builder.append_data(&mut header, format!("{n}.json"), text.as_bytes()).unwrap();
        }
    }
    // Within the last of three: behind it stand two blocks of zeros.
    let cut = place.file("feed.tar", &tar[..tar.len() - 2 * 512 - 200]);
    let report = place.import(&[cut]);
    assert!(matches!(outcome(&report, "debian-12"), Outcome::Installed(_)), "{report:?}");
    assert!(kinds(&report).contains(&ProblemKind::Damaged));
    let segment = place.store.segment("debian-12").unwrap().unwrap();
    let incomplete = segment.meta().incomplete.clone();
    assert_eq!(incomplete.as_deref(), Some("its input could not be read to the end"));

    let whole = place.file("feed.tar", &tar);
    place.import(&[whole]);
    let segment = Store::open(place.store.dir()).segment("debian-12").unwrap().unwrap();
    assert_eq!(segment.meta().incomplete, None);
}

/// One broken record of many is told and costs itself only.
#[test]
fn a_blemish_is_told_and_does_not_stop_the_rest() {
    let place = Place::new();
    for n in 0..200 {
        let record = osv(&format!("DSA-{n}-1"), &format!("CVE-2024-{n:04}"), "curl", "1");
        place.file(&format!("osv/{n}.json"), record);
    }
    place.file("osv/broken.json", r#"{"id": "DSA-9999-1", "modified": "", "affected": 7}"#);
    let report = place.import(&[place.folder.path().join("osv")]);
    assert_eq!(kinds(&report), [ProblemKind::Damaged]);
    assert_eq!(report.sources[0].documents, 201);
    assert_eq!(report.sources[0].damaged, 1);
    let segment = place.store.segment("debian-12").unwrap().unwrap();
    assert_eq!(segment.meta().incomplete, None);
}

#[test]
fn what_no_feed_knows_is_said() {
    let place = Place::new();
    let notes = place.file("notes.txt", "nothing of ours");
    let gone = place.folder.path().join("gone");
    let report = place.import(&[notes, gone]);
    let said: Vec<_> = report.problems.iter().map(|p| (p.kind, p.message.as_str())).collect();
    assert_eq!(said.len(), 3, "{said:?}");
    assert!(said.iter().any(|(kind, _)| *kind == ProblemKind::Unreadable));
    assert!(said.contains(&(ProblemKind::Unsupported, "holds no document of a known feed")));
    assert!(said.iter().any(|(kind, _)| *kind == ProblemKind::Notice));
}

/// Every kind of archive, and archives within archives, give what the plain documents give.
#[test]
fn archives_are_opened_whatever_they_are_called() {
    let record = osv("DSA-1-1", "CVE-2024-0001", "curl", "1");
    let tar = |name: &str, content: &[u8]| {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, content).unwrap();
        builder.into_inner().unwrap()
    };
    let zip = |name: &str, content: &[u8]| {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut writer, content).unwrap();
        writer.finish().unwrap().into_inner()
    };
    let plain = record.as_bytes();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("plain", plain.to_vec()),
        ("gzip", testkit::gzip(plain)),
        ("xz", testkit::xz(plain)),
        ("bzip2", testkit::bzip2(plain)),
        ("zstd", testkit::zstd(plain)),
        ("tar", tar("a/1.json", plain)),
        ("zip", zip("a/1.json", plain)),
        ("tar.gz", testkit::gzip(&tar("1.json", plain))),
        ("zip of gzip", zip("1.json.gz", &testkit::gzip(plain))),
        ("tar of zip of tar.xz", tar("1.zip", &zip("1.tar", &testkit::xz(&tar("1.json", plain))))),
    ];
    for (name, content) in cases {
        let place = Place::new();
        let file = place.file("feed", content);
        let report = place.import(&[file]);
        assert_eq!(report.problems, [], "{name}");
        assert_eq!(place.ids("debian-12", "curl"), ["CVE-2024-0001"], "{name}");
    }
}

#[test]
fn bombs_end_at_a_limit_and_the_rest_is_read() {
    let place = Place::new();
    let zeros = vec![b' '; 200 << 20];
    let bomb = testkit::gzip(&zeros);
    let nested = (0..8)
        .fold(osv("DSA-1-1", "CVE-2024-0001", "curl", "1").into_bytes(), |inner, _| {
            testkit::gzip(&inner)
        });
    let paths = [
        place.file("bomb.json.gz", bomb),
        place.file("nested.json.gz", nested),
        place.file("sound.json", osv("DSA-2-1", "CVE-2024-0002", "bash", "1")),
    ];
    let report = place.import(&paths);
    assert!(kinds(&report).contains(&ProblemKind::LimitReached), "{:?}", report.problems);
    assert_eq!(place.ids("debian-12", "bash"), ["CVE-2024-0002"]);
    assert_eq!(place.ids("debian-12", "curl"), Vec::<String>::new());
}

/// A stopped import writes nothing half-read over what is there.
#[test]
fn an_interrupted_import_keeps_what_is_there() {
    let place = Place::new();
    let feed = place.file("tracker.json", tracker("curl", 3));
    place.import(std::slice::from_ref(&feed));
    let options = options();
    options.stop.stop();
    let report = import(&[feed], &place.store, &options).unwrap();
    let kept = |outcome: &Outcome| matches!(outcome, Outcome::Kept(_));
    assert!(report.streams.iter().all(|done| kept(&done.outcome)), "{report:?}");
    assert!(report.failures.contains(&Failure::Stopped));
    assert_eq!(place.ids("debian-12", "curl").len(), 3);
}

/// Links to folders are not entered, for they may loop.
#[test]
fn folders_are_read_without_following_links_to_folders() {
    let place = Place::new();
    place.file("feeds/a/1.json", osv("DSA-1-1", "CVE-2024-0001", "curl", "1"));
    place.file("feeds/.git/2.json", osv("DSA-2-1", "CVE-2024-0002", "curl", "1"));
    let feeds = place.folder.path().join("feeds");
    std::os::unix::fs::symlink(Path::new(".."), feeds.join("a/loop")).unwrap();
    let report = place.import(&[feeds]);
    assert_eq!(report.sources[0].documents, 1);
}

/// Whoever opens a FIFO waits for somebody to write into it.
#[test]
fn what_is_no_file_within_a_folder_is_passed_over() {
    let place = Place::new();
    place.file("feeds/1.json", osv("DSA-1-1", "CVE-2024-0001", "curl", "1"));
    let feeds = place.folder.path().join("feeds");
    for name in ["fifo", "index.json"] {
        let made = std::process::Command::new("mkfifo").arg(feeds.join(name)).status();
        assert!(made.unwrap().success());
    }
    let bundles = feeds::bundles(&feeds);
    assert!(bundles.found.is_empty() && bundles.others);
    assert_eq!(place.import(&[feeds]).sources[0].documents, 1);
}

/// What a source takes back is gone from every stream, though only the one document comes; what it
/// says elsewhere stays.
#[test]
fn what_is_withdrawn_is_gone_after_a_partial_import() {
    let record = |more: &str, affected: &str| {
        format!(
            r#"{{"id": "DSA-1-1", "modified": "2024-01-02T03:04:05Z", "upstream": ["CVE-2024-0001"],
            {more} "affected": [{affected}]}}"#
        )
    };
    let affected = |release: &str| {
        format!(
            r#"{{"package": {{"ecosystem": "Debian:{release}", "name": "curl"}}, "ranges":
            [{{"type": "ECOSYSTEM", "events": [{{"introduced": "0"}}, {{"fixed": "1"}}]}}]}}"#
        )
    };
    let withdrawn = r#""withdrawn": "2024-02-03T04:05:06Z","#;
    let tracker = |cve: u32, state: &str| {
        format!("Candidate: CVE-2024-000{cve}\nReferences:\n x\nPriority: low\n{state}")
    };
    let red_hat = |cve: u32, states: &str| {
        format!(
            r#"{{"name": "CVE-2024-000{cve}", "public_date": "2024-01-01T00:00:00Z", "details": [],
            "threat_severity": "Low", "package_state": [{states}]}}"#
        )
    };
    let state = r#"{"product_name": "Red Hat Enterprise Linux 9", "fix_state": "Affected",
        "package_name": "curl", "cpe": "cpe:/o:redhat:enterprise_linux:9"}"#;
    let other_record = osv("DSA-2-1", "CVE-2024-0002", "curl", "1");
    let sound = record("", &affected("12"));
    let jammy = "jammy_curl: needed\n";
    let cases = [
        ("debian-12", &sound, &other_record, record(withdrawn, &affected("12"))),
        ("debian-12", &sound, &other_record, record(withdrawn, "")),
        ("debian-12", &sound, &other_record, record("", &affected("11"))),
        (
            "ubuntu-22.04",
            &tracker(1, jammy),
            &tracker(2, jammy),
            tracker(1, "focal_curl: needed\n"),
        ),
        ("rhel-9", &red_hat(1, state), &red_hat(2, state), red_hat(1, "")),
    ];
    for (stream, first, other, later) in cases {
        let place = Place::new();
        let feeds = [place.file("first", first), place.file("other", other)];
        place.import(&feeds);
        assert_eq!(place.ids(stream, "curl"), ["CVE-2024-0001", "CVE-2024-0002"], "{later}");
        let report = place.import(&[place.file("later", &later)]);
        assert_eq!(report.problems, [], "{later}");
        assert!(matches!(outcome(&report, stream), Outcome::Merged(_)), "{report:?}");
        assert_eq!(place.ids(stream, "curl"), ["CVE-2024-0002"], "{later}");
        let again = place.import(&[place.file("later", &later)]);
        assert!(again.streams.iter().all(|done| done.stream != stream), "nothing is left to take");
    }
}

/// A list without an end mark that was cut at the end of a line looks whole.
#[test]
fn a_list_that_is_suddenly_short_does_not_take_the_place_of_a_long_one() {
    let place = Place::new();
    let list = |count: usize| {
        let rows: String = (0..count).map(|n| format!("CVE-2024-{n:04},0.1,0.2\n")).collect();
        let head = "#model_version:v2025.03.14,score_date:2026-08-16T00:00:00+0000\n";
        format!("{head}cve,epss,percentile\n{rows}")
    };
    place.import(&[place.file("whole.csv", list(100))]);
    let cut = place.file("cut.csv", list(49));
    let report = place.import(std::slice::from_ref(&cut));
    assert_eq!(*outcome(&report, "epss"), Outcome::Kept(Failure::Damaged), "{report:?}");
    let report = place.import(&[place.file("shorter.csv", list(50))]);
    assert!(matches!(outcome(&report, "epss"), Outcome::Renewed(_)), "{report:?}");
    let options = Options { accept_damaged: true, ..options() };
    place.import(&[place.file("whole.csv", list(100))]);
    let report = import(&[cut], &place.store, &options).unwrap();
    assert!(matches!(outcome(&report, "epss"), Outcome::Renewed(_)), "{report:?}");
}

/// However many documents are damaged, a few are told and the rest counted.
#[test]
fn many_damaged_documents_are_a_few_problems() {
    let place = Place::new();
    let cut = osv("DSA-1-1", "CVE-2024-0001", "curl", "1");
    let mut tar = testkit::TarBuilder::new();
    for n in 0..2000 {
        tar = tar.file(&format!("{n}.json"), &cut.as_bytes()[..cut.len() - 1]);
    }
    let report = place.import(&[place.file("feeds.tar", tar.finish())]);
    assert_eq!(report.problems.len(), 21, "{}", report.problems.len());
    assert!(report.problems.iter().any(|p| p.message.starts_with("1980 more documents")));
}
