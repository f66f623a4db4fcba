//! The alphabet of a segment: variable-length integers, strings and lists in a row of bytes.
//!
//! Writing never fails; reading trusts nothing: every length is held against the bytes that are
//! left, and everything that takes memory is charged to a budget, so that no record can make its
//! reader allocate more than [`BUDGET`].

/// Most memory that decoding one value (a package's advisories, one vulnerability's details) may
/// take. The largest real one, the Linux kernel in a long-lived distribution, takes 5 MB.
pub(crate) const BUDGET: usize = 64 << 20;

/// Why bytes are not what they should be: a lower-case fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

const CUT_OFF: Malformed = Malformed("a record is cut off");
const OVER_BUDGET: Malformed = Malformed("a record takes more memory than any may");

/// LEB128: seven bits a byte, the lowest first.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

pub(crate) fn put_length(out: &mut Vec<u8>, length: usize) {
    put_varint(out, length as u64);
}

pub(crate) fn put_str(out: &mut Vec<u8>, text: &str) {
    put_length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

pub(crate) fn put_list<'a>(out: &mut Vec<u8>, texts: impl ExactSizeIterator<Item = &'a String>) {
    put_length(out, texts.len());
    texts.for_each(|text| put_str(out, text));
}

/// Absent is 0; else the length plus one, and the text.
pub(crate) fn put_option(out: &mut Vec<u8>, text: Option<&str>) {
    let Some(text) = text else { return out.push(0) };
    put_varint(out, (text.len() as u64).saturating_add(1));
    out.extend_from_slice(text.as_bytes());
}

/// A decimal number with few places: `value * scale` doubled, where that loses nothing; else 1
/// and the eight bytes of the number. Reading gives back exactly what was written.
pub(crate) fn put_decimal(out: &mut Vec<u8>, value: f64, scale: f64) {
    /// Integers below are exact in a double, with room for doubling.
    const EXACT: f64 = (1_u64 << 50) as f64;
    let scaled = (value * scale).round();
    let whole = scaled.is_sign_positive() && scaled < EXACT;
    let exact = whole && (scaled / scale).to_bits() == value.to_bits();
    if !exact {
        out.push(1);
        out.extend_from_slice(&value.to_le_bytes());
        return;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number between 0 and 2^50"
    )]
    put_varint(out, (scaled as u64) << 1);
}

/// Reads a row of bytes from its front.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    budget: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, budget: BUDGET }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are left.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// The budget that is left, to measure what decoding took.
    pub(crate) fn budget(&self) -> usize {
        self.budget
    }

    /// Notes that so many bytes of memory are about to be taken.
    pub(crate) fn charge(&mut self, memory: usize) -> Result<(), Malformed> {
        self.budget = self.budget.checked_sub(memory).ok_or(OVER_BUDGET)?;
        Ok(())
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(CUT_OFF)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.rest.split_first().ok_or(CUT_OFF)?;
        self.rest = rest;
        Ok(*first)
    }

    pub(crate) fn eight(&mut self) -> Result<[u8; 8], Malformed> {
        let (eight, rest) = self.rest.split_first_chunk().ok_or(CUT_OFF)?;
        self.rest = rest;
        Ok(*eight)
    }

    pub(crate) fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if (bits << shift) >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed("a number has more than 64 bits"))
    }

    /// A count or length of things that take at least one byte each.
    pub(crate) fn length(&mut self) -> Result<usize, Malformed> {
        let length = self.size()?;
        if length > self.rest.len() { Err(CUT_OFF) } else { Ok(length) }
    }

    /// A number that may be larger than what is left.
    pub(crate) fn size(&mut self) -> Result<usize, Malformed> {
        usize::try_from(self.varint()?).ok().ok_or(CUT_OFF)
    }

    pub(crate) fn string(&mut self) -> Result<String, Malformed> {
        let length = self.length()?;
        self.text(length)
    }

    /// A text of so many bytes.
    pub(crate) fn text(&mut self, length: usize) -> Result<String, Malformed> {
        self.charge(size_of::<String>().saturating_add(length))?;
        let text = std::str::from_utf8(self.take(length)?);
        text.map(str::to_owned).ok().ok_or(Malformed("a text is not UTF-8"))
    }

    pub(crate) fn list(&mut self) -> Result<Vec<String>, Malformed> {
        (0..self.length()?).map(|_| self.string()).collect()
    }

    pub(crate) fn option(&mut self) -> Result<Option<String>, Malformed> {
        match self.size()?.checked_sub(1) {
            None => Ok(None),
            Some(length) => self.text(length).map(Some),
        }
    }

    pub(crate) fn decimal(&mut self, scale: f64) -> Result<f64, Malformed> {
        let value = self.varint()?;
        if value == 1 {
            return self.eight().map(f64::from_le_bytes);
        }
        #[expect(clippy::cast_precision_loss, reason = "the writer keeps to exact numbers")]
        let scaled = (value >> 1) as f64;
        Ok(scaled / scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_exactly() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            let mut cursor = Cursor::new(&out);
            assert_eq!((cursor.varint(), cursor.is_empty()), (Ok(value), true));
        }
        let odd = [f64::NAN, f64::INFINITY, -0.0, -1.5, 1e300, 0.1 + 0.2, f64::MIN_POSITIVE];
        for value in [0.0, 0.03351, 0.8765, 1.0, 9.8, 10.0].into_iter().chain(odd) {
            let mut out = Vec::new();
            put_decimal(&mut out, value, 100_000.0);
            let read = Cursor::new(&out).decimal(100_000.0);
            assert_eq!(read.map(f64::to_bits), Ok(value.to_bits()), "{value}");
        }
    }

    #[test]
    fn lies_about_length_are_refused() {
        let cut_off: [&[u8]; 4] = [&[], &[0x80], &[5, b'a'], &[0xff, 0xff, 0xff, 0xff, 0x0f]];
        for bytes in cut_off {
            assert_eq!(Cursor::new(bytes).string(), Err(CUT_OFF), "{bytes:?}");
            assert_eq!(Cursor::new(bytes).list(), Err(CUT_OFF), "{bytes:?}");
        }
        assert!(Cursor::new(&[0xff; 11]).varint().is_err());
        assert!(Cursor::new(&[1, 0xff]).string().is_err());
        let empty_strings = vec![0; BUDGET / size_of::<String>() + 10];
        let mut list = Vec::new();
        put_length(&mut list, empty_strings.len());
        list.extend(empty_strings);
        assert_eq!(Cursor::new(&list).list(), Err(OVER_BUDGET));
    }
}
