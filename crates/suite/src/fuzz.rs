//! Readers of outside bytes, for fuzzing alone.

/// A suite file.
pub fn suite(bytes: &[u8]) {
    let (cases, mistakes) = crate::read("fuzz", bytes);
    drop((cases, mistakes));
}

/// What an engine answers.
pub fn answer(bytes: &[u8]) {
    drop(crate::stage::fuzz(bytes).map(<[u8]>::to_vec));
}

#[cfg(test)]
mod tests {
    /// What the fuzzer does for hours, for a second: cut off anywhere, and with any byte changed.
    #[test]
    fn broken_inputs_are_no_harm() {
        let page = include_bytes!("../testdata/suites.txt");
        let answer = b"HTTP/1.1 200 OK\r\nContent-Type: x\r\n\r\n{}";
        for (target, seed) in [(super::suite as fn(&[u8]), &page[..]), (super::answer, answer)] {
            let step = (seed.len() / 300).max(1);
            for position in (0..seed.len()).step_by(step) {
                let mut changed = seed.to_vec();
                changed[position] ^= 0x11;
                target(&seed[..position]);
                target(&changed);
            }
        }
    }
}
