//! Two threads a layer: one reads, hashes and decompresses the blob, the other hashes and walks
//! the tar that comes out. Between them goes a bounded number of buffers, used again and again,
//! so that memory does not grow with the layer.

use std::io::{self, Cursor, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use model::{Algorithm, Digest, ProblemKind};

use crate::ReadError;
use crate::decompress::{Compression, Decoder, Growth, describe, peek, sniff, source_failed};
use crate::digest::Hasher;
use crate::input::Input;
use crate::layer::Reading;
use crate::walk::{End, Walked};

/// Decompressed bytes that change threads at once: enough to make the change cheap, and little
/// enough to stay in the cache between decompressor, hash and walk.
const CHUNK: usize = 256 << 10;

/// Chunks that wait for the walk at most.
const CHUNKS_WAITING: usize = 4;

/// What to do besides decompressing.
pub(crate) struct Plan<'a> {
    /// The algorithms for the blob's digest and the tar's; None if nothing is to be hashed.
    pub(crate) hash: Option<[Algorithm; 2]>,
    /// The blob ends here whatever the source says: one byte more shows that it lies.
    pub(crate) blob_bytes_max: u64,
    /// What the layer's growth is counted in.
    pub(crate) growth: Growth,
    /// Hears how many more bytes of the blob were read.
    pub(crate) passed: &'a (dyn Fn(u64) + Sync),
}

/// What came of a stream.
pub(crate) struct Streamed {
    pub(crate) walked: Walked,
    /// Bytes of the tar.
    pub(crate) bytes: u64,
    pub(crate) blob_bytes: u64,
    /// The digests of blob and tar, as far as the plan wanted them and all bytes were read.
    pub(crate) blob_digest: Option<Digest>,
    pub(crate) tar_digest: Option<Digest>,
    /// Why decompression ended early, if it did.
    pub(crate) failure: Option<io::Error>,
}

/// Decompresses `blob` for `walk`, which pulls what comes out. After a walk that ended anywhere
/// but at a limit the rest is read too, for the digests' sake.
pub(crate) fn stream(
    blob: &mut (dyn Read + Send),
    plan: &Plan<'_>,
    reading: &Reading<'_>,
    walk: &mut dyn FnMut(&mut dyn Input) -> Result<Walked, ReadError>,
) -> Result<Streamed, ReadError> {
    let mut source = Source::new(blob, plan, reading);
    let head = peek(&mut source);
    let compression = head.as_ref().map_or(Compression::None, |head| sniff(head));
    // An uncompressed blob and its tar are the same bytes: one hash may do for both.
    let same = compression == Compression::None && plan.hash.is_none_or(|[blob, tar]| blob == tar);
    let tar_algorithm = plan.hash.map(|[_, tar]| tar).filter(|_| !same);
    thread::scope(|scope| {
        let (sender, chunks) = sync_channel(CHUNKS_WAITING);
        let (used, empties) = channel();
        let decompressing = scope.spawn(move || {
            let window = reading.windows.take(compression);
            let wanted = decompress(head, &mut source, compression, &sender, &empties);
            drop(window);
            drop(sender);
            if wanted {
                source.drain();
            }
            source
        });
        let mut chunks = Chunks::new(chunks, used, tar_algorithm.map(Hasher::new));
        let walked = walk(&mut chunks)?;
        let whole = !matches!(walked.end, End::Full);
        if whole {
            chunks.drain();
        }
        let (bytes, tar_digest, failure) = chunks.finish();
        let source = match decompressing.join() {
            Ok(source) => source,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        reading.options.stop.check()?;
        let whole = whole && failure.is_none();
        let blob_bytes = source.count;
        let blob_digest = source.finish();
        let tar_digest = if same { blob_digest.clone() } else { tar_digest };
        let tar_digest = tar_digest.filter(|_| whole);
        Ok(Streamed { walked, bytes, blob_bytes, blob_digest, tar_digest, failure })
    })
}

/// The first thread's work: chunks until the end, an error, or nobody who wants them. True if
/// what is left of the blob is still of interest, for its digest.
fn decompress(
    head: io::Result<Vec<u8>>,
    source: &mut Source<'_>,
    compression: Compression,
    sender: &SyncSender<io::Result<Vec<u8>>>,
    empties: &Receiver<Vec<u8>>,
) -> bool {
    let growth = source.plan.growth.clone();
    let decoder = head.and_then(|head| Decoder::new(Cursor::new(head).chain(source), compression));
    let mut decoder = match decoder {
        Ok(decoder) => decoder.sharing(growth),
        Err(error) => return fail(sender, error),
    };
    loop {
        let mut chunk = empties.try_recv().unwrap_or_default();
        chunk.resize(CHUNK, 0);
        let (filled, error) = fill(&mut decoder, &mut chunk);
        chunk.truncate(filled);
        let last = filled < CHUNK;
        if filled > 0 && sender.send(Ok(chunk)).is_err() {
            return false;
        }
        match error {
            Some(error) => return fail(sender, error),
            None if last => return true,
            None => {}
        }
    }
}

/// Passes an error on. After a limit nobody wants the rest of the blob.
fn fail(sender: &SyncSender<io::Result<Vec<u8>>>, error: io::Error) -> bool {
    let (kind, _) = describe(&error);
    sender.send(Err(error)).is_ok() && kind != ProblemKind::LimitReached
}

/// Fills `chunk` as far as there are bytes, and says how far and why not further.
fn fill(decoder: &mut Decoder<'_>, chunk: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut filled = 0;
    while let Some(room) = chunk.get_mut(filled..).filter(|room| !room.is_empty()) {
        match decoder.read(room) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) => return (filled, Some(error)),
        }
    }
    (filled, None)
}

/// The blob on its way in: hashed, counted, bounded, and ended when the user says stop.
struct Source<'a> {
    blob: &'a mut (dyn Read + Send),
    hasher: Option<Hasher>,
    count: u64,
    plan: &'a Plan<'a>,
    reading: &'a Reading<'a>,
    /// The end of the blob was seen: the digest is that of all its bytes.
    ended: bool,
}

impl<'a> Source<'a> {
    fn new(blob: &'a mut (dyn Read + Send), plan: &'a Plan<'a>, reading: &'a Reading<'a>) -> Self {
        let hasher = plan.hash.map(|[algorithm, _]| Hasher::new(algorithm));
        Self { blob, hasher, count: 0, plan, reading, ended: false }
    }

    /// Reads what the decompressor left, so that the digest is the whole blob's.
    fn drain(&mut self) {
        let mut rest = vec![0; CHUNK];
        while self.read(&mut rest).is_ok_and(|read| read > 0) {}
    }

    fn finish(self) -> Option<Digest> {
        self.hasher.filter(|_| self.ended).map(Hasher::finish)
    }
}

impl Read for Source<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.plan.blob_bytes_max - self.count).unwrap_or(usize::MAX);
        let room = into.len().min(left);
        let into = into.get_mut(..room).unwrap_or_default();
        // Whoever reads on learns from the stop itself why there is nothing more.
        if self.reading.options.stop.check().is_err() {
            return Ok(0);
        }
        let read = loop {
            match self.blob.read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read.map_err(source_failed)?,
            }
        };
        self.ended |= read == 0;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(into.get(..read).unwrap_or_default());
        }
        self.count += read as u64;
        (self.plan.passed)(read as u64);
        Ok(read)
    }
}

/// The second thread's end: chunks as one run of bytes, hashed as they come.
struct Chunks {
    chunks: Receiver<io::Result<Vec<u8>>>,
    used: Sender<Vec<u8>>,
    hasher: Option<Hasher>,
    chunk: Vec<u8>,
    /// Bytes of `chunk` already taken.
    taken: usize,
    bytes: u64,
    failure: Option<io::Error>,
}

impl Chunks {
    fn new(
        chunks: Receiver<io::Result<Vec<u8>>>,
        used: Sender<Vec<u8>>,
        hasher: Option<Hasher>,
    ) -> Self {
        let chunk = Vec::new();
        Self { chunks, used, hasher, chunk, taken: 0, bytes: 0, failure: None }
    }

    /// What can be taken at once; empty at the end. That decompression failed looks like the end
    /// here: the walk is not the one to say so.
    fn at_hand(&mut self) -> &[u8] {
        while self.taken == self.chunk.len() && self.failure.is_none() {
            match self.chunks.recv() {
                Ok(Ok(chunk)) => self.turn_to(chunk),
                Ok(Err(error)) => self.failure = Some(error),
                Err(_ended) => break,
            }
        }
        self.chunk.get(self.taken..).unwrap_or_default()
    }

    fn turn_to(&mut self, chunk: Vec<u8>) {
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&chunk);
        }
        self.bytes += chunk.len() as u64;
        self.taken = 0;
        // At the end nobody fills buffers any more.
        let _unneeded = self.used.send(std::mem::replace(&mut self.chunk, chunk));
    }

    fn drain(&mut self) {
        while !self.at_hand().is_empty() {
            self.taken = self.chunk.len();
        }
    }

    fn finish(self) -> (u64, Option<Digest>, Option<io::Error>) {
        (self.bytes, self.hasher.map(Hasher::finish), self.failure)
    }
}

impl Input for Chunks {
    fn read_full(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(room) = into.get_mut(done..).filter(|room| !room.is_empty()) {
            let at_hand = self.at_hand();
            let now = at_hand.len().min(room.len());
            if now == 0 {
                break;
            }
            let (room, _) = room.split_at_mut(now);
            room.copy_from_slice(at_hand.get(..now).unwrap_or_default());
            self.taken += now;
            done += now;
        }
        Ok(done)
    }

    fn skip(&mut self, count: u64) -> io::Result<u64> {
        let mut left = count;
        while left > 0 {
            let at_hand = self.at_hand().len();
            let now = usize::try_from(left).unwrap_or(usize::MAX).min(at_hand);
            if now == 0 {
                break;
            }
            self.taken += now;
            left -= now as u64;
        }
        Ok(count - left)
    }
}
