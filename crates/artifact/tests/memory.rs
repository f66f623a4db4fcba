//! How many layers are read at a time does not multiply what they take. One test, in a process of
//! its own, so that the peak of its memory is what the layers took.

#![expect(clippy::unwrap_used, reason = "what these helpers unwrap is the test's own doing")]

use std::fs;
use std::io::Write;
use std::num::NonZeroUsize;

use artifact::{Options, open};
use model::{Entry, Visitor, Want};
use testkit::{ImageBuilder, LayerBuilder, TarBuilder};

struct Nobody;

impl Visitor for Nobody {
    fn entry(&mut self, _entry: &Entry<'_>) -> Want {
        Want::Nothing
    }

    fn content(&mut self, _entry: &Entry<'_>, _bytes: &[u8]) {}
}

fn peak_memory_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn layers_read_at_a_time_share_their_windows() {
    let noise: Vec<u8> =
        (0..262_144_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let tar = TarBuilder::new().file("noise", noise.repeat(20)).finish();
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    // The window that every layer may have.
    encoder.window_log(23).unwrap();
    encoder.write_all(&tar).unwrap();
    let blob = encoder.finish().unwrap();
    let layer = LayerBuilder::stored(&tar, blob, "application/vnd.oci.image.layer.v1.tar+zstd");
    let image = (0..64).fold(ImageBuilder::new("a:1"), |image, _| image.layer(layer.clone()));
    let directory = tempfile::tempdir().unwrap();
    image.write_oci_dir(directory.path());
    let options = Options { jobs: NonZeroUsize::new(64).unwrap(), ..Options::default() };
    let opened = open(directory.path().to_str().unwrap(), &options).unwrap();
    let all: Vec<u32> = (0..64).collect();

    let before = peak_memory_kib();
    let layers = opened.read(&all, &|| Nobody).unwrap();
    assert!(layers.iter().all(|layer| layer.verified));
    let taken = peak_memory_kib().saturating_sub(before);
    // Sixteen windows of 8 MiB at a time, and what the allocator does not give back at once. All of
    // them at a time would be 512 MiB.
    assert!(taken < 448 << 10, "{taken} KiB");
}
