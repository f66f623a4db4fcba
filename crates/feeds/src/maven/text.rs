//! Java's modified UTF-8 (`java.io.DataInput`): NUL in two bytes, and what is beyond U+FFFF as two
//! surrogates of three bytes each.

/// The text; None if the bytes are none.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    if bytes.is_ascii() {
        return std::str::from_utf8(bytes).ok().map(str::to_owned);
    }
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, after)) = rest.split_first() {
        let (unit, after) = match (first >> 4, after) {
            (0..=7, after) => (u16::from(first), after),
            (0xc | 0xd, [second, after @ ..]) => {
                (u16::from(first & 0x1f) << 6 | tail(*second)?, after)
            }
            (0xe, [second, third, after @ ..]) => {
                let high = u16::from(first & 0xf) << 12;
                (high | tail(*second)? << 6 | tail(*third)?, after)
            }
            _ => return None,
        };
        units.push(unit);
        rest = after;
    }
    String::from_utf16(&units).ok()
}

/// The six bits of a byte that goes on.
fn tail(byte: u8) -> Option<u16> {
    (byte & 0xc0 == 0x80).then_some(u16::from(byte & 0x3f))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_java_writes_them() {
        let cases: [(&[u8], Option<&str>); 12] = [
            (b"", Some("")),
            (b"org.example", Some("org.example")),
            (b"a\xc0\x80b", Some("a\0b")),
            (b"\xc3\xa9", Some("é")),
            (b"\xe2\x82\xac", Some("€")),
            (b"\xed\xa0\xbd\xed\xb8\x80", Some("😀")),
            // A surrogate alone, UTF-8 of four bytes, and what is cut.
            (b"\xed\xa0\xbd", None),
            (b"\xf0\x9f\x98\x80", None),
            (b"\xc3", None),
            (b"\xe2\x82", None),
            (b"\x80", None),
            (b"\xc3a", None),
        ];
        for (bytes, text) in cases {
            assert_eq!(decode(bytes).as_deref(), text, "{bytes:?}");
        }
    }
}
