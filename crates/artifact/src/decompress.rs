//! Decompression, recognised by content: media types and file names lie more often than bytes.
//!
//! All members of a gzip file and all frames of a zstd one are read (eStargz and zstd:chunked are
//! ordinary layers so), and what grows beyond measure is stopped here.

use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::ProblemKind;

use crate::limits::{LAYER_BYTES_MAX, RATIO_FREE_BYTES, RATIO_MAX, WIDE_WINDOW_LOG, WINDOW_LOG};

/// How bytes are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    /// `wide`: its first frame wants a larger window than every layer may have.
    Zstd {
        wide: bool,
    },
    Xz,
    Bzip2,
}

/// So many bytes at the start of a stream tell all that [`sniff`] wants to know.
pub(crate) const HEAD: usize = 16;

/// How much compressed input is read at once.
const INPUT_BUFFER: usize = 128 << 10;

/// Recognises the compression of a stream by its first [`HEAD`] bytes.
pub(crate) fn sniff(head: &[u8]) -> Compression {
    match head {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, frame @ ..] => Compression::Zstd { wide: has_wide_window(frame) },
        // A skippable frame first.
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd { wide: false },
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Compression::Xz,
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Compression::Bzip2,
        _ => Compression::None,
    }
}

/// Whether a zstd frame, from its descriptor on, wants a window beyond [`WINDOW_LOG`]
/// (RFC 8878, section 3.1.1.1).
fn has_wide_window(frame: &[u8]) -> bool {
    match frame {
        // A single segment is its own window; encoders make it so only where it is small.
        [descriptor, ..] if descriptor & 0x20 != 0 => false,
        [_, window, ..] => {
            let (exponent, mantissa) = (u32::from(window >> 3), window & 7);
            10 + exponent > WINDOW_LOG || (10 + exponent == WINDOW_LOG && mantissa > 0)
        }
        _ => false,
    }
}

/// Takes the first bytes of a stream off for [`sniff`]; they have to be read again in front of
/// the rest. Fewer than [`HEAD`] are all there are.
pub(crate) fn peek(stream: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD);
    stream.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// A stream decompressed, and stopped when it grows beyond measure.
pub(crate) struct Decoder<'a> {
    inner: Box<dyn Read + Send + 'a>,
    compressed: Arc<AtomicU64>,
    decompressed: u64,
    guarded: bool,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(stream: impl Read + Send + 'a, compression: Compression) -> io::Result<Self> {
        let compressed = Arc::<AtomicU64>::default();
        let counted = Counted { inner: stream, count: Arc::clone(&compressed) };
        let buffered = |counted| BufReader::with_capacity(INPUT_BUFFER, counted);
        let inner: Box<dyn Read + Send + 'a> = match compression {
            Compression::None => Box::new(counted),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(buffered(counted))),
            Compression::Zstd { wide } => {
                let mut decoder = zstd::Decoder::with_buffer(buffered(counted))?;
                decoder.window_log_max(if wide { WIDE_WINDOW_LOG } else { WINDOW_LOG })?;
                Box::new(decoder)
            }
            Compression::Xz => {
                let memory_kib = 1 << (WIDE_WINDOW_LOG - 10);
                Box::new(lzma_rust2::XzReader::new_mem_limit(buffered(counted), true, memory_kib))
            }
            Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(buffered(counted))),
        };
        let guarded = compression != Compression::None;
        Ok(Self { inner, compressed, decompressed: 0, guarded })
    }

    fn check_growth(&self) -> io::Result<()> {
        let total = self.decompressed;
        let compressed = self.compressed.load(Ordering::Relaxed);
        if total > LAYER_BYTES_MAX {
            let gibibytes = LAYER_BYTES_MAX >> 30;
            return Err(limit(format!("its contents are larger than {gibibytes} GiB")));
        }
        if self.guarded && total > RATIO_FREE_BYTES && total / RATIO_MAX > compressed {
            return Err(limit(format!(
                "{compressed} compressed bytes become more than {RATIO_MAX} times as many"
            )));
        }
        Ok(())
    }
}

impl Read for Decoder<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
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
            let message = format!("decompressing it takes more than {mebibytes} MiB of memory");
            (ProblemKind::LimitReached, message)
        }
        None => (ProblemKind::Damaged, format!("it does not decompress: {error}")),
    }
}

/// Both decoders that have such a bound say so in words only.
fn wants_memory(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory || error.to_string().contains("too much memory")
}
