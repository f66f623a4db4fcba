//! One header block: ustar, GNU, STAR and the nameless format before them (POSIX pax, "ustar
//! Interchange Format"; GNU tar manual, "Basic Tar Format").

/// Everything in a tar comes in blocks of so many bytes.
pub(crate) const BLOCK: usize = 512;

/// A header block whose checksum is right.
pub(crate) struct Header<'a> {
    block: &'a [u8; BLOCK],
}

/// What a block at a header's place turned out to be.
pub(crate) enum Parsed<'a> {
    /// All zeros: the first half of the end marker.
    Zero,
    Header(Header<'a>),
    /// Neither.
    BadChecksum,
}

pub(crate) fn parse(block: &[u8; BLOCK]) -> Parsed<'_> {
    let header = Header { block };
    let field = header.field(148, 8);
    let Some(claimed) = octal(field) else { return Parsed::BadChecksum };
    // The field itself counts as blanks.
    let blanks = 8 * u64::from(b' ');
    let unsigned = |bytes: &[u8]| bytes.iter().map(|&byte| u32::from(byte)).sum::<u32>();
    let sum = u64::from(unsigned(block) - unsigned(field));
    if sum == 0 && claimed == 0 {
        return Parsed::Zero;
    }
    if claimed == sum + blanks {
        return Parsed::Header(header);
    }
    // Some old writers summed signed bytes: each beyond 127 is 256 less.
    let high = |bytes: &[u8]| bytes.iter().filter(|byte| **byte > 127).count() as u64;
    if claimed + 256 * (high(block) - high(field)) == sum + blanks {
        return Parsed::Header(header);
    }
    Parsed::BadChecksum
}

impl<'a> Header<'a> {
    pub(crate) fn kind(&self) -> u8 {
        self.block[156]
    }

    /// The path with its prefix, where the format has one.
    pub(crate) fn path(&self) -> Vec<u8> {
        let prefix = match (self.field(257, 8), self.field(508, 4)) {
            ([b'u', b's', b't', b'a', b'r', 0, ..], b"tar\0") => text(self.field(345, 131)),
            ([b'u', b's', b't', b'a', b'r', 0, ..], _) => text(self.field(345, 155)),
            (b"ustar  \0", _) => self.gnu_prefix(),
            _ => b"",
        };
        let name = text(self.field(0, 100));
        if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
    }

    /// GNU's format has times of access and change there. Go once wrote a prefix over them, so that
    /// its reader takes what is no time for one (`archive/tar`, `readHeader`).
    fn gnu_prefix(&self) -> &'a [u8] {
        let is_time = |at| match self.field(at, 12) {
            [0, ..] => true,
            field => is_time(field),
        };
        let prefix = text(self.field(345, 155));
        if is_time(345) && is_time(357) || !prefix.is_ascii() { b"" } else { prefix }
    }

    pub(crate) fn link(&self) -> &'a [u8] {
        text(self.field(157, 100))
    }

    /// Permission bits. A field that is no number counts as 0: it decides nothing about where
    /// the next header is.
    pub(crate) fn mode(&self) -> u32 {
        low_bits(self.field(100, 8)) & 0o7777
    }

    pub(crate) fn uid(&self) -> u32 {
        low_bits(self.field(108, 8))
    }

    pub(crate) fn gid(&self) -> u32 {
        low_bits(self.field(116, 8))
    }

    /// The bytes that follow; None if the field is no number, or a negative one.
    pub(crate) fn size(&self) -> Option<u64> {
        number(self.field(124, 12))
    }

    /// The four sparse segments of an old GNU header, raw.
    pub(crate) fn sparse_segments(&self) -> &'a [u8] {
        self.field(386, 96)
    }

    /// Whether blocks with more sparse segments follow.
    pub(crate) fn sparse_continues(&self) -> bool {
        self.block[482] != 0
    }

    /// The size of a sparse file with its holes.
    pub(crate) fn sparse_size(&self) -> Option<u64> {
        number(self.field(483, 12))
    }

    fn field(&self, at: usize, length: usize) -> &'a [u8] {
        self.block.get(at..at + length).unwrap_or_default()
    }
}

/// Bytes up to the first NUL.
pub(crate) fn text(field: &[u8]) -> &[u8] {
    field.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// Octal digits, or GNU's base-256 where the first bit is set; None for anything else, negative
/// numbers and what 64 bits do not hold.
pub(crate) fn number(field: &[u8]) -> Option<u64> {
    match field {
        [first, rest @ ..] if first & 0x80 != 0 => {
            let negative = first & 0x40 != 0;
            let start = u64::from(first & 0x3f);
            let value = rest.iter().try_fold(start, |value, &byte| {
                (value >> 56 == 0).then_some(value << 8 | u64::from(byte))
            });
            value.filter(|_| !negative)
        }
        _ => octal(field),
    }
}

/// Whether Go reads a field as a time: without blanks at its ends, it is octal digits up to the
/// first NUL (twelve at most, which 64 bits hold), or it is a signed number of base 256.
fn is_time(field: &[u8]) -> bool {
    match field {
        [first, rest @ ..] if first & 0x80 != 0 => {
            let inversion = if first & 0x40 != 0 { 0xff } else { 0 };
            let start = u64::from((first ^ inversion) & 0x7f);
            let value = rest.iter().try_fold(start, |value, &byte| {
                (value >> 56 == 0).then_some(value << 8 | u64::from(byte ^ inversion))
            });
            value.is_some_and(|value| value >> 63 == 0)
        }
        _ => {
            let blank = |byte: &u8| matches!(byte, b' ' | 0);
            let start = field.iter().position(|byte| !blank(byte)).unwrap_or(field.len());
            let end = field.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
            let digits = text(field.get(start..end).unwrap_or_default());
            digits.iter().all(|digit| matches!(digit, b'0'..=b'7'))
        }
    }
}

/// Octal digits between blanks and NULs; none at all are 0.
fn octal(field: &[u8]) -> Option<u64> {
    let blank = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field.iter().position(|byte| !blank(byte)).unwrap_or(field.len());
    let digits = field.get(start..).unwrap_or_default();
    let end = digits.iter().position(blank).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    if !rest.iter().all(blank) {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, &digit| {
        let digit = u64::from(digit.checked_sub(b'0').filter(|digit| *digit < 8)?);
        value.checked_mul(8)?.checked_add(digit)
    })
}

/// An id or a mode, whose upper bits nobody has: GNU tar writes -2 for `nobody` in base-256.
fn low_bits(field: &[u8]) -> u32 {
    match field {
        [first, .., a, b, c, d] if first & 0x80 != 0 => u32::from_be_bytes([*a, *b, *c, *d]),
        _ => octal(field).map_or(0, |value| u32::try_from(value).unwrap_or(u32::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_base_256() {
        let cases: [(&[u8], Option<u64>); 11] = [
            (b"0000644\0", Some(0o644)),
            (b"  644 \0\0", Some(0o644)),
            (b"\0\0\0\0", Some(0)),
            (b"77777777777\0", Some(0o77_777_777_777)),
            (b"\x80\0\0\0\0\0\0\x02\0\0\0\0", Some(0x2_0000_0000)),
            (b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", Some(u64::MAX)),
            (b"\x80\0\0\x01\0\0\0\0\0\0\0\0", None),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", None),
            (b"0000888\0", None),
            (b"12 34\0", None),
            (b"-1\0", None),
        ];
        for (field, value) in cases {
            assert_eq!(number(field), value, "{field:?}");
        }
        assert_eq!(low_bits(b"\xff\xff\xff\xff\xff\xff\xff\xfe"), 0xffff_fffe);
    }

    #[test]
    fn a_checksum_may_be_signed_and_must_be_right() {
        let mut block = testkit::Header::file("a", 0).block();
        assert!(matches!(parse(&block), Parsed::Header(_)));
        block[0] = b'b';
        assert!(matches!(parse(&block), Parsed::BadChecksum));
        assert!(matches!(parse(&[0; BLOCK]), Parsed::Zero));
        let mut block =
            testkit::Header { name: b"\xc3".to_vec(), ..testkit::Header::file("", 0) }.block();
        let unsigned = number(&block[148..156]).unwrap();
        block[148..156].copy_from_slice(format!("{:06o}\0 ", unsigned - 256).as_bytes());
        assert!(matches!(parse(&block), Parsed::Header(_)));
    }
}
