//! Names of domains, found by whatever of them a name ends with.
//!
//! A name is hashed from its last byte to its first, so that one walk has the hash of every domain above
//! it. What falls into the same place is sorted: who writes a list of names with equal hashes makes
//! look-ups slower by its logarithm, and no more.

use crate::indicator::Entry;
use crate::text::NAME_BYTES_MAX;

/// What is known of an entry beside its text.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// Where its text begins.
    at: u32,
    length: u8,
    below_only: bool,
    list: u16,
    until: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Names {
    texts: String,
    /// By place, length, then text.
    entries: Vec<Known>,
    /// Where each place begins in the entries, and where the last one ends.
    places: Vec<u32>,
    /// How many bits of a hash do not name a place.
    shift: u32,
}

/// An entry that a name is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found<'n> {
    pub(crate) domain: &'n str,
    pub(crate) below_only: bool,
    pub(crate) list: u16,
}

/// A name of a list.
pub(crate) struct Name {
    pub(crate) entry: Entry<Box<str>>,
    pub(crate) below_only: bool,
    pub(crate) list: u16,
}

/// FNV-1a, from the last byte to the first.
#[derive(Clone, Copy)]
struct Hash(u64);

impl Hash {
    const NOTHING: Self = Self(0xcbf2_9ce4_8422_2325);

    fn with(self, byte: u8) -> Self {
        Self((self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }

    fn of(name: &str) -> Self {
        name.bytes().rev().fold(Self::NOTHING, Self::with)
    }

    /// Its last step reaches the upper bits too little.
    fn place(self, shift: u32) -> usize {
        let mixed = (self.0 ^ self.0 >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        usize::try_from(mixed.checked_shr(shift).unwrap_or(0)).unwrap_or(usize::MAX)
    }
}

impl Names {
    /// Of an entry that several lists have, the first that counts for longest stays.
    pub(crate) fn new(names: Vec<Name>) -> Self {
        // An entry a place, or less.
        let bits = names.len().next_power_of_two().ilog2().max(1);
        let shift = 64 - bits;
        let placed = names.into_iter().map(|name| (Hash::of(&name.entry.value).place(shift), name));
        let mut placed: Vec<(usize, Name)> = placed.collect();
        // Sorting keeps the order of lists.
        placed.sort_by(|(a, left), (b, right)| {
            let length = || left.entry.value.len().cmp(&right.entry.value.len());
            let text = || left.entry.value.cmp(&right.entry.value);
            let kind = || left.below_only.cmp(&right.below_only);
            let until = || right.entry.until.cmp(&left.entry.until);
            a.cmp(b).then_with(length).then_with(text).then_with(kind).then_with(until)
        });
        placed.dedup_by(|(_, next), (_, name)| {
            next.entry.value == name.entry.value && next.below_only == name.below_only
        });
        let bytes = placed.iter().map(|(_, name)| name.entry.value.len()).sum();
        let mut texts = String::with_capacity(bytes);
        let mut entries: Vec<Known> = Vec::with_capacity(placed.len());
        let mut places = vec![0; (1 << bits) + 1];
        for (place, Name { entry, below_only, list }) in placed {
            let Entry { value, until } = entry;
            let length = u8::try_from(value.len());
            let (Ok(at), Ok(length)) = (u32::try_from(texts.len()), length) else { continue };
            if let Some(end) = places.get_mut(place + 1) {
                *end += 1;
            }
            texts.push_str(&value);
            entries.push(Known { at, length, below_only, list, until });
        }
        let mut before = 0;
        for place in &mut places {
            before += *place;
            *place = before;
        }
        Self { texts, entries, places, shift }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// What the texts and tables take.
    pub(crate) fn bytes(&self) -> usize {
        self.texts.capacity()
            + self.entries.capacity() * size_of::<Known>()
            + self.places.capacity() * size_of::<u32>()
    }

    /// The closest domain above a name, or itself, that counts at a time.
    pub(crate) fn find(&self, name: &[u8], now: u32) -> Option<Found<'_>> {
        if self.entries.is_empty() {
            return None;
        }
        let name = name.strip_suffix(b".").unwrap_or(name);
        if name.len() > NAME_BYTES_MAX {
            return None;
        }
        let mut lower = [0; NAME_BYTES_MAX];
        let lower = lower.get_mut(..name.len())?;
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        let mut hash = Hash::NOTHING;
        let mut closest = None;
        for (at, byte) in lower.iter().enumerate().rev() {
            hash = hash.with(*byte);
            let is_whole = at == 0;
            let begins = is_whole || lower.get(at - 1) == Some(&b'.');
            if let Some(domain) = lower.get(at..).filter(|_| begins && *byte != b'.') {
                closest = self.at(hash, domain, is_whole, now).or(closest);
            }
        }
        closest
    }

    /// Most of what shares a place is of another length, which spares a look at its text.
    fn at(&self, hash: Hash, domain: &[u8], is_whole: bool, now: u32) -> Option<Found<'_>> {
        let place = hash.place(self.shift);
        let bound = |place: usize| usize::try_from(*self.places.get(place)?).ok();
        let entries = self.entries.get(bound(place)?..bound(place + 1)?)?;
        let order = |known: &Known| {
            let length = usize::from(known.length).cmp(&domain.len());
            length.then_with(|| self.text(known).as_bytes().cmp(domain))
        };
        let first = entries.partition_point(|known| order(known).is_lt());
        let same = entries.iter().skip(first).take_while(|known| order(known).is_eq());
        let mut counting = same.filter(|it| now <= it.until && !(is_whole && it.below_only));
        let known = counting.next()?;
        let Known { below_only, list, .. } = *known;
        Some(Found { domain: self.text(known), below_only, list })
    }

    fn text(&self, known: &Known) -> &str {
        let at = usize::try_from(known.at).unwrap_or(usize::MAX);
        self.texts.get(at..at.saturating_add(known.length.into())).unwrap_or_default()
    }
}
