//! The limit that all layers of an image share: where it cuts does not depend on who was faster.

#![expect(clippy::unwrap_used, reason = "what these helpers unwrap is the test's own doing")]

use std::num::NonZeroUsize;
use std::path::Path;

use artifact::{ENTRIES_MAX, Options, open};
use model::{Digest, Entry, Visitor, Want};
use ring::digest::{Context, SHA256};
use testkit::{Header, ImageBuilder, LayerBuilder, TarBuilder, gzip};

/// Counts, so that the test needs little memory itself.
#[derive(Default)]
struct Count(u64);

impl Visitor for Count {
    fn entry(&mut self, _entry: &Entry<'_>) -> Want {
        self.0 += 1;
        Want::Nothing
    }

    fn content(&mut self, _entry: &Entry<'_>, _bytes: &[u8]) {}
}

/// A layer of `thousands` thousand empty files.
fn empty_files(name: &str, thousands: usize) -> LayerBuilder {
    let part = TarBuilder::new().header(&Header::file(name, 0)).unfinished().repeat(1000);
    let end = TarBuilder::new().finish();
    let mut diff_id = Context::new(&SHA256);
    (0..thousands).for_each(|_| diff_id.update(&part));
    diff_id.update(&end);
    let diff_id = Digest::sha256(diff_id.finish().as_ref().try_into().unwrap());
    let blob = [gzip(&part).repeat(thousands), gzip(&end)].concat();
    let media_type = "application/vnd.oci.image.layer.v1.tar+gzip";
    LayerBuilder { diff_id, ..LayerBuilder::stored(b"", blob, media_type) }
}

/// Entries and problems of each layer.
fn read(target: &Path, jobs: usize) -> Vec<(u64, Vec<String>)> {
    let options = Options { jobs: NonZeroUsize::new(jobs).unwrap(), ..Options::default() };
    let image = open(target.to_str().unwrap(), &options).unwrap();
    let layers = image.read(&[0, 1, 2, 3], &Count::default).unwrap();
    let told = layers.iter().map(|layer| {
        assert_eq!(layer.entries, layer.visitor.0);
        let problems = layer.problems.iter().map(|it| format!("{}: {it}", it.kind.name()));
        (layer.entries, problems.collect())
    });
    told.collect()
}

#[test]
fn the_entry_limit_cuts_from_the_top() {
    let directory = tempfile::tempdir().unwrap();
    let image = ["a", "b", "c"].iter().fold(ImageBuilder::new("many:1"), |image, name| {
        // The highest is the biggest, so it is begun first.
        let thousands = 400 + 10 * image.layers.len();
        image.layer(empty_files(name, thousands))
    });
    let image = image.layer(LayerBuilder::gzip(TarBuilder::new().file("d", "")));
    image.write_oci_dir(directory.path());

    let (entries, told): (Vec<u64>, Vec<_>) = read(directory.path(), 4).into_iter().unzip();
    assert_eq!(entries, [400_000, 410_000, 190_000, 0]);
    assert_eq!(entries.iter().sum::<u64>(), ENTRIES_MAX);
    assert!(told[0].is_empty() && told[1].is_empty(), "{told:?}");
    assert!(told[2][0].contains("more than 1000000 entries; the rest"), "{told:?}");
    assert!(told[3][0].contains("more than 1000000 entries; it is"), "{told:?}");
}
