//! What a client says before the body of its request: what is taken, and what is refused and why.

/// Names and values of a request are less than 1 KiB, but for a token.
const HEAD_BYTES_MAX: usize = 16 << 10;
const HEADERS_MAX: usize = 64;

/// What a request is, without its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// Where the body begins.
    pub(crate) end: usize,
    /// Bytes of the body.
    pub(crate) length: usize,
    pub(crate) authorization: Option<Vec<u8>>,
    /// The client waits for a word before it sends the body.
    pub(crate) waits: bool,
    /// It wants no further answer.
    pub(crate) closes: bool,
}

/// A status that is no success, and why.
pub(crate) type Refusal = (u16, &'static str);

/// None while the head is not whole.
pub(crate) fn read(bytes: &[u8]) -> Result<Option<Head>, Refusal> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let end = match request.parse(bytes) {
        Ok(httparse::Status::Complete(end)) => end,
        Ok(httparse::Status::Partial) if bytes.len() >= HEAD_BYTES_MAX => {
            return Err((431, "the headers are too long"));
        }
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err((431, "there are too many headers")),
        Err(_) => return Err((400, "it is no HTTP request")),
    };
    let mut head = Head { end, closes: request.version == Some(0), ..Head::default() };
    let (mut length, mut is_json) = (None, false);
    for header in request.headers.iter() {
        let value = header.value.trim_ascii();
        match header.name.to_ascii_lowercase().as_str() {
            "content-length" if length.is_some() => return Err((400, "it has two lengths")),
            "content-length" => length = Some(number(value).ok_or((400, "its length is none"))?),
            "transfer-encoding" => return Err((411, "the length has to be said")),
            "content-encoding" => return Err((415, "the body has to be plain")),
            "content-type" => is_json = is_of_json(value),
            "authorization" => head.authorization = Some(value.to_vec()),
            "expect" => head.waits = value.eq_ignore_ascii_case(b"100-continue"),
            "connection" => head.closes |= value.eq_ignore_ascii_case(b"close"),
            _ => {}
        }
    }
    if request.method != Some("POST") {
        return Err((405, "audit records are posted"));
    }
    // A page in a browser can post anything else to where it could not read.
    if !is_json {
        return Err((415, "audit records are application/json"));
    }
    head.length = length.ok_or((411, "the length has to be said"))?;
    Ok(Some(head))
}

/// Digits alone: what else numbers may be written with, servers differ on.
fn number(value: &[u8]) -> Option<usize> {
    let is_plain = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    is_plain.then(|| core::str::from_utf8(value).ok()?.parse().ok()).flatten()
}

fn is_of_json(value: &[u8]) -> bool {
    let kind = value.split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = "POST / HTTP/1.1\r\nContent-Type: application/json; charset=utf-8\r\n";

    #[test]
    fn a_request_is_read_or_refused() {
        for (text, status) in [
            ("GET / HTTP/1.1\r\n\r\n".to_owned(), 405),
            ("POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n".to_owned(), 415),
            (format!("{JSON}\r\n"), 411),
            (format!("{JSON}Transfer-Encoding: chunked\r\n\r\n"), 411),
            (format!("{JSON}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), 411),
            (format!("{JSON}Content-Length: 1\r\nContent-Length: 1\r\n\r\n"), 400),
            (format!("{JSON}Content-Length: +1\r\n\r\n"), 400),
            (format!("{JSON}Content-Length: 99999999999999999999999\r\n\r\n"), 400),
            (format!("{JSON}Content-Length: 1\r\nContent-Encoding: gzip\r\n\r\n"), 415),
            ("\x16\x03\x01\x02".to_owned(), 400),
            ("SSH-2.0-x\r\n\r\n".to_owned(), 400),
            (format!("{JSON}{}", "a: b\r\n".repeat(100)), 431),
            (format!("{JSON}a: {}", "b".repeat(HEAD_BYTES_MAX)), 431),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap_err().0, status, "{text:.200}");
        }
        assert_eq!(read(JSON.as_bytes()), Ok(None));
        let text = format!(
            "{JSON}Content-Length: 7\r\nAuthorization: Bearer x\r\nExpect: 100-continue\r\n\
             Connection: close\r\n\r\nbody"
        );
        let head = read(text.as_bytes()).unwrap().unwrap();
        let authorization = Some(b"Bearer x".to_vec());
        let end = text.len() - 4;
        assert_eq!(head, Head { end, length: 7, authorization, waits: true, closes: true });
    }
}
