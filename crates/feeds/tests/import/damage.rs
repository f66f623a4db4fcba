//! Documents that were cut: what counts as damage, and what it may replace.

use std::fs;

use advisories::Store;
use feeds::{Failure, Options, Outcome, import};
use model::{ProblemKind, Status, Subject};

use crate::{Place, kinds, options, osv, outcome, tracker};

/// Cut before the keys by which it is known, it may be anybody's: damaged, not unknown.
#[test]
fn what_is_cut_before_it_shows_whose_it_is_counts_as_damage() {
    let place = Place::new();
    let cut = r#"{"threat_severity": "Moderate", "public_date": "2024-01-01T0"#;
    let file = place.file("feeds/CVE-2024-4001.json", cut);
    let report = place.import(std::slice::from_ref(&file));
    assert_eq!(kinds(&report), [ProblemKind::Damaged], "{:?}", report.problems);
    assert!(report.failures.contains(&Failure::Damaged));
    // Beside what is sound it is said, and that is installed.
    place.file("feeds/1.json", osv("DSA-1-1", "CVE-2024-0001", "curl", "1"));
    place.file("feeds/LICENSE", "[anybody]\n{");
    let folder = [place.folder.path().join("feeds")];
    let report = place.import(&folder);
    let told = [ProblemKind::Damaged, ProblemKind::Notice];
    assert_eq!(kinds(&report), told, "{:?}", report.problems);
    assert_eq!(place.ids("debian-12", "curl"), ["CVE-2024-0001"]);
    // All there is to say cannot be known from a part.
    let whole = Options { whole: true, ..options() };
    let report = import(&folder, &place.store, &whole).unwrap();
    assert_eq!(*outcome(&report, "debian-12"), Outcome::Kept(Failure::Damaged));
    // The same within a compressed file and an archive.
    for damaged in [&testkit::gzip(&[b'x'; 5000])[..40], &testkit::gzip(cut.as_bytes())] {
        let report = place.import(&[place.file("x.gz", damaged)]);
        assert_eq!(kinds(&report), [ProblemKind::Damaged], "{:?}", report.problems);
    }
}

/// A file of Ubuntu's tracker that was cut between two lines, before it says anything.
#[test]
fn a_tracker_file_without_a_state_takes_nothing_back() {
    let place = Place::new();
    let head = "Candidate: CVE-2024-0007\nReferences:\nDescription:\nBugs:\n";
    let more = "Priority: medium\nCVSS:\n";
    let states = "\nPatches_curl:\njammy_curl: released (7.1)\nfocal_curl: needed\n";
    let whole = format!("{head}{more}{states}");
    place.import(&[place.file("CVE-2024-0007", &whole)]);
    let cuts = [
        (head.to_owned(), true),
        (format!("{head}{more}"), false),
        (format!("{head}{more}\nPatches_curl:\n"), true),
    ];
    for (cut, is_damage) in cuts {
        let report = place.import(&[place.file("CVE-2024-0007", &cut)]);
        assert_eq!(kinds(&report).contains(&ProblemKind::Damaged), is_damage, "{cut}");
        for stream in ["ubuntu-22.04", "ubuntu-20.04"] {
            assert_eq!(place.ids(stream, "curl"), ["CVE-2024-0007"], "{cut}");
        }
    }
    // What is whole and says less takes back.
    place.import(&[place.file("CVE-2024-0007", whole.replace("focal_curl: needed\n", ""))]);
    assert_eq!(place.ids("ubuntu-20.04", "curl"), Vec::<String>::new());
}

/// A file that was cut, then the same with less missing, then with more.
#[test]
fn what_is_not_whole_gives_way_to_what_says_no_less() {
    let place = Place::new();
    let cut = |count| {
        let text = tracker("curl", count);
        place.file("cut.json", text.trim_end_matches('}').to_owned() + "}}}},\"bash\": {")
    };
    let records = || Store::open(place.store.dir()).segment("debian-12").unwrap().unwrap();
    for (count, records_then) in [(2, 2_u64), (7, 7), (7, 7), (3, 7)] {
        let report = place.import(&[cut(count)]);
        let is_kept = matches!(outcome(&report, "debian-12"), Outcome::Kept(Failure::Damaged));
        assert_eq!(is_kept, (count as u64) < records_then, "{report:?}");
        assert!(kinds(&report).contains(&ProblemKind::Damaged));
        assert_eq!(records().meta().counts.records(), records_then);
        assert!(records().meta().incomplete.is_some());
    }
    place.import(&[place.file("whole.json", tracker("curl", 1))]);
    assert!(records().meta().incomplete.is_none());
}

/// What is added to it makes nothing whole; that all of it is said anew does.
#[test]
fn what_is_not_whole_stays_so_until_all_of_it_is_said_anew() {
    let place = Place::new();
    let of = |number: u32| {
        osv(&format!("DSA-{number}-1"), &format!("CVE-2024-000{number}"), "curl", "1")
    };
    let is_whole = || {
        let segment = Store::open(place.store.dir()).segment("debian-12").unwrap().unwrap();
        segment.meta().incomplete.is_none()
    };
    let first = place.file("feeds/1.json", of(1));
    let cut = place.file("feeds/2.json", of(2).trim_end_matches(['}', ']']));
    place.import(&[first.parent().unwrap().to_owned()]);
    assert!(!is_whole());
    std::fs::remove_file(cut).unwrap();
    place.import(&[place.file("3.json", of(3))]);
    assert_eq!(place.ids("debian-12", "curl"), ["CVE-2024-0001", "CVE-2024-0003"]);
    assert!(!is_whole(), "the second is missing still");
    let all = [first, place.file("2.json", of(2)), place.file("3.json", of(3))];
    place.import(&all);
    assert_eq!(place.ids("debian-12", "curl").len(), 3);
    assert!(is_whole());
}

/// One notice of another source, and a publisher's answer of a bad day: either would leave next to nothing.
#[test]
fn what_says_next_to_nothing_takes_the_place_of_no_stream() {
    let place = Place::new();
    let all = place.file("all.json", tracker("curl", 300));
    place.import(std::slice::from_ref(&all));
    let cases =
        [(osv("DSA-1-1", "CVE-2024-0001", "curl", "1"), "300"), (tracker("curl", 29), "300")];
    for (index, (little, named)) in cases.into_iter().enumerate() {
        let file = place.file(&format!("little-{index}.json"), little);
        let report = place.import(std::slice::from_ref(&file));
        assert_eq!(*outcome(&report, "debian-12"), Outcome::Kept(Failure::Damaged), "{report:?}");
        assert!(report.problems[0].message.contains(named), "{report:?}");
        assert_eq!(place.ids("debian-12", "curl").len(), 300);
        let taken = Options { accept_damaged: true, ..options() };
        let report = import(&[file], &place.store, &taken).unwrap();
        assert!(!matches!(outcome(&report, "debian-12"), Outcome::Kept(_)), "{report:?}");
        place.import(std::slice::from_ref(&all));
    }
    // A tenth may be what is left of it.
    let report = place.import(&[place.file("tenth.json", tracker("curl", 30))]);
    assert!(matches!(outcome(&report, "debian-12"), Outcome::Renewed(_)), "{report:?}");
}

/// SUSE serves each release twice: with what is not fixed (`-affected`), and without.
#[test]
fn fixes_alone_do_not_take_the_place_of_what_knows_the_unfixed() {
    let place = Place::new();
    let file = "testdata/suse-oval/server/suse.linux.enterprise.15-affected.xml";
    let all = fs::read_to_string(file).unwrap();
    let fixes = all.replace(r#"test_ref="t:all""#, r#"test_ref="t:fix""#);
    let all = place.file("affected.xml", all);
    let fixes = [place.file("plain.xml", fixes)];
    place.import(std::slice::from_ref(&all));
    let report = place.import(&fixes);
    assert_eq!(*outcome(&report, "sles-15.3"), Outcome::Kept(Failure::Damaged), "{report:?}");
    assert!(report.problems[0].message.contains("fixes alone"), "{report:?}");
    assert!(!matches!(outcome(&report, "opensuse-leap-15.6"), Outcome::Kept(_)), "{report:?}");
    let segment = Store::open(place.store.dir()).segment("sles-15.3").unwrap().unwrap();
    let said = segment.advisories("openssl-1_0_0", Subject::Binary).unwrap();
    assert!(said.iter().any(|it| it.status == Status::Affected), "{said:?}");
    let taken = Options { accept_damaged: true, ..options() };
    import(&fixes, &place.store, &taken).unwrap();
    let report = place.import(&[all]);
    assert!(matches!(outcome(&report, "sles-15.3"), Outcome::Renewed(_)), "{report:?}");
}
