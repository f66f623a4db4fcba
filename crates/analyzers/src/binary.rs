//! Numbers at offsets of bytes that may lie: every look is checked, none can panic.

/// Which end of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Big,
    Little,
}

impl Order {
    pub(crate) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let raw = slice(bytes, at, 2)?.try_into().ok()?;
        Some(match self {
            Self::Big => u16::from_be_bytes(raw),
            Self::Little => u16::from_le_bytes(raw),
        })
    }

    pub(crate) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let raw = slice(bytes, at, 4)?.try_into().ok()?;
        Some(match self {
            Self::Big => u32::from_be_bytes(raw),
            Self::Little => u32::from_le_bytes(raw),
        })
    }

    pub(crate) fn u64(self, bytes: &[u8], at: usize) -> Option<u64> {
        let raw = slice(bytes, at, 8)?.try_into().ok()?;
        Some(match self {
            Self::Big => u64::from_be_bytes(raw),
            Self::Little => u64::from_le_bytes(raw),
        })
    }

    /// A 32-bit number that is an offset, a length or a count.
    pub(crate) fn size(self, bytes: &[u8], at: usize) -> Option<usize> {
        usize::try_from(self.u32(bytes, at)?).ok()
    }
}

/// `length` bytes from `at` on, if there are so many.
pub(crate) fn slice(bytes: &[u8], at: usize, length: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(length)?)
}

/// The page with the given number, counted from `first`, which lies at the beginning.
pub(crate) fn page(bytes: &[u8], number: u32, first: u32, size: usize) -> Option<&[u8]> {
    let index = usize::try_from(number.checked_sub(first)?).ok()?;
    slice(bytes, index.checked_mul(size)?, size)
}

/// Which pages were seen: a chain or tree that comes back to one of them is a loop.
pub(crate) struct Seen {
    pages: Vec<bool>,
}

impl Seen {
    /// For a file of `length` bytes in pages of `page_size`.
    pub(crate) fn new(length: usize, page_size: usize) -> Self {
        let pages = length.checked_div(page_size).map_or(0, |pages| pages.saturating_add(2));
        Self { pages: vec![false; pages] }
    }

    /// Marks a page; false if it was marked before or lies outside of the file.
    pub(crate) fn mark(&mut self, number: u32) -> bool {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        match self.pages.get_mut(index) {
            Some(seen) => !std::mem::replace(seen, true),
            None => false,
        }
    }
}
