//! Patterns of names: `*`, `?`, `[a-z]`, `[!a]`, and `\` before what stands for itself.
//!
//! As `fnmatch(3)` without flags: a star takes slashes too. Time is bounded by the product of both
//! lengths: of several stars only the last one is ever tried again.

/// Whether the whole text matches.
pub(crate) fn matches(pattern: &[u8], text: &[u8], ignore_case: bool) -> bool {
    let (mut at_pattern, mut at_text) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(at_text) {
        if pattern.get(at_pattern) == Some(&b'*') {
            at_pattern += 1;
            last_star = Some((at_pattern, at_text));
            continue;
        }
        if let Some(bytes) = one(pattern.get(at_pattern..).unwrap_or_default(), *byte, ignore_case)
        {
            (at_pattern, at_text) = (at_pattern + bytes, at_text + 1);
            continue;
        }
        // The last star takes one byte more.
        let Some((after_star, taken)) = last_star else { return false };
        last_star = Some((after_star, taken + 1));
        (at_pattern, at_text) = (after_star, taken + 1);
    }
    pattern.get(at_pattern..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

/// How many bytes of the pattern take this byte, if it is taken.
fn one(pattern: &[u8], byte: u8, ignore_case: bool) -> Option<usize> {
    let same = |a: u8, b: u8| if ignore_case { a.eq_ignore_ascii_case(&b) } else { a == b };
    match pattern {
        [b'?', ..] => Some(1),
        [b'\\', literal, ..] => same(*literal, byte).then_some(2),
        [b'[', rest @ ..] => match class(rest, byte, ignore_case) {
            Some((taken, bytes)) => taken.then_some(bytes + 1),
            // What is never closed stands for itself.
            None => same(b'[', byte).then_some(1),
        },
        [literal, ..] => same(*literal, byte).then_some(1),
        [] => None,
    }
}

/// Whether a class takes the byte, and how long it is with its closing bracket.
fn class(rest: &[u8], byte: u8, ignore_case: bool) -> Option<(bool, usize)> {
    let (negated, begin) = match rest {
        [b'!' | b'^', ..] => (true, 1),
        _ => (false, 0),
    };
    let within = |low: u8, high: u8| {
        let is_in = |byte: u8| (low..=high).contains(&byte);
        is_in(byte)
            || ignore_case && (is_in(byte.to_ascii_lowercase()) || is_in(byte.to_ascii_uppercase()))
    };
    let (mut at, mut taken) = (begin, false);
    loop {
        match rest.get(at..).unwrap_or_default() {
            [] => return None,
            [b']', ..] if at > begin => return Some((taken != negated, at + 1)),
            [low, b'-', high, ..] if *high != b']' => {
                taken |= within(*low, *high);
                at += 3;
            }
            [b'\\', literal, ..] => {
                taken |= within(*literal, *literal);
                at += 2;
            }
            [literal, ..] => {
                taken |= within(*literal, *literal);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_what_they_say() {
        let cases = [
            ("*", "", true),
            ("/proc/*/environ", "/proc/1/environ", true),
            ("/proc/*/environ", "/proc/1/task/1/environ", true),
            ("/proc/*/environ", "/proc/environ", false),
            ("*../*../*", "/etc/../etc/../x", true),
            ("*../*../*", "/etc/../x", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[^a-c]x", "dx", true),
            ("[]]", "]", true),
            ("[a", "[a", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("A*", "ab", false),
            ("", "", true),
            ("", "a", false),
            ("a**b", "ab", true),
        ];
        for (pattern, text, expected) in cases {
            let matched = matches(pattern.as_bytes(), text.as_bytes(), false);
            assert_eq!(matched, expected, "`{pattern}` on `{text}`");
        }
        assert!(matches(b"A[B-C]*", b"abX", true));
    }

    #[test]
    fn hostile_patterns_end() {
        let pattern = "*a".repeat(2000);
        assert!(!matches(pattern.as_bytes(), "a".repeat(1999).as_bytes(), false));
        assert!(!matches("[".repeat(3000).as_bytes(), &[b'['; 2999], false));
    }
}
