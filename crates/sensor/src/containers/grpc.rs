//! One unary gRPC call over a Unix socket: the few frames of HTTP/2 (RFC 9113) that it takes.
//!
//! Headers are sent as literals and those of the answer are not read: an answer without a message
//! is a refusal, whatever its reason. The same bounds hold as for the other sockets.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Instant;

use super::http::{AskError, PATIENCE, failed, left, open};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// A message of one container: its specification, its labels.
const MESSAGE_BYTES_MAX: usize = 4 << 20;
/// Frames that carry nothing for us must not keep us for ever.
const FRAMES_MAX: usize = 10_000;
/// What a frame may hold unless both sides agree on more (section 4.2).
const FRAME_BYTES_MAX: usize = 16_384;
/// Our one call; clients have odd numbers.
const STREAM: u32 = 1;
/// Before a gRPC message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const ACKNOWLEDGED: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;

/// The message that `method` answers `request` with; None if it refuses. Header values are short.
pub(super) fn call(
    socket: &Path,
    method: &str,
    header: (&str, &str),
    request: &[u8],
) -> Result<Option<Vec<u8>>, AskError> {
    let deadline = Instant::now() + PATIENCE;
    let failed = |why| failed(socket, why);
    let mut stream = open(socket, deadline).map_err(failed)?;
    stream.write_all(&opening(method, header, request)).map_err(failed)?;
    let mut body = Vec::new();
    for _ in 0..FRAMES_MAX {
        let frame = Frame::read(&mut stream, deadline).map_err(failed)?;
        if let Some(reply) = frame.reply() {
            stream.write_all(&reply).map_err(failed)?;
        }
        if frame.is_end() {
            return Ok(message(&body).map(<[u8]>::to_vec));
        }
        body.extend_from_slice(frame.data());
        if body.len() > MESSAGE_BYTES_MAX {
            break;
        }
        if frame.ends_stream() {
            return Ok(message(&body).map(<[u8]>::to_vec));
        }
    }
    Err(AskError::Long { socket: socket.to_owned() })
}

/// All that we have to say.
fn opening(method: &str, header: (&str, &str), request: &[u8]) -> Vec<u8> {
    // The setting (section 6.5.2): how much may be sent to a stream before we allow more.
    const INITIAL_WINDOW: u16 = 4;
    let window = u32::try_from(MESSAGE_BYTES_MAX).unwrap_or(u32::MAX).to_be_bytes();
    let headers = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", method),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        header,
    ];
    let headers: Vec<u8> = headers.iter().flat_map(|(name, value)| literal(name, value)).collect();
    let length = u32::try_from(request.len()).unwrap_or(u32::MAX).to_be_bytes();
    let settings = [&INITIAL_WINDOW.to_be_bytes()[..], &window].concat();
    let message = [&[0][..], &length, request].concat();
    [
        PREFACE.to_vec(),
        frame(SETTINGS, 0, 0, &settings),
        frame(WINDOW_UPDATE, 0, 0, &window),
        frame(HEADERS, END_HEADERS, STREAM, &headers),
        frame(DATA, END_STREAM, STREAM, &message),
    ]
    .concat()
}

/// A header that nobody is to remember (RFC 7541, section 6.2.2), its texts as they are.
fn literal(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| -> Vec<u8> {
        // Lengths from 127 on have a longer form, which nothing here needs.
        let text: Vec<u8> = text.bytes().take(126).collect();
        let length = u8::try_from(text.len()).unwrap_or(0);
        [vec![length], text].concat()
    };
    [vec![0], text(name), text(value)].concat()
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    let head = [&length[1..], &[kind, flags][..], &stream.to_be_bytes()[..]].concat();
    [&head, payload].concat()
}

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

impl Frame {
    fn read(stream: &mut UnixStream, deadline: Instant) -> std::io::Result<Self> {
        let [a, b, c, kind, flags, stream_number @ ..] = {
            let mut head = [0; 9];
            read_exact(stream, &mut head, deadline)?;
            head
        };
        let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX);
        if length > FRAME_BYTES_MAX {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        let mut payload = vec![0; length];
        read_exact(stream, &mut payload, deadline)?;
        let stream = u32::from_be_bytes(stream_number) & 0x7fff_ffff;
        Ok(Self { kind, flags, stream, payload })
    }

    /// What the protocol wants as an answer.
    fn reply(&self) -> Option<Vec<u8>> {
        let is_new = self.flags & ACKNOWLEDGED == 0;
        match self.kind {
            SETTINGS if is_new => Some(frame(SETTINGS, ACKNOWLEDGED, 0, &[])),
            PING if is_new => Some(frame(PING, ACKNOWLEDGED, 0, &self.payload)),
            _ => None,
        }
    }

    /// The other side gives up.
    fn is_end(&self) -> bool {
        self.kind == GO_AWAY || self.kind == RESET && self.stream == STREAM
    }

    fn ends_stream(&self) -> bool {
        let may_end = self.kind == DATA || self.kind == HEADERS;
        may_end && self.stream == STREAM && self.flags & END_STREAM != 0
    }

    fn data(&self) -> &[u8] {
        if self.kind != DATA || self.stream != STREAM {
            return &[];
        }
        let (padding, data) = match self.payload.split_first() {
            Some((padding, data)) if self.flags & PADDED != 0 => (usize::from(*padding), data),
            _ => (0, self.payload.as_slice()),
        };
        data.get(..data.len().saturating_sub(padding)).unwrap_or_default()
    }
}

fn read_exact(
    stream: &mut UnixStream,
    mut into: &mut [u8],
    deadline: Instant,
) -> std::io::Result<()> {
    while !into.is_empty() {
        stream.set_read_timeout(Some(left(deadline)?))?;
        let count = match stream.read(into) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        into = into.get_mut(count..).unwrap_or_default();
    }
    Ok(())
}

/// The one message of a body, if it is there whole and not compressed.
fn message(body: &[u8]) -> Option<&[u8]> {
    let (prefix, message) = body.split_at_checked(PREFIX_BYTES)?;
    let (compressed, length) = prefix.split_first()?;
    let length = u32::from_be_bytes(length.try_into().ok()?);
    (*compressed == 0).then(|| message.get(..usize::try_from(length).ok()?))?
}
