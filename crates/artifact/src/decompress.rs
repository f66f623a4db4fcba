//! Decompression, recognised by content: media types and file names lie more often than bytes.
//!
//! All members of a gzip file and all frames of a zstd one are read (eStargz and zstd:chunked are
//! ordinary layers so), and what grows beyond measure is stopped here.

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::ProblemKind;

use crate::limits::{
    FRAMES_WINDOW_LOG, GROWTH_BYTES_MAX, LAYER_BYTES_MAX, RATIO_MAX, WIDE_WINDOW_LOG, WINDOW_LOG,
};

/// How bytes are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    /// With the largest window that its frames may want.
    Zstd {
        window_log: u8,
    },
    Xz,
    Bzip2,
}

/// So many bytes at the start of a stream tell all that [`sniff`] wants to know.
pub(crate) const HEAD: usize = 18;

/// How much compressed input is read at once.
const INPUT_BUFFER: usize = 128 << 10;

/// Recognises the compression of a stream by its first [`HEAD`] bytes.
pub(crate) fn sniff(head: &[u8]) -> Compression {
    match head {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, frame @ ..] => Compression::Zstd { window_log: window_log(frame) },
        // A skippable frame first: what the next one wants is not seen from here.
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd { window_log: WIDE_WINDOW_LOG },
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Compression::Bzip2,
        _ => Compression::None,
    }
}

/// The window that frames of a stream may want, which begins with this one, from its descriptor on (RFC 8878,
/// section 3.1.1.1). Who compresses a layer as a whole does not know its size before: a frame that says its own
/// is one of many, and the later ones want what they want.
fn window_log(frame: &[u8]) -> u8 {
    let Some((&descriptor, rest)) = frame.split_first() else { return WINDOW_LOG };
    if descriptor & 0x20 == 0 {
        let Some(&window) = rest.first() else { return WINDOW_LOG };
        let (exponent, mantissa) = (window >> 3, window & 7);
        let is_wide = 10 + exponent > WINDOW_LOG || (10 + exponent == WINDOW_LOG && mantissa > 0);
        return if is_wide { WIDE_WINDOW_LOG } else { WINDOW_LOG };
    }
    // A single segment has no window but its content, whose size follows the dictionary's ID.
    let dictionary = [0, 1, 2, 4].get(usize::from(descriptor & 3)).copied().unwrap_or(0);
    let length = [1, 2, 4, 8].get(usize::from(descriptor >> 6)).copied().unwrap_or(8);
    let size = rest.get(dictionary..dictionary + length).unwrap_or_default();
    let size = size.iter().rev().fold(0_u64, |size, &byte| size << 8 | u64::from(byte));
    if size > 1 << WINDOW_LOG { WIDE_WINDOW_LOG } else { FRAMES_WINDOW_LOG }
}

/// Takes the first bytes of a stream off for [`sniff`]; they have to be read again in front of
/// the rest. Fewer than [`HEAD`] are all there are.
pub(crate) fn peek(stream: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD);
    stream.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// What has been looked at without being there ([`GROWTH_BYTES_MAX`]): in one layer, and in all that
/// share the limit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Growth {
    layer: Arc<AtomicU64>,
    image: Arc<AtomicU64>,
}

impl Growth {
    /// The growth of another layer of the same image.
    pub(crate) fn of_next_layer(&self) -> Self {
        Self { layer: Arc::default(), image: Arc::clone(&self.image) }
    }

    /// Counts more of it; false if that is too much.
    pub(crate) fn add(&self, bytes: u64) -> bool {
        self.layer.fetch_add(bytes, Ordering::Relaxed);
        self.image.fetch_add(bytes, Ordering::Relaxed);
        !self.is_too_much()
    }

    pub(crate) fn is_too_much(&self) -> bool {
        self.image.load(Ordering::Relaxed) > GROWTH_BYTES_MAX
    }

    pub(crate) fn of_layer(&self) -> u64 {
        self.layer.load(Ordering::Relaxed)
    }
}

/// A stream decompressed, and stopped when it grows beyond measure.
pub(crate) struct Decoder<'a> {
    inner: Box<dyn Read + Send + 'a>,
    compressed: Arc<AtomicU64>,
    decompressed: u64,
    guarded: bool,
    growth: Growth,
    /// How much of this stream `growth` has heard of.
    counted: u64,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(stream: impl Read + Send + 'a, compression: Compression) -> io::Result<Self> {
        let compressed = Arc::<AtomicU64>::default();
        let counted = Counted { inner: stream, count: Arc::clone(&compressed) };
        let buffered = |counted| BufReader::with_capacity(INPUT_BUFFER, counted);
        let inner: Box<dyn Read + Send + 'a> = match compression {
            Compression::None => Box::new(counted),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(buffered(counted))),
            Compression::Zstd { window_log } => {
                let mut decoder = zstd::Decoder::with_buffer(buffered(counted))?;
                decoder.window_log_max(u32::from(window_log))?;
                Box::new(decoder)
            }
            Compression::Xz => {
                let memory_kib = 1 << (WIDE_WINDOW_LOG - 10);
                Box::new(lzma_rust2::XzReader::new_mem_limit(buffered(counted), true, memory_kib))
            }
            Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(buffered(counted))),
        };
        let guarded = compression != Compression::None;
        let growth = Growth::default();
        Ok(Self { inner, compressed, decompressed: 0, guarded, growth, counted: 0 })
    }

    /// The same, with a limit that others share.
    pub(crate) fn sharing(self, growth: Growth) -> Self {
        Self { growth, ..self }
    }

    fn check_growth(&mut self) -> io::Result<()> {
        let total = self.decompressed;
        let compressed = self.compressed.load(Ordering::Relaxed);
        if total > LAYER_BYTES_MAX {
            let gibibytes = LAYER_BYTES_MAX >> 30;
            return Err(limit(format!("its contents are larger than {gibibytes} GiB")));
        }
        let growth = total.saturating_sub(compressed.saturating_mul(RATIO_MAX));
        let more = growth.saturating_sub(self.counted);
        if !self.guarded || more == 0 {
            return Ok(());
        }
        self.counted = growth;
        if !self.growth.add(more) {
            return Err(limit(format!(
                "{compressed} compressed bytes become more than {RATIO_MAX} times as many"
            )));
        }
        Ok(())
    }
}

impl Read for Decoder<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // Asked for nothing, xz takes the nothing that comes for the end of its block.
        if into.is_empty() {
            return Ok(0);
        }
        let read = self.inner.read(into)?;
        self.decompressed += read as u64;
        self.check_growth()?;
        Ok(read)
    }
}

struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Why a stream of layer bytes ended early, carried through `io::Error`; an error without it
/// comes from a decompressor that does not understand its input.
#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error("{0}")]
    Limit(String),
    #[error("cannot be read: {0}")]
    Source(io::Error),
}

fn limit(message: String) -> io::Error {
    io::Error::other(Cause::Limit(message))
}

/// Marks an error as the source's own, so that it is not taken for damage.
pub(crate) fn source_failed(error: io::Error) -> io::Error {
    io::Error::other(Cause::Source(error))
}

/// The error of the source, where that is what a [`Decoder`] failed with.
pub(crate) fn error_of_source(error: io::Error) -> Option<io::Error> {
    match error.into_inner()?.downcast().map(|cause| *cause) {
        Ok(Cause::Source(error)) => Some(error),
        _ => None,
    }
}

/// What class of problem an error of a [`Decoder`] is, and how it is said.
pub(crate) fn describe(error: &io::Error) -> (ProblemKind, String) {
    let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<Cause>());
    match cause {
        Some(cause @ Cause::Limit(_)) => (ProblemKind::LimitReached, cause.to_string()),
        Some(cause @ Cause::Source(_)) => (ProblemKind::Unreadable, cause.to_string()),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            (ProblemKind::Damaged, "its compressed bytes end too early".to_owned())
        }
        None if wants_memory(error) => {
            let mebibytes = 1 << (WIDE_WINDOW_LOG - 20);
            let message = format!(
                "decompressing it takes more memory than its beginning asks for, or more than {mebibytes} MiB"
            );
            (ProblemKind::LimitReached, message)
        }
        None => (ProblemKind::Damaged, format!("it does not decompress: {error}")),
    }
}

/// Both decoders that have such a bound say so in words only.
fn wants_memory(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory || error.to_string().contains("too much memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_that_a_frame_wants_is_seen() {
        let frame = |bytes: &[u8]| [&[0x28, 0xb5, 0x2f, 0xfd][..], bytes].concat();
        let megabytes = |count: u32| (count << 20).to_le_bytes();
        let (usual, frames, wide) = (WINDOW_LOG, FRAMES_WINDOW_LOG, WIDE_WINDOW_LOG);
        let cases: [(&str, Vec<u8>, u8); 9] = [
            ("8 MiB window", frame(&[0, 13 << 3]), usual),
            ("9 MiB window", frame(&[0, 13 << 3 | 1]), wide),
            ("a segment of 200 bytes", frame(&[0x20, 200]), frames),
            ("of 60 000", frame(&[0x60, 0x60, 0xea]), frames),
            ("of 8 MiB", frame(&[&[0xa0][..], &megabytes(8)].concat()), frames),
            ("of 12 MiB", frame(&[&[0xa0][..], &megabytes(12)].concat()), wide),
            (
                "of 12 MiB, with a dictionary",
                frame(&[&[0xa1, 7][..], &megabytes(12)].concat()),
                wide,
            ),
            ("of 12 MiB, in eight bytes", frame(&[0xe0, 0, 0, 0xc0, 0, 0, 0, 0, 0]), wide),
            ("cut off", frame(&[0xe0, 0]), frames),
        ];
        for (name, head, window_log) in cases {
            assert_eq!(sniff(&head), Compression::Zstd { window_log }, "{name}");
        }
    }
}
