//! Bytes that are records, bytes that are not, and the layouts of the programs.

use std::path::Path;

use ::object::{File as Binary, Object as _, ObjectSection as _};
use sha2::{Digest, Sha256};

use super::wire::LAYOUTS;
use super::*;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bpf");
const SEEDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/records");

fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut seeds: Vec<_> = std::fs::read_dir(SEEDS)
        .expect("recorded bytes")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.display().to_string(), std::fs::read(&path).expect("bytes")))
        .collect();
    seeds.sort();
    seeds
}

/// Recorded on x86-64, whose numbers the calls in them have.
#[cfg(target_arch = "x86_64")]
#[test]
fn recorded_bytes_are_read() {
    let mut deeds = [0; 5];
    for (name, bytes) in seeds() {
        let record = Record::read(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let kind = match &record.deed {
            Deed::Exec(exec) => {
                assert!(!exec.arguments.is_empty() && !exec.executable.walk.path.is_empty());
                0
            }
            Deed::Fork(fork) => {
                assert_ne!(fork.child.pid, 0);
                1
            }
            Deed::Exit(_) => 2,
            Deed::Call(call) => {
                assert!(!call.parts.is_empty());
                3
            }
            Deed::Group(group) => {
                assert!(group.number > 0 && group.path.starts_with(b"/"));
                4
            }
        };
        deeds[kind] += 1;
    }
    assert!(deeds.iter().all(|count| *count > 0), "a kind has no seed: {deeds:?}");
}

#[test]
fn a_record_cut_anywhere_is_an_error() {
    for (name, bytes) in seeds() {
        for length in 0..bytes.len() {
            let cut = Record::read(&bytes[..length]);
            assert!(cut.is_err(), "{name} cut at {length}");
            // The same when the size was made to agree: an error, or fewer parts, but no panic.
            let mut lying = bytes[..length].to_vec();
            if let (Some(size), Ok(said)) = (lying.get_mut(..4), u32::try_from(length)) {
                size.copy_from_slice(&said.to_ne_bytes());
                let _any: Result<Record, Damage> = Record::read(&lying);
            }
        }
    }
}

#[test]
fn every_number_may_be_anything() {
    for (_, bytes) in seeds() {
        for at in 4..bytes.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut changed = bytes.clone();
                changed[at] = value;
                let _any: Result<Record, Damage> = Record::read(&changed);
            }
        }
    }
}

/// End of the walk, names as the programs write them, the path.
const WALKS: &[(u32, &[u8], &str)] = &[
    (1, b"passwd\0etc\0", "/etc/passwd"),
    (1, b"", "/"),
    (2, b"a\0", "/a"),
    (3, b"memfd:x\0", "memfd:x"),
    (4, b"c\0b\0", "b/c"),
    (0, b"", ""),
];

#[test]
fn paths_are_put_together_from_their_ends() {
    for (end, names, path) in WALKS {
        let part = wire::WalkPart { end: *end, unused: 0 };
        assert_eq!(object::walk(part, names).path, *path);
    }
}

#[test]
fn both_sides_have_one_layout() {
    for architecture in ["x86_64", "aarch64"] {
        let path = Path::new(FOLDER).join(format!("prebuilt/guard-{architecture}.o"));
        let bytes = std::fs::read(path).expect("an object");
        let object = Binary::parse(bytes.as_slice()).expect("an object");
        let types = object.section_by_name(".BTF").expect("its types").data().expect("bytes");
        for (name, size, members) in LAYOUTS {
            let (found_size, found) = structure(types, name).unwrap_or_else(|| panic!("no {name}"));
            assert_eq!(found_size, *size, "{architecture}: {name}");
            let members: Vec<_> =
                members.iter().map(|(name, at)| ((*name).to_owned(), *at)).collect();
            assert_eq!(found, members, "{architecture}: {name}");
        }
    }
}

#[test]
fn the_objects_are_made_from_these_sources() {
    let mut sources: Vec<_> = std::fs::read_dir(FOLDER)
        .expect("the sources")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "c" || kind == "h"))
        .collect();
    sources.sort();
    let mut sum = Sha256::new();
    for source in sources {
        sum.update(std::fs::read(source).expect("a source"));
    }
    let hex: String = sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let kept = std::fs::read_to_string(Path::new(FOLDER).join("prebuilt/source.sha256"));
    assert_eq!(kept.expect("a sum"), hex, "hint: `cargo xtask bpf --write`");
}

pub(crate) type Structure = (usize, Vec<(String, usize)>);

/// Size and members of a struct in BTF (the kernel's `Documentation/bpf/btf.rst`).
pub(crate) fn structure(btf: &[u8], wanted: &str) -> Option<Structure> {
    let word = |at: usize| -> Option<usize> {
        let bytes: [u8; 4] = btf.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    let (header, types, length, strings) = (word(4)?, word(8)?, word(12)?, word(16)?);
    let text = |offset: usize| -> Option<String> {
        let bytes = btf.get(header + strings + offset..)?;
        let end = bytes.iter().position(|byte| *byte == 0)?;
        Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
    };
    let mut at = header + types;
    while at < header + types + length {
        let (name, info, size) = (text(word(at)?)?, word(at + 4)?, word(at + 8)?);
        let (kind, count) = (info >> 24 & 0x1f, info & 0xffff);
        at += 12;
        if kind == 4 && name == wanted {
            let member = |index: usize| {
                let entry = at + index * 12;
                Some((text(word(entry)?)?, word(entry + 8)? / 8))
            };
            return Some((size, (0..count).map(member).collect::<Option<_>>()?));
        }
        at += match kind {
            1 | 14 | 17 => 4,
            3 => 12,
            4 | 5 | 15 | 19 => count * 12,
            6 | 13 => count * 8,
            _ => 0,
        };
    }
    None
}
