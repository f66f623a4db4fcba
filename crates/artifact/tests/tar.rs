//! The tar reader against archives written block by block: what each dialect means, and what a
//! broken archive still gives.

use artifact::walk_tar;
use model::ProblemKind::{Damaged, LimitReached, Notice, Refused, Unsupported};
use testkit::{BLOCK, Header, Recorder, TarBuilder};

/// Walks through `tar` and holds entries and problems against what is expected. Of a problem its
/// kind and a part of its message are told.
fn check(tar: &[u8], entries: &[&str], problems: &[(model::ProblemKind, &str)]) -> Recorder {
    let mut recorder = Recorder::default();
    let found = walk_tar(tar, &mut recorder);
    assert_eq!(recorder.lines, entries);
    assert_eq!(found.len(), problems.len(), "{found:#?}");
    for (found, (kind, part)) in found.iter().zip(problems) {
        assert_eq!(found.kind, *kind, "{found}");
        assert!(found.to_string().contains(part), "`{found}` does not say `{part}`");
    }
    recorder
}

#[test]
fn every_kind_of_entry_comes_as_it_was_written() {
    let tar = TarBuilder::new()
        .directory("etc")
        .file("./etc/os-release", "ID=x\n")
        .executable("/bin/sh", "#!")
        .symlink("bin/bash", "../bin/sh")
        .hard_link("bin/ash", "./bin/sh")
        .device("dev/null")
        .whiteout("etc/shadow")
        .opaque("var/lib")
        .file("var/.wh..wh.plnk", "")
        .finish();
    let recorder = check(
        &tar,
        &[
            "directory 0755 0:0 0 etc",
            "file 0644 0:0 5 etc/os-release",
            "file 0755 0:0 2 bin/sh",
            "symlink 0777 0:0 0 bin/bash -> ../bin/sh",
            "hardlink 0644 0:0 0 bin/ash => bin/sh",
            "special 0666 0:0 0 dev/null",
            "whiteout 0644 0:0 0 etc/shadow",
            "opaque 0644 0:0 0 var/lib",
        ],
        &[],
    );
    assert_eq!(recorder.contents["etc/os-release"], b"ID=x\n");
    assert_eq!(recorder.contents["bin/sh"], b"#!");
}

#[test]
fn names_may_be_long_in_three_ways() {
    let long = format!("{}/{}", "d".repeat(150), "n".repeat(150));
    let ustar = TarBuilder::new().header_with(&Header::file("name", 0), |block| {
        block[345..352].copy_from_slice(b"pre/fix");
    });
    let star = TarBuilder::new().header_with(&Header::file("name", 0), |block| {
        block[345..350].copy_from_slice(b"short");
        block[476..490].copy_from_slice(b"14700000000\0  ");
        block[508..512].copy_from_slice(b"tar\0");
    });
    let gnu_times = Header { magic: *b"ustar  \0", ..Header::file("name", 0) };
    let gnu_times = TarBuilder::new().header_with(&gnu_times, |block| {
        block[345..356].copy_from_slice(b"14700000000");
    });
    let pax = TarBuilder::new().file(&long, "");
    let gnu = TarBuilder::new().gnu_long(b'L', &long).header(&Header::file("cut", 0));
    let links = TarBuilder::new().gnu_long(b'K', &long).symlink("gnu", "cut").symlink("pax", &long);
    let both = TarBuilder::new()
        .pax(&[("path", "pax")])
        .gnu_long(b'L', "gnu")
        .header(&Header::file("", 0));
    for (tar, paths) in [
        (ustar, vec!["pre/fix/name".to_owned()]),
        (star, vec!["short/name".to_owned()]),
        (gnu_times, vec!["name".to_owned()]),
        (pax, vec![long.clone()]),
        (gnu, vec![long.clone()]),
        (links, vec!["gnu".to_owned(), "pax".to_owned()]),
        (both, vec!["gnu".to_owned()]),
    ] {
        let mut recorder = Recorder::default();
        assert_eq!(walk_tar(&tar.finish(), &mut recorder), []);
        assert_eq!(recorder.paths(), paths);
        for line in recorder.lines.iter().filter(|line| line.starts_with("symlink")) {
            assert!(line.ends_with(&format!(" -> {long}")), "{line}");
        }
    }
}

#[test]
fn extended_records_hold_for_one_entry_and_global_ones_for_none() {
    let tar = TarBuilder::new()
        .pax(&[("uid", "70000"), ("gid", "5000000000"), ("size", "3"), ("mtime", "1.5")])
        .header(&Header::file("a", 99))
        .content(b"abc")
        .header(&Header { uid: 7, ..Header::file("b", 0) })
        .header(&Header { size: 13, ..Header::new("global", b'g') })
        .content(b"13 path=evil\n")
        .file("c", "")
        .finish();
    let recorder = check(
        &tar,
        &["file 0644 70000:4294967295 3 a", "file 0644 7:0 0 b", "file 0644 0:0 0 c"],
        &[],
    );
    assert_eq!(recorder.contents["a"], b"abc");
}

#[test]
fn links_and_directories_have_no_content_whatever_their_size() {
    // As Go reads it, and so the container runtimes: the next header follows at once.
    let claims = |kind| Header { size: 512, ..Header::new("a", kind) };
    for kind in [b'1', b'2', b'3', b'4', b'5', b'6'] {
        let tar = TarBuilder::new().header(&claims(kind)).file("next", "x").finish();
        let mut recorder = Recorder::default();
        assert_eq!(walk_tar(&tar, &mut recorder), [], "{}", char::from(kind));
        assert_eq!(recorder.contents["next"], b"x", "{}", char::from(kind));
    }
}

#[test]
fn old_flags_are_understood_and_unknown_ones_told() {
    let old = |name: &str, kind| Header { magic: [0; 8], ..Header::new(name, kind) };
    let tar = TarBuilder::new()
        .header(&old("directory/", 0))
        .header(&Header { size: 2, ..old("file", 0) })
        .content(b"ab")
        .header(&Header::new("label", b'V'))
        .header(&Header { size: 1, ..Header::new("dump", b'D') })
        .content(b"x")
        .file("last", "")
        .finish();
    check(
        &tar,
        &["directory 0644 0:0 0 directory", "file 0644 0:0 2 file", "file 0644 0:0 0 last"],
        &[(Unsupported, "`dump`: its type `D` is unknown")],
    );
}

/// `ab` at 0 and `cd` at 600 of 1000 bytes.
fn expanded() -> Vec<u8> {
    let mut bytes = vec![0; 1000];
    bytes[..2].copy_from_slice(b"ab");
    bytes[600..602].copy_from_slice(b"cd");
    bytes
}

#[test]
fn sparse_files_come_expanded() {
    let stored = Header::file("made-up", 4);
    let old = Header { magic: *b"ustar  \0", ..Header { size: 4, ..Header::new("sparse", b'S') } };
    let old = TarBuilder::new()
        .header_with(&old, |block| {
            block[386..434]
                .copy_from_slice(b"00000000000\x0000000000002\x0000000001130\x0000000000002\0");
            block[483..494].copy_from_slice(b"00000001750");
        })
        .content(b"abcd");
    let pax_00 = TarBuilder::new()
        .pax(&[
            ("GNU.sparse.size", "1000"),
            ("GNU.sparse.numblocks", "2"),
            ("GNU.sparse.offset", "0"),
            ("GNU.sparse.numbytes", "2"),
            ("GNU.sparse.offset", "600"),
            ("GNU.sparse.numbytes", "2"),
        ])
        .header(&Header::file("sparse", 4))
        .content(b"abcd");
    let pax_01 = TarBuilder::new()
        .pax(&[
            ("GNU.sparse.size", "1000"),
            ("GNU.sparse.numblocks", "2"),
            ("GNU.sparse.map", "0,2,600,2"),
            ("GNU.sparse.name", "sparse"),
        ])
        .header(&stored)
        .content(b"abcd");
    let mut content = b"2\n0\n2\n600\n2\n".to_vec();
    content.resize(BLOCK, 0);
    content.extend(b"abcd");
    let pax_10 = TarBuilder::new()
        .pax(&[
            ("GNU.sparse.major", "1"),
            ("GNU.sparse.minor", "0"),
            ("GNU.sparse.name", "sparse"),
            ("GNU.sparse.realsize", "1000"),
        ])
        .header(&Header::file("made-up", content.len() as u64))
        .content(&content);
    for tar in [old, pax_00, pax_01, pax_10] {
        let recorder = check(
            &tar.file("next", "x").finish(),
            &["file 0644 0:0 1000 sparse", "file 0644 0:0 1 next"],
            &[],
        );
        assert!(recorder.contents["sparse"] == expanded());
        assert_eq!(recorder.contents["next"], b"x");
    }
}

#[test]
fn sparse_maps_may_go_on_in_blocks_of_their_own() {
    let header = Header { magic: *b"ustar  \0", ..Header { size: 25, ..Header::new("s", b'S') } };
    let pair = |index: usize| format!("{:011o}\0{:011o}\0", index * 10, 1);
    let mut blocks: Vec<u8> = (4..25).flat_map(|index| pair(index).into_bytes()).collect();
    blocks.resize(BLOCK, 0);
    let tar = TarBuilder::new()
        .header_with(&header, |block| {
            let pairs: String = (0..4).map(pair).collect();
            block[386..482].copy_from_slice(pairs.as_bytes());
            block[482] = 1;
            block[483..494].copy_from_slice(b"00000000361");
        })
        .raw(&blocks)
        .content(&[b'x'; 25])
        .file("next", "")
        .finish();
    let recorder = check(&tar, &["file 0644 0:0 241 s", "file 0644 0:0 0 next"], &[]);
    assert_eq!(recorder.contents["s"].iter().filter(|byte| **byte == b'x').count(), 25);
}

#[test]
fn a_sparse_map_that_makes_no_sense_costs_its_file_alone() {
    let wrong = |map: &str| {
        TarBuilder::new()
            .pax(&[("GNU.sparse.size", "1000"), ("GNU.sparse.map", map)])
            .header(&Header::file("sparse", 4))
            .content(b"abcd")
            .file("next", "x")
            .finish()
    };
    for map in ["600,2,0,2", "0,3,600,2", "0,2,999,2", "0,2,1,2", "0,18446744073709551615"] {
        let recorder = check(
            &wrong(map),
            &["file 0644 0:0 1000 sparse", "file 0644 0:0 1 next"],
            &[(Damaged, "`sparse`: its sparse map makes no sense")],
        );
        assert_eq!(recorder.contents.keys().collect::<Vec<_>>(), ["next"], "{map}");
    }
    let in_content = |content: &[u8]| {
        TarBuilder::new()
            .pax(&[
                ("GNU.sparse.major", "1"),
                ("GNU.sparse.minor", "0"),
                ("GNU.sparse.realsize", "9"),
            ])
            .header(&Header::file("sparse", content.len() as u64))
            .content(content)
            .file("next", "x")
            .finish()
    };
    for content in [&b"x\n"[..], b"", &[b'9'; 2048], b"99999999999999999999\n", b"9\n1\n"] {
        let size = content.len();
        let mut recorder = Recorder::default();
        let problems = walk_tar(&in_content(content), &mut recorder);
        assert_eq!(problems.len(), 1, "{size}: {problems:?}");
        assert_eq!(recorder.paths(), ["sparse", "next"], "{size}");
    }
}

#[test]
fn paths_that_leave_the_root_are_taken_from_it() {
    let tar = TarBuilder::new()
        .file("../up", "")
        .file("/../../absolute", "seen")
        .file("a/../../over", "")
        .hard_link("link", "../../etc/shadow")
        .file("../../gone/.wh.away", "")
        .file("/..", "")
        .file("dir/.wh...", "")
        .file(&format!("long/{}", "x".repeat(5000)), "")
        .symlink("symlink", "../../../outside")
        .file("good", "")
        .finish();
    let recorder = check(
        &tar,
        &[
            "file 0644 0:0 0 up",
            "file 0644 0:0 4 absolute",
            "file 0644 0:0 0 over",
            "hardlink 0644 0:0 0 link => etc/shadow",
            "whiteout 0644 0:0 0 gone/away",
            "symlink 0777 0:0 0 symlink -> ../../../outside",
            "file 0644 0:0 0 good",
        ],
        &[
            (Notice, "`../up`: its path leads out of the root; it is taken from there"),
            (Notice, "`/../../absolute`"),
            (Notice, "`a/../../over`"),
            (Notice, "`link`: its hard link's target leads out of the root"),
            (Notice, "`../../gone/.wh.away`"),
            (Notice, "`/..`"),
            (Refused, "`dir/.wh...`: its whiteout"),
            (LimitReached, "its path is too long"),
        ],
    );
    assert_eq!(recorder.contents["absolute"], b"seen");
}

#[test]
fn a_broken_archive_gives_what_came_before() {
    let good = || TarBuilder::new().file("good", "x");
    let lines = ["file 0644 0:0 1 good"];
    let damage: [(&str, Vec<u8>, &str); 9] = [
        ("no end marker", good().unfinished(), "without an end marker"),
        ("cut in a header", good().raw(&[7; 100]).unfinished(), "in the middle of an entry"),
        ("no header", good().raw(&[7; BLOCK]).finish(), "checksum is wrong at byte 1536"),
        ("cut in content", good().header(&Header::file("b", 9)).unfinished(), "in the middle"),
        (
            "a lone zero block",
            good().raw(&[0; BLOCK]).file("b", "").finish(),
            "lone block of zeros",
        ),
        (
            "a size that is no number",
            good().header_with(&Header::file("b", 0), |it| it[124] = b'x').finish(),
            "size is no number",
        ),
        (
            "a negative size",
            good().header_with(&Header::file("b", 0), |it| it[124..136].fill(0xff)).finish(),
            "size is no number",
        ),
        (
            "records that do not parse",
            good().header(&Header { size: 4, ..Header::new("x", b'x') }).content(b"9 ab").finish(),
            "extended header does not parse",
        ),
        ("records for nothing", good().pax(&[("path", "b")]).finish(), "stands alone"),
    ];
    for (name, tar, message) in damage {
        let mut recorder = Recorder::default();
        let problems = walk_tar(&tar, &mut recorder);
        // The entry that is cut is shown, its content is not.
        assert!(recorder.lines.starts_with(&lines.map(str::to_owned)), "{name}");
        assert_eq!(recorder.contents.len(), 1, "{name}");
        assert_eq!(problems.len(), 1, "{name}: {problems:?}");
        assert_eq!(problems[0].kind, Damaged, "{name}");
        assert!(problems[0].message.contains(message), "{name}: {}", problems[0]);
    }
    let one_zero_block = good().raw(&[0; BLOCK]).unfinished();
    check(&one_zero_block, &lines, &[]);
}

#[test]
fn headers_that_promise_too_much_are_not_believed() {
    let huge = Header { size: 1 << 40, ..Header::new("x", b'x') };
    check(
        &TarBuilder::new().header(&huge).finish(),
        &[],
        &[(LimitReached, "extended header is too long")],
    );
    let name = Header { size: u64::MAX >> 8, ..Header::new("L", b'L') };
    check(
        &TarBuilder::new().header(&name).finish(),
        &[],
        &[(LimitReached, "extended header is too long")],
    );
    let mut row = TarBuilder::new();
    for _ in 0..100 {
        row = row.pax(&[("mtime", "1")]);
    }
    check(&row.file("a", "").finish(), &[], &[(LimitReached, "extended headers stand in a row")]);
    let endless = Header { magic: *b"ustar  \0", ..Header::new("s", b'S') };
    let mut more = [0; BLOCK];
    more[504] = 1;
    let tar = TarBuilder::new()
        .header_with(&endless, |block| block[482] = 1)
        .raw(&more.repeat(4000))
        .finish();
    check(&tar, &[], &[(LimitReached, "too many segments")]);
    // Sizes whose sum with the padding does not fit into 64 bits.
    let all = Header { size: u64::MAX, ..Header::file("all", 0) };
    check(
        &TarBuilder::new().header(&all).finish(),
        &["file 0644 0:0 18446744073709551615 all"],
        &[(LimitReached, "too many to look into"), (Damaged, "in the middle of an entry")],
    );
}

#[test]
fn holes_without_end_are_not_filled() {
    let size = (1_u64 << 28).to_string();
    let mut tar = TarBuilder::new();
    for number in 0..6 {
        tar = tar
            .pax(&[
                ("GNU.sparse.major", "0"),
                ("GNU.sparse.minor", "1"),
                ("GNU.sparse.size", &size),
            ])
            .header(&Header::file(&number.to_string(), 0));
    }
    struct Count(usize);
    impl model::Visitor for Count {
        fn entry(&mut self, _entry: &model::Entry<'_>) -> model::Want {
            model::Want::Content
        }

        fn content(&mut self, _entry: &model::Entry<'_>, bytes: &[u8]) {
            assert_eq!(bytes.len(), 1 << 28);
            self.0 += 1;
        }
    }
    let mut count = Count(0);
    let problems = walk_tar(&tar.finish(), &mut count);
    assert_eq!(count.0, 4);
    assert_eq!(problems.len(), 2);
    assert!(problems[0].message.contains("holes"), "{}", problems[0]);
}
