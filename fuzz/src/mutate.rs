//! Inputs from inputs: the usual havoc, repeatable from a seed.

/// What is longer is cut: big inputs make few runs, and parsers loop over what small ones have too.
const INPUT_BYTES_MAX: usize = 64 << 10;
/// Numbers on which length and offset arithmetic breaks.
const INTERESTING: [u64; 10] =
    [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX];

/// xorshift64*: good enough to choose mutations, and the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { (self.next() % bound as u64) as usize }
    }
}

/// A new input made from one or two seeds.
pub(crate) fn mutate(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut input = seeds[random.below(seeds.len())].clone();
    input.truncate(INPUT_BYTES_MAX);
    for _ in 0..=random.below(6) {
        step(&mut input, seeds, random);
    }
    input.truncate(INPUT_BYTES_MAX);
    input
}

fn step(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len());
    let length = random.below(64).min(input.len() - at);
    match random.below(8) {
        0 if !input.is_empty() => input[at] ^= 1 << random.below(8),
        1 if !input.is_empty() => input[at] = random.next() as u8,
        2 => number(input, at, random),
        3 => drop(input.drain(at..at + length)),
        4 => {
            let piece = input[at..at + length].to_vec();
            let to = random.below(input.len());
            input.splice(to..to, piece);
        }
        5 => input.truncate(at),
        6 => {
            let other = &seeds[random.below(seeds.len())];
            let from = random.below(other.len());
            let end = (from + random.below(512)).min(other.len());
            input.splice(at..at, other[from..end].iter().copied());
        }
        _ => input.insert(at, random.next() as u8),
    }
}

/// Overwrites some bytes with a number of 1, 2, 4 or 8 bytes in either order.
fn number(input: &mut [u8], at: usize, random: &mut Random) {
    let value = INTERESTING[random.below(INTERESTING.len())].wrapping_add(random.below(3) as u64);
    let width = 1 << random.below(4);
    let little = value.to_le_bytes();
    let big_endian = random.below(2) == 1;
    for position in 0..width {
        let from = if big_endian { width - 1 - position } else { position };
        if let Some(byte) = input.get_mut(at + position) {
            *byte = little[from];
        }
    }
}
