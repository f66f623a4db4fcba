//! Compression as image tools do it, and as they rarely do: in several members or frames.

use std::io::Write;

const IN_MEMORY: &str = "writing to memory does not fail";

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect(IN_MEMORY);
    encoder.finish().expect(IN_MEMORY)
}

/// One gzip member for every `size` bytes, as eStargz has one for every file.
pub fn gzip_members(bytes: &[u8], size: usize) -> Vec<u8> {
    bytes.chunks(size).flat_map(gzip).collect()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect(IN_MEMORY)
}

/// One zstd frame for every `size` bytes and skippable frames around them, as zstd:chunked has
/// for its manifest (RFC 8878, section 3.1.2).
pub fn zstd_frames(bytes: &[u8], size: usize) -> Vec<u8> {
    let skippable = |content: &[u8]| {
        let length = u32::try_from(content.len()).expect("a test's skippable frame is small");
        [&0x184D_2A50_u32.to_le_bytes()[..], &length.to_le_bytes(), content].concat()
    };
    let mut out = skippable(b"before");
    for chunk in bytes.chunks(size) {
        out.extend(zstd(chunk));
        out.extend(skippable(b"a table of contents"));
    }
    out
}

/// As Podman and skopeo write zstd:chunked: the first frame has some bytes and says how many, those behind it
/// are of a stream with a window of 32 MiB.
pub fn zstd_chunked(bytes: &[u8]) -> Vec<u8> {
    let (first, rest) = bytes.split_at(bytes.len().min(512));
    let mut out = zstd::bulk::compress(first, 3).expect(IN_MEMORY);
    for chunk in rest.chunks(4096) {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect(IN_MEMORY);
        encoder.window_log(25).expect(IN_MEMORY);
        encoder.write_all(chunk).expect(IN_MEMORY);
        out.extend(encoder.finish().expect(IN_MEMORY));
    }
    out
}

pub fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(1);
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).expect(IN_MEMORY);
    encoder.write_all(bytes).expect(IN_MEMORY);
    encoder.finish().expect(IN_MEMORY)
}

pub fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).expect(IN_MEMORY);
    encoder.finish().expect(IN_MEMORY)
}
