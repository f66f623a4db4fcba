//! JSON with comments and trailing commas, brought into plain JSON of the same length, so that
//! what a parser says of line and column still holds.

/// The text with blanks in place of comments and of commas before a closing bracket.
pub(super) fn plain(text: &[u8]) -> Vec<u8> {
    let mut plain = text.to_vec();
    let mut at = 0;
    // A comma after which nothing but blanks and comments came.
    let mut comma = None;
    while let Some(&byte) = text.get(at) {
        let next = match (byte, text.get(at.saturating_add(1))) {
            (b'"', _) => end_of_text(text, at),
            (b'/', Some(b'/')) => blank(&mut plain, at, end_after(text, at, b"\n")),
            (b'/', Some(b'*')) => blank(&mut plain, at, end_after(text, at, b"*/")),
            _ => at.saturating_add(1),
        };
        match byte {
            b',' => comma = Some(at),
            b'}' | b']' => {
                if let Some(comma) = comma.take().and_then(|comma| plain.get_mut(comma)) {
                    *comma = b' ';
                }
            }
            b'/' | b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => comma = None,
        }
        at = next;
    }
    plain
}

/// Behind the closing quote of the text that begins at `at`.
fn end_of_text(text: &[u8], at: usize) -> usize {
    let mut at = at.saturating_add(1);
    while let Some(&byte) = text.get(at) {
        at = at.saturating_add(if byte == b'\\' { 2 } else { 1 });
        if byte == b'"' {
            break;
        }
    }
    at
}

/// Behind the next `end`.
fn end_after(text: &[u8], at: usize, end: &[u8]) -> usize {
    let start = at.saturating_add(2);
    let rest = text.get(start..).unwrap_or_default();
    let length = rest.windows(end.len()).position(|window| window == end);
    length.map_or(text.len(), |length| start.saturating_add(length).saturating_add(end.len()))
}

/// Blanks all but line breaks.
fn blank(plain: &mut [u8], from: usize, to: usize) -> usize {
    let comment = plain.get_mut(from..to).unwrap_or_default();
    comment.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
    to
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_last_commas_become_blanks() {
        for (text, expected) in [
            (r#"{"a": [1, 2,],}"#, r#"{"a": [1, 2 ] }"#),
            ("[1, // x\n]", "[1      \n]"),
            ("[1, /* , */ ]", "[1          ]"),
            (r#"["//", "\",]", "/*"]"#, r#"["//", "\",]", "/*"]"#),
            ("[1,,]", "[1, ]"),
            ("[1 /* open", "[1        "),
            (r#"["open\"#, r#"["open\"#),
        ] {
            assert_eq!(String::from_utf8(plain(text.as_bytes())).unwrap(), expected, "{text}");
        }
    }
}
