//! Addresses and networks, found by an address in them: the smallest that counts.
//!
//! Two networks are apart or one is in the other. So the last that begins at or before an address is in
//! every network that the address is in, or is one itself: one search, then from each network to the one
//! around it.

use core::cmp::Reverse;

/// A network from its first to its last address, and whose it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range<A> {
    pub(crate) first: A,
    pub(crate) last: A,
    pub(crate) prefix: u8,
    pub(crate) list: u16,
    pub(crate) until: u32,
}

/// What is known of a network beside where it begins.
#[derive(Clone, Copy, Debug)]
struct Known<A> {
    last: A,
    /// The network around it.
    around: Option<core::num::NonZero<u32>>,
    prefix: u8,
    list: u16,
    until: u32,
}

/// How many networks one step of the first search is over: what is left of them is a few lines of memory.
const STRIDE: usize = 64;

/// The addresses are numbers of 32 or of 128 bits.
#[derive(Debug)]
pub(crate) struct Networks<A> {
    /// Alone, so that the search touches few lines of memory.
    first: Vec<A>,
    /// The first of each stride, which stay near the processor.
    strides: Vec<A>,
    known: Vec<Known<A>>,
}

impl<A> Default for Networks<A> {
    fn default() -> Self {
        Self { first: Vec::new(), strides: Vec::new(), known: Vec::new() }
    }
}

impl<A: Copy + Ord> Networks<A> {
    /// Of a network that several lists have, the first that counts for longest stays.
    pub(crate) fn new(mut ranges: Vec<Range<A>>) -> Self {
        ranges.sort_by_key(|it| (it.first, Reverse(it.last), Reverse(it.until)));
        ranges.dedup_by_key(|it| (it.first, it.last));
        let mut networks = Self {
            first: ranges.iter().map(|it| it.first).collect(),
            strides: ranges.iter().step_by(STRIDE).map(|it| it.first).collect(),
            known: Vec::with_capacity(ranges.len()),
        };
        let mut open: Vec<u32> = Vec::new();
        for (number, range) in (1..).zip(ranges) {
            let Range { first, last, prefix, list, until } = range;
            while open.last().is_some_and(|it| networks.nth(*it).is_none_or(|it| it.last < first)) {
                open.pop();
            }
            let around = open.last().copied().and_then(core::num::NonZero::new);
            networks.known.push(Known { last, around, prefix, list, until });
            open.push(number);
        }
        networks
    }

    pub(crate) fn len(&self) -> usize {
        self.first.len()
    }

    /// What the tables take.
    pub(crate) fn bytes(&self) -> usize {
        (self.first.capacity() + self.strides.capacity()) * size_of::<A>()
            + self.known.capacity() * size_of::<Known<A>>()
    }

    /// The smallest network around an address that counts at a time: its prefix and its list.
    pub(crate) fn find(&self, address: A, now: u32) -> Option<(u8, u16)> {
        let mut candidate = self.nth(u32::try_from(self.up_to(address)).ok()?);
        while let Some(known) = candidate {
            if address <= known.last && now <= known.until {
                return Some((known.prefix, known.list));
            }
            candidate = known.around.and_then(|around| self.nth(around.get()));
        }
        None
    }

    /// How many networks begin at or before an address.
    fn up_to(&self, address: A) -> usize {
        let strides = self.strides.partition_point(|first| *first <= address);
        let begin = strides.saturating_sub(1) * STRIDE;
        let end = self.first.len().min(begin + STRIDE);
        let stride = self.first.get(begin..end).unwrap_or_default();
        begin + stride.partition_point(|first| *first <= address)
    }

    /// Counted from 1.
    fn nth(&self, number: u32) -> Option<&Known<A>> {
        self.known.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: u32, size: u32, list: u16, until: u32) -> Range<u32> {
        Range { first, last: first + size - 1, prefix: 0, list, until }
    }

    /// Against asking each in turn, for every address of a small space.
    #[test]
    fn the_smallest_network_is_found() {
        let mut seed = 1_u32;
        let mut random = |below: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) % below
        };
        for _ in 0..100 {
            let ranges: Vec<Range<u32>> = (0..random(200))
                .map(|list| {
                    let size = 1 << random(7);
                    range(random(256) / size * size, size, u16::try_from(list).unwrap(), random(4))
                })
                .collect();
            let networks = Networks::new(ranges.clone());
            for address in 0..256 {
                for now in 0..4 {
                    let holding = ranges
                        .iter()
                        .filter(|it| (it.first..=it.last).contains(&address) && now <= it.until);
                    let wanted =
                        holding.min_by_key(|it| (it.last - it.first, Reverse(it.until), it.list));
                    let found = networks.find(address, now).map(|(_, list)| list);
                    assert_eq!(found, wanted.map(|it| it.list), "{address} at {now}: {ranges:?}");
                }
            }
        }
    }
}
