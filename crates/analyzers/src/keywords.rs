//! Where key words stand, in any case: a look at every second three bytes, and only where these are
//! of a key word, one at the word.
//!
//! Secrets are looked for around key words, and rules for malware are asked only about files that
//! hold what they need (`malware/gate.rs`).
//!
//! An automaton of all key words is larger than a processor's first cache, which makes it wait at
//! every byte. Here a table of 8 KiB says of three bytes whether any key word has them. A word of
//! four bytes or more is in it with the two rarest threes that follow each other, one of which is
//! looked at wherever the word stands.

/// Bits of a hash of three bytes: few enough that a bit for each fits the first cache, many enough
/// that few are taken.
const HASH_BITS: u32 = 16;
const HASHES: usize = 1 << HASH_BITS;

/// How many bytes are hashed together.
const GRAM: usize = 3;

/// Bytes that may follow a key word of three, which has but one three of its own: the second is
/// made with each of these.
const FOLLOWING: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789_-";

/// Pairs of bytes that are frequent in prose and in code.
const FREQUENT: &[u8] = b"thheineranreonatendtiesorteofedisitalarsttontngsehaasouiolevecomedehiri\
    roicneearaceliichllbemasiomurgedelspeelexexpaulutunamnoadigetieseccttrsuiabblabfomopopr\
    preqquuinteyaycessssekeyeyssassdoduullltyifodndwhfrokacdhosavdibjectiptepsagshwe--//==";

/// Key words, ready to be found.
pub(crate) struct Keywords {
    words: Vec<Box<[u8]>>,
    /// A bit for each hash.
    known: Box<[u64; HASHES / 64]>,
    /// For each hash the first of its `places`.
    first: Vec<u16>,
    /// The hashes of words, sorted.
    places: Vec<Place>,
}

/// Three bytes of a word.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    hash: usize,
    word: usize,
    /// How far into the word they are.
    offset: usize,
    /// The first eight bytes of the word, in small letters, and a mask of how many it has: one
    /// comparison tells most other words from it.
    begin: u64,
    mask: u64,
}

impl Keywords {
    /// Every word has three bytes at least, and there are some thousands at most: a test says so.
    pub(crate) fn new<W: AsRef<[u8]>>(words: &[W]) -> Self {
        let words: Vec<Box<[u8]>> = words.iter().map(|word| word.as_ref().into()).collect();
        let mut places: Vec<Place> =
            words.iter().enumerate().flat_map(|(word, text)| places(word, text)).collect();
        places.sort_unstable();
        let mut known = Box::new([0_u64; HASHES / 64]);
        for place in &places {
            if let Some(bits) = known.get_mut(place.hash >> 6) {
                *bits |= 1 << (place.hash & 63);
            }
        }
        let mut first = vec![0; HASHES];
        let mut before = None;
        for (position, place) in (0_u16..).zip(&places) {
            if let Some(first) = first.get_mut(place.hash).filter(|_| before != Some(place.hash)) {
                *first = position;
            }
            before = Some(place.hash);
        }
        Self { words, known, first, places }
    }

    /// Calls `found` with the number of the word, where it begins and where it ends, until that
    /// says no. Words come about in order: none is earlier than one before it by more than their
    /// lengths.
    pub(crate) fn find(&self, bytes: &[u8], mut found: impl FnMut(usize, usize, usize) -> bool) {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| rest.len() >= GRAM) {
            if !self.block_at(bytes, at, hashes(block(rest)), &mut found) {
                return;
            }
            at = self.next_known(bytes, at.saturating_add(2 * BLOCK_HASHES));
        }
    }

    /// Where the next whole block with a known hash is, or the last one that is not whole.
    #[inline(never)]
    fn next_known(&self, bytes: &[u8], mut at: usize) -> usize {
        while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
            if hashes(u64::from_le_bytes(*block)).iter().any(|&hash| self.knows(hash)) {
                break;
            }
            at = at.saturating_add(2 * BLOCK_HASHES);
        }
        at
    }

    #[inline(never)]
    fn block_at(
        &self,
        bytes: &[u8],
        at: usize,
        hashes: [usize; BLOCK_HASHES],
        found: &mut impl FnMut(usize, usize, usize) -> bool,
    ) -> bool {
        let mut places = hashes.into_iter().zip((at..).step_by(2));
        places.all(|(hash, at)| !self.knows(hash) || self.words_at(bytes, at, hash, found))
    }

    fn knows(&self, hash: usize) -> bool {
        self.known.get(hash >> 6).is_some_and(|bits| bits >> (hash & 63) & 1 == 1)
    }

    fn words_at(
        &self,
        bytes: &[u8],
        at: usize,
        hash: usize,
        found: &mut impl FnMut(usize, usize, usize) -> bool,
    ) -> bool {
        let first = self.first.get(hash).map_or(0, |&first| usize::from(first));
        let places = self.places.get(first..).unwrap_or_default();
        for place in places.iter().take_while(|place| place.hash == hash) {
            let word = self.words.get(place.word).zip(at.checked_sub(place.offset));
            let Some((word, begin)) = word else { continue };
            let there = block(bytes.get(begin..).unwrap_or_default());
            if (there | ANY_CASE) & place.mask != place.begin {
                continue;
            }
            let end = begin.saturating_add(word.len());
            let stands = |there: &[u8]| there.eq_ignore_ascii_case(word);
            if bytes.get(begin..end).is_some_and(stands) && !found(place.word, begin, end) {
                return false;
            }
        }
        true
    }
}

/// How many hashes are made of eight bytes: at the first, the third and the fifth.
const BLOCK_HASHES: usize = 3;

/// The first eight bytes, or what there is of them.
fn block(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or_else(
        || bytes.iter().rev().fold(0, |block, &byte| block << 8 | u64::from(byte)),
        |bytes| u64::from_le_bytes(*bytes),
    )
}

/// Small letters and capital ones differ in this bit. Some other bytes do, too, and are compared
/// later.
const ANY_CASE: u64 = 0x2020_2020_2020_2020;

fn hashes(block: u64) -> [usize; BLOCK_HASHES] {
    let block = block | ANY_CASE;
    [hash(block << 40), hash(block << 24), hash(block << 8)]
}

/// Of the three bytes on top; what is below is shifted out by the multiplication or is zero.
fn hash(top: u64) -> usize {
    const ODD: u64 = 0x9e37_79b1;
    ((top & (0x00ff_ffff << 40)).wrapping_mul(ODD) >> (u64::BITS - HASH_BITS)) as usize
}

fn places(word: usize, bytes: &[u8]) -> Vec<Place> {
    let beyond = 8_usize.saturating_sub(bytes.len());
    let mask = u64::MAX >> beyond.saturating_mul(8);
    let place = |gram: &[u8], offset| {
        let [hash, ..] = hashes(block(gram));
        Place { hash, word, offset, begin: (block(bytes) | ANY_CASE) & mask, mask }
    };
    let windows = bytes.windows(GRAM.saturating_add(1)).enumerate();
    if let Some((offset, both)) = windows.max_by_key(|(_, both)| rarity(both)) {
        let pair = both.windows(GRAM).zip(offset..);
        return pair.map(|(gram, offset)| place(gram, offset)).collect();
    }
    let Some((_, end)) = bytes.split_first() else { return Vec::new() };
    let following = FOLLOWING.iter().map(|&byte| place(&[end, &[byte]].concat(), 1));
    following.chain([place(bytes, 0)]).collect()
}

/// Of the more frequent one of the threes: how many of its pairs are not frequent, and how many
/// bytes no letters. What fills files up is the most frequent of all.
fn rarity(both: &[u8]) -> (usize, usize) {
    let is_rare = |pair: &[u8]| !FREQUENT.chunks(2).any(|known| known.eq_ignore_ascii_case(pair));
    let rarity = |gram: &[u8]| {
        if gram.windows(2).all(|pair| matches!(pair, [a, b] if a | 0x20 == b | 0x20)) {
            return (0, 0);
        }
        let pairs = gram.windows(2).filter(|pair| is_rare(pair)).count();
        (pairs, gram.iter().filter(|byte| !byte.is_ascii_alphabetic()).count())
    };
    both.windows(GRAM).map(rarity).min().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_words_wherever_and_however_they_stand() {
        let words = ["AKIA", "://", "token", "auth_token", "sk-"];
        let keywords = Keywords::new(&words);
        let cases: &[(&str, &[(usize, usize)])] = &[
            ("", &[]),
            ("AK", &[]),
            ("AKIA", &[(0, 0)]),
            ("xakiaAkIa", &[(0, 1), (0, 5)]),
            ("http://a", &[(1, 4)]),
            ("AUTH_TOKEN", &[(2, 5), (3, 0)]),
            ("sk-sk-a", &[(4, 0), (4, 3)]),
            ("xsk-a sk-", &[(4, 1), (4, 6)]),
            ("xsk-", &[]),
            ("s\u{b}-tokem", &[]),
        ];
        for (text, expected) in cases {
            let mut found = Vec::new();
            keywords.find(text.as_bytes(), |word, begin, end| {
                assert_eq!(end - begin, words[word].len());
                found.push((word, begin));
                true
            });
            found.sort_unstable();
            assert_eq!(found, *expected, "{text}");
        }
    }

    #[test]
    fn stops_when_told_to() {
        let mut count = 0;
        Keywords::new(&["AKIA"]).find(b"AKIA AKIA AKIA", |_, _, _| {
            count += 1;
            count < 2
        });
        assert_eq!(count, 2);
    }
}
