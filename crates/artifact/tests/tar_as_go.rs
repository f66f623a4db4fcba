//! What tar's dialects leave open is read as Go's `archive/tar` reads it, which container runtimes
//! unpack with.

use artifact::walk_tar;
use testkit::{Header, Recorder, TarBuilder};

const GNU: [u8; 8] = *b"ustar  \0";

/// The paths of the entries in `tar`, with the targets of links.
fn entries(tar: TarBuilder) -> Vec<String> {
    let mut recorder = Recorder::default();
    assert_eq!(walk_tar(&tar.finish(), &mut recorder), [], "{:?}", recorder.lines);
    let shown = |line: &String| line.splitn(5, ' ').last().map(str::to_owned);
    recorder.lines.iter().filter_map(shown).collect()
}

fn global(tar: TarBuilder) -> TarBuilder {
    tar.header(&Header { size: 12, ..Header::new("global", b'g') }).content(b"12 mtime=12\n")
}

#[test]
fn a_global_header_takes_back_what_stood_before_it() {
    let path = TarBuilder::new().pax(&[("path", "harmless"), ("size", "0"), ("uid", "7")]);
    let tar = global(path).file("status", "x").file("next", "");
    assert_eq!(entries(tar), ["status", "next"]);
    let name = TarBuilder::new().gnu_long(b'L', "harmless");
    assert_eq!(entries(global(name).file("status", "")), ["status"]);
    let link = TarBuilder::new().gnu_long(b'K', "none");
    assert_eq!(entries(global(link).hard_link("a", "b")), ["a => b"]);
    // The last thing in an archive, it takes nothing along.
    assert_eq!(entries(global(TarBuilder::new().file("a", "").pax(&[("path", "b")]))), ["a"]);
    let after = global(TarBuilder::new()).gnu_long(b'L', "long").file("short", "");
    assert_eq!(entries(after), ["long"]);
}

#[test]
fn gnu_headers_may_have_a_prefix_where_times_would_be() {
    let cases: [(&[u8], &[u8], &str); 12] = [
        (b"var/lib", b"", "var/lib/status"),
        (b"14700000000\0", b"var", "14700000000/status"),
        (b"14700000000 ", b"var", "14700000000 var/status"),
        (b"", b"", "status"),
        (b"14700000000", b"14700000000", "status"),
        (b"  14 \0\0", b"7", "status"),
        // Cut at the first NUL, as Go's parser of numbers does.
        (b"14\0/", b"", "status"),
        (b"7 \0 8", b"", "7 /status"),
        (b"8", b"", "8/status"),
        (b"\x80\0\0\0\0\0\0\0\x01\0\0\0", b"", "status"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"", "status"),
        (b"v\xc3\xa4r", b"", "status"),
    ];
    for (access, change, path) in cases {
        let tar = TarBuilder::new().header_with(
            &Header { magic: GNU, ..Header::file("status", 0) },
            |block| {
                block[345..345 + access.len()].copy_from_slice(access);
                block[357..357 + change.len()].copy_from_slice(change);
            },
        );
        assert_eq!(entries(tar), [path], "{access:?} {change:?}");
    }
    // Another version than GNU's is no dialect at all.
    for magic in [*b"ustar   ", *b"ustar 00", [0; 8]] {
        let tar = TarBuilder::new().header_with(
            &Header { magic, ..Header::file("status", 0) },
            |block| {
                block[345..352].copy_from_slice(b"var/lib");
            },
        );
        assert_eq!(entries(tar), ["status"], "{magic:?}");
    }
}

#[test]
fn sparse_records_count_in_forms_that_are_known() {
    let map = [
        ("GNU.sparse.size", "4"),
        ("GNU.sparse.numblocks", "1"),
        ("GNU.sparse.map", "0,4"),
        ("GNU.sparse.name", "sparse"),
    ];
    let versioned = |major, minor| {
        let version = [("GNU.sparse.major", major), ("GNU.sparse.minor", minor)];
        version.into_iter().chain(map).collect::<Vec<_>>()
    };
    let records: [(Vec<(&str, &str)>, &str); 12] = [
        (map.to_vec(), "sparse"),
        (versioned("0", "0"), "sparse"),
        (versioned("0", "1"), "sparse"),
        (versioned("", ""), "sparse"),
        (versioned("2", "0"), "plain"),
        (versioned("1", "1"), "plain"),
        (versioned("0", ""), "plain"),
        (versioned("x", "0"), "plain"),
        (vec![("GNU.sparse.name", "sparse")], "plain"),
        (vec![("GNU.sparse.name", "sparse"), ("path", "path")], "path"),
        (vec![("GNU.sparse.numblocks", "1"), ("GNU.sparse.size", "99")], "plain"),
        ([&map[..], &[("path", "path")]].concat(), "sparse"),
    ];
    for (records, path) in records {
        let tar = TarBuilder::new().pax(&records).header(&Header::file("plain", 4));
        let mut recorder = Recorder::default();
        assert_eq!(walk_tar(&tar.content(b"abcd").finish(), &mut recorder), [], "{records:?}");
        assert_eq!(recorder.lines, [format!("file 0644 0:0 4 {path}")], "{records:?}");
        assert_eq!(recorder.contents[path], b"abcd", "{records:?}");
    }
}

#[test]
fn the_name_of_a_sparse_file_comes_last() {
    let map = [
        ("GNU.sparse.realsize", "9"),
        ("GNU.sparse.size", "4"),
        ("GNU.sparse.map", "0,4"),
        ("GNU.sparse.name", "sparse"),
    ];
    let gnu = |name: &str| TarBuilder::new().gnu_long(b'L', name);
    let tar = gnu("gnu").pax(&map).header(&Header::file("plain", 4)).content(b"abcd");
    assert_eq!(entries(tar), ["sparse"]);
    // GNU's own sparse files have their names where others have them.
    let old = Header { magic: GNU, size: 4, ..Header::new("plain", b'S') };
    let tar = TarBuilder::new().pax(&map).header_with(&old, |block| {
        block[386..410].copy_from_slice(b"00000000000\x0000000000004\0");
        block[483..494].copy_from_slice(b"00000000004");
    });
    assert_eq!(entries(tar.content(b"abcd")), ["plain"]);
    // An empty long name is none.
    let tar = gnu("").pax(&[("path", "path")]).file("plain", "");
    assert_eq!(entries(tar), ["path"]);
}
