//! Files that several analyzers read, each for its own sake: what one finds never hides what
//! another has to look at.

use analyzers::{Checks, LayerCollector, LayerFacts, squash, unresolved};
use model::{Entry, EntryKind, Inventory, ProblemKind, Visitor, Want};

const STATUS: &str =
    "Package: tide\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n";

fn file(path: &str, size: u64) -> Entry<'_> {
    Entry { path, kind: EntryKind::File, mode: 0o644, uid: 0, gid: 0, size }
}

fn link<'a>(path: &'a str, target: &'a str) -> Entry<'a> {
    Entry { kind: EntryKind::Symlink(target), ..file(path, 0) }
}

/// The facts of a layer after both passes.
fn facts(entries: &[(Entry<'_>, &str)]) -> LayerFacts {
    let pass = |mut collector: LayerCollector| {
        for (entry, content) in entries {
            let content = content.as_bytes();
            match collector.entry(entry) {
                Want::Nothing => continue,
                Want::Head if collector.head(entry, content) == Want::Nothing => continue,
                Want::Head | Want::Content => collector.content(entry, content),
            }
        }
        collector.finish()
    };
    let mut facts = vec![pass(LayerCollector::new(Checks { secrets: true, ..Checks::default() }))];
    for (_, detours) in unresolved(&facts) {
        facts[0].absorb(pass(LayerCollector::for_paths(&detours)));
    }
    facts.remove(0)
}

fn inventory(entries: &[(Entry<'_>, &str)]) -> Inventory {
    squash(&[facts(entries)], true)
}

/// A secret in a database that stands elsewhere must not make anyone believe it was read.
#[test]
fn a_secret_hides_no_packages_behind_a_link() {
    let key = ["AKI", "AQ4VZ7MLDPWXN2RTB"].concat();
    let status = format!("{STATUS}Package: rope\nVersion: {key}\n");
    for target in ["/data/status", "/data/package.json"] {
        let found = inventory(&[
            (link("var/lib/dpkg/status", target), ""),
            (file(target.trim_start_matches('/'), status.len() as u64), &status),
        ]);
        let names: Vec<&str> = found.packages.iter().map(|it| it.name.as_str()).collect();
        assert!(names.contains(&"tide"), "{target}: {found:?}");
        assert_eq!(found.secrets.len(), 1, "{target}: {found:?}");
        assert!(!found.secrets[0].removed, "{target}");
    }
}

/// One analyzer takes larger files than another: who has not looked says so.
#[test]
fn what_is_too_large_for_one_is_said_although_another_reads_it() {
    let size = 512 << 20;
    let mut collector = LayerCollector::new(Checks { secrets: true, ..Checks::default() });
    let entry = file("var/lib/dpkg/status", size);
    assert_eq!(collector.entry(&entry), Want::Head, "secrets may be looked for in it");
    assert_eq!(collector.head(&entry, STATUS.as_bytes()), Want::Content, "it is text");
    collector.content(&entry, STATUS.as_bytes());
    let found = squash(&[collector.finish()], true);
    assert!(found.packages.is_empty(), "{found:?}");
    let problem = found.problems.first().expect("a problem");
    assert_eq!(problem.kind, ProblemKind::LimitReached, "{problem}");
}

/// What begins like no text is not read for its secrets, whatever its size: no problem either.
#[test]
fn a_large_program_is_neither_read_nor_a_problem() {
    for (size, head, want, problems) in [
        (3_u64 << 30, &b"\x7fELF\x02\0\0"[..], Want::Nothing, 0),
        (9, b"\x7fELF\x02\0\0..", Want::Nothing, 0),
        (3 << 30, b"a log", Want::Nothing, 1),
        (5, b"a log", Want::Content, 0),
    ] {
        let mut collector = LayerCollector::new(Checks { secrets: true, ..Checks::default() });
        let entry = file("opt/app", size);
        assert_eq!(collector.entry(&entry), Want::Head);
        assert_eq!(collector.head(&entry, head), want, "{size}");
        let found = squash(&[collector.finish()], true);
        assert_eq!(found.problems.len(), problems, "{:?}", found.problems);
    }
}

/// A database that is another name of nothing was not empty for whoever wrote it.
#[test]
fn a_hard_link_to_nothing_is_damage() {
    let hard =
        |target| Entry { kind: EntryKind::HardLink(target), ..file("var/lib/dpkg/status", 0) };
    let found = inventory(&[(hard("opt/none"), "")]);
    let told: Vec<_> = found.problems.iter().map(|it| (it.kind, it.subject.as_str())).collect();
    assert_eq!(told, [(ProblemKind::Damaged, "var/lib/dpkg/status")], "{found:?}");
    assert!(found.problems[0].message.contains("`opt/none`"), "{found:?}");

    let size = STATUS.len() as u64;
    let found = inventory(&[(file("opt/some", size), STATUS), (hard("opt/some"), "")]);
    assert_eq!((found.packages.len(), found.problems.len()), (1, 0), "{found:?}");
}
