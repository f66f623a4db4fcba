//! The reader against what containerd wrote, damage, trees without end, and commits in between.

use std::fs;
use std::io::Read;

use super::*;

/// What containerd 1.6 wrote after an import, 40 tags and a container.
fn fixture() -> Vec<u8> {
    let packed = include_bytes!("../../../testdata/containerd/meta.db.gz");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut bytes).unwrap();
    bytes
}

fn text(bucket: &Bucket<'_>, key: &str) -> String {
    String::from_utf8(bucket.get(key.as_bytes()).unwrap().unwrap()).unwrap()
}

#[test]
fn finds_what_containerd_wrote() {
    let bytes = fixture();
    let state = State::newest(Pages::Memory(&bytes)).unwrap();
    let images = state.root().descend(&["v1", "default", "images"]).unwrap().unwrap();
    let mut names = Vec::new();
    images
        .each(|key, item| {
            assert!(matches!(item, Item::Bucket(_)));
            names.push(String::from_utf8(key.to_vec()).unwrap());
            Ok(())
        })
        .unwrap();
    assert_eq!(names.len(), 41);
    assert!(names.is_sorted());
    for name in &names {
        let target = images.descend(&[name, "target"]).unwrap().unwrap();
        assert!(text(&target, "digest").starts_with("sha256:cd561827"), "{name}");
    }
    let container = state.root().descend(&["v1", "default", "containers", "one"]).unwrap();
    assert_eq!(text(&container.unwrap(), "image"), "localhost/t/t:1");
    for missing in ["", "a", "localhost/t/t:2", "zzz"] {
        assert!(images.bucket(missing.as_bytes()).unwrap().is_none(), "{missing}");
        assert!(images.get(missing.as_bytes()).unwrap().is_none(), "{missing}");
    }
    assert!(state.root().get(b"v1").unwrap().is_none(), "a bucket is no value");
    assert!(walk(&bytes).unwrap() > 200);
}

#[test]
fn damage_ends_in_an_error() {
    let bytes = fixture();
    for length in [0, 1, 16, 80, 4095, 4096, 8192, 40_000] {
        assert!(walk(&bytes[..length]).is_err(), "{length}");
    }
    // Wrong bytes everywhere: what matters is that it ends.
    let mut broken = bytes.clone();
    let used: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
    for at in used.iter().step_by(31) {
        let right = broken[*at];
        for value in [0, 1, 0x7f, 0xff] {
            broken[*at] = value;
            let _either = walk(&broken);
        }
        broken[*at] = right;
    }
}

#[test]
fn a_torn_meta_page_leaves_the_other() {
    let bytes = fixture();
    let newest = State::newest(Pages::Memory(&bytes)).unwrap().meta.transaction;
    for page in [0, 4096] {
        let mut torn = bytes.clone();
        torn[page + 40] ^= 1;
        let transaction = State::newest(Pages::Memory(&torn)).unwrap().meta.transaction;
        assert!(transaction == newest || transaction == newest - 1);
    }
    let mut both = bytes;
    both[40] ^= 1;
    both[4096 + 40] ^= 1;
    assert!(walk(&both).is_err());
}

/// A database of one page besides the meta pages.
fn small(page: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 3 * 4096];
    for (number, transaction) in [(0, 1), (1, 2)] {
        write_meta(&mut bytes[number * 4096..], transaction);
    }
    bytes[2 * 4096..][..page.len()].copy_from_slice(page);
    bytes
}

fn write_meta(page: &mut [u8], transaction: u64) {
    page[8..10].copy_from_slice(&META_PAGE.to_le_bytes());
    let meta = &mut page[PAGE_HEADER..];
    meta[0..4].copy_from_slice(&MAGIC.to_le_bytes());
    meta[4..8].copy_from_slice(&VERSION.to_le_bytes());
    meta[8..12].copy_from_slice(&4096_u32.to_le_bytes());
    meta[16..24].copy_from_slice(&2_u64.to_le_bytes());
    meta[40..48].copy_from_slice(&3_u64.to_le_bytes());
    meta[48..56].copy_from_slice(&transaction.to_le_bytes());
    let sum = fnv1a(&meta[..META_SUMMED]);
    meta[56..64].copy_from_slice(&sum.to_le_bytes());
}

/// A branch page whose children are all itself.
fn cycle(children: u16) -> Vec<u8> {
    let mut page = vec![0; 4096];
    page[0..8].copy_from_slice(&2_u64.to_le_bytes());
    page[8..10].copy_from_slice(&BRANCH_PAGE.to_le_bytes());
    page[10..12].copy_from_slice(&children.to_le_bytes());
    for child in 0..usize::from(children) {
        let element = PAGE_HEADER + child * ELEMENT;
        page[element + 8..element + 16].copy_from_slice(&2_u64.to_le_bytes());
    }
    page
}

#[test]
fn a_tree_that_contains_itself_ends() {
    let bytes = small(&cycle(200));
    assert!(walk(&bytes).is_err());
    let state = State::newest(Pages::Memory(&bytes)).unwrap();
    assert!(matches!(state.root().get(b"key"), Err(BoltError::Damaged(_))));
}

#[test]
fn buckets_that_contain_themselves_end() {
    // A leaf with 50 buckets, each of which has this leaf as its root.
    let mut page = vec![0; 4096];
    page[0..8].copy_from_slice(&2_u64.to_le_bytes());
    page[8..10].copy_from_slice(&LEAF_PAGE.to_le_bytes());
    page[10..12].copy_from_slice(&50_u16.to_le_bytes());
    let value: u32 = 4000;
    page[4000..4008].copy_from_slice(&2_u64.to_le_bytes());
    for index in 0..50_usize {
        let element = PAGE_HEADER + index * ELEMENT;
        let position = value - u32::try_from(element).unwrap();
        page[element..element + 4].copy_from_slice(&BUCKET_ELEMENT.to_le_bytes());
        page[element + 4..element + 8].copy_from_slice(&position.to_le_bytes());
        page[element + 12..element + 16].copy_from_slice(&16_u32.to_le_bytes());
    }
    assert!(walk(&small(&page)).is_err());
}

#[test]
fn a_commit_in_between_is_noticed() {
    let path = tempfile::NamedTempFile::new().unwrap();
    let bytes = small(&cycle(1));
    fs::write(path.path(), &bytes).unwrap();
    let reads = Cell::new(0);
    let read = view(path.path(), |_| {
        reads.set(reads.get() + 1);
        if reads.get() == 1 {
            let mut newer = bytes.clone();
            write_meta(&mut newer, 3);
            fs::write(path.path(), newer)?;
        }
        Ok(reads.get())
    });
    assert_eq!(read.unwrap(), 2, "what was read before the commit does not count");
    let commits = Cell::new(3);
    let busy = view(path.path(), |_| {
        commits.set(commits.get() + 1);
        let mut newer = bytes.clone();
        write_meta(&mut newer[usize::from(commits.get() % 2 == 1) * 4096..], commits.get());
        fs::write(path.path(), newer)?;
        Ok(())
    });
    assert!(matches!(busy, Err(BoltError::Busy)));
}
