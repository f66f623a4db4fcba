//! What the entries of one layer do to each other when a runtime unpacks them, and what overlay file
//! systems make of it.

use artifact::walk_tar;
use model::ProblemKind::{self, Damaged, Notice, Unsupported};
use testkit::{Recorder, TarBuilder};

/// The entries of a layer, without modes and owners, and the kind and the words of its problems.
fn unpacked(tar: TarBuilder) -> (Vec<String>, Vec<(ProblemKind, String)>) {
    let mut recorder = Recorder::default();
    let problems = walk_tar(&tar.finish(), &mut recorder);
    let told = problems.into_iter().map(|it| (it.kind, it.to_string())).collect();
    let shown = |line: &String| {
        let (kind, rest) = line.split_once(' ').unwrap_or_default();
        format!("{kind} {}", rest.splitn(4, ' ').last().unwrap_or_default())
    };
    (recorder.lines.iter().map(shown).collect(), told)
}

#[test]
fn the_root_of_a_layer_is_never_opaque() {
    for name in [".wh..wh..opq", "./.wh..wh..opq", "/.wh..wh..opq", "a/../.wh..wh..opq"] {
        let (entries, problems) = unpacked(TarBuilder::new().file(name, "").file("a", ""));
        assert_eq!(entries, ["file a"], "{name}");
        let [(Unsupported, problem)] = &problems[..] else { panic!("{name}: {problems:?}") };
        assert!(problem.contains("root is opaque"), "{problem}");
    }
    let (entries, problems) = unpacked(TarBuilder::new().opaque("a").file("a/b", ""));
    assert_eq!(entries, ["opaque a", "file a/b"]);
    assert_eq!(problems, []);
}

/// Holds the entries of a layer against what is expected, all of them certain.
fn check(tar: TarBuilder, expected: &[&str]) {
    let (entries, problems) = unpacked(tar);
    assert_eq!(entries, expected);
    assert!(problems.iter().all(|(kind, _)| *kind == Notice), "{problems:?}");
}

fn new() -> TarBuilder {
    TarBuilder::new()
}

#[test]
fn entries_are_unpacked_through_links_of_their_layer() {
    let dpkg = || new().symlink("x", "var/lib/dpkg");
    check(
        dpkg().file("x/status", "").file("x/info/a.list", ""),
        &["symlink x -> var/lib/dpkg", "file var/lib/dpkg/status", "file var/lib/dpkg/info/a.list"],
    );
    let (_, problems) = unpacked(dpkg().file("x/status", ""));
    assert!(problems[0].1.contains("`x/status`: its path leads through a link"), "{problems:?}");
    // From the root, by way of other links, and up again.
    check(
        new().symlink("opt", "/data").symlink("data/a", "../opt/b").file("opt/a/./s", ""),
        &["symlink opt -> /data", "symlink data/a -> ../opt/b", "file data/b/s"],
    );
    check(
        new().symlink("a/up", "../../..").file("a/up/etc/s", "").file("a/up/t", ""),
        &["symlink a/up -> ../../..", "file etc/s", "file t"],
    );
    check(
        dpkg().symlink("x/y", "/etc").directory("x/z").file("x/y/s", "").file("x/z/s", ""),
        &[
            "symlink x -> var/lib/dpkg",
            "symlink var/lib/dpkg/y -> /etc",
            "directory var/lib/dpkg/z",
            "file etc/s",
            "file var/lib/dpkg/z/s",
        ],
    );
    // Many files in one place that a link leads past.
    check(
        new().file("a/1", "").symlink("b/l", "../a").file("a/2", "").file("b/l/3", ""),
        &["file a/1", "symlink b/l -> ../a", "file a/2", "file a/3"],
    );
}

#[test]
fn hard_links_and_whiteouts_go_through_links_too() {
    let link = || new().symlink("x", "a/b");
    check(
        link().hard_link("s", "x/t").hard_link("x/u", "v"),
        &["symlink x -> a/b", "hardlink s => a/b/t", "hardlink a/b/u => v"],
    );
    // Another name of the link itself.
    check(
        link().hard_link("y", "x").file("y/s", ""),
        &["symlink x -> a/b", "hardlink y => x", "file a/b/s"],
    );
    check(
        link().whiteout("x/gone").opaque("x"),
        &["symlink x -> a/b", "whiteout a/b/gone", "opaque a/b"],
    );
    let (entries, problems) = unpacked(new().symlink("x", "/").opaque("x"));
    assert_eq!(entries, ["symlink x -> /"]);
    assert!(problems.iter().any(|(kind, _)| *kind == Unsupported), "{problems:?}");
}

#[test]
fn links_count_while_they_stand() {
    let link = || new().symlink("x", "a");
    check(link().directory("x").file("x/s", ""), &["symlink x -> a", "directory x", "file x/s"]);
    check(link().file("x", "").file("x/s", ""), &["symlink x -> a", "file x", "file x/s"]);
    check(
        link().symlink("x", "b").file("x/s", ""),
        &["symlink x -> a", "symlink x -> b", "file b/s"],
    );
    // What a link replaces was unpacked elsewhere, and is no more.
    check(new().file("x/s", "").symlink("x", "a"), &["file x/s", "symlink x -> a"]);
    // One that comes later than the directory of the entry before.
    check(
        new().symlink("1", "2").file("x/y/s", "").symlink("x/y", "../a").file("x/y/t", ""),
        &["symlink 1 -> 2", "file x/y/s", "symlink x/y -> ../a", "file a/t"],
    );
    // A link as such is a file's name like any other.
    check(
        link().symlink("a/l", "s").file("a/l", ""),
        &["symlink x -> a", "symlink a/l -> s", "file a/l"],
    );
}

#[test]
fn what_is_not_certain_makes_the_result_incomplete() {
    let circle = new().symlink("x", "y").symlink("y", "x").file("x/s", "");
    let replaced = new().symlink("a/x", "/b").file("a", "").directory("a").file("a/x/s", "");
    let moved = new().symlink("a/x", "/b").symlink("a", "c").file("a/x/s", "");
    let removed = new().symlink("x", "b").whiteout("x").file("x/s", "");
    let long = new().symlink("x", &"y/".repeat(3000)).file("x/s", "");
    let many = (0..150_000).fold(new(), |tar, it| tar.symlink(&format!("l{it}"), "somewhere"));
    let many = many.symlink("x", "y").hard_link("z", "x").file("z/x/s", "");
    for (name, tar) in [
        ("many", many),
        ("circle", circle),
        ("replaced", replaced),
        ("moved", moved),
        ("removed", removed),
        ("long", long),
    ] {
        let (entries, problems) = unpacked(tar);
        assert!(entries.last().is_some_and(|it| it.ends_with("x/s")), "{name}: {entries:?}");
        let [(Damaged, problem)] = &problems[..] else { panic!("{name}: {problems:?}") };
        assert!(problem.contains("x/s`: its path leads through links"), "{name}: {problem}");
    }
}
