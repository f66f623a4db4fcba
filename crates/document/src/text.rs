//! Text for terminals: names from outside made safe, and columns that line up.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

/// Wider cells are cut: a version of a kilobyte would push the rest off every screen.
const CELL_WIDTH: usize = 48;

/// The text with every control character replaced, so that a package named by an attacker cannot
/// move the cursor, recolor the screen or hide a line. Bidirectional overrides count as control
/// characters: they make a line read as something it is not.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(is_unsafe, "\u{fffd}"))
}

/// The same for texts of several lines, which stay lines.
pub(crate) fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

/// The beginning of a text, if all of it would be too long.
pub(crate) fn shortened(text: &str, characters: usize) -> Cow<'_, str> {
    match text.char_indices().nth(characters) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(text.get(..end).unwrap_or_default().to_owned() + "…"),
    }
}

/// A reference that is a link and nothing else.
pub(crate) fn link(reference: &str) -> Option<&str> {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@!$&()*+,;=%".contains(c);
    let is_link = reference.starts_with("https://") || reference.starts_with("http://");
    // A percent sign that is no escape makes it no URI.
    let escapes = |part: &str| {
        part.as_bytes().get(..2).is_some_and(|it| it.iter().all(u8::is_ascii_hexdigit))
    };
    let is_sound = reference.split('%').skip(1).all(escapes);
    let anchors = reference.matches('#').count();
    (is_link && is_sound && anchors < 2 && reference.chars().all(harmless)).then_some(reference)
}

/// Rows as lines whose columns line up, safe for a terminal.
pub fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let cells: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|c| cell(c))).collect();
    let widths = widths(&cells);
    cells.iter().map(|row| pad(row, &widths).join("  ").trim_end().to_owned() + "\n").collect()
}

/// Text broken between words so that no line is wider than `width`, where a word is not; all lines
/// but the first are indented.
pub(crate) fn wrap(text: &str, width: Option<usize>) -> String {
    const INDENT: &str = "\n  ";
    let Some(width) = width else { return text.to_owned() };
    let (mut wrapped, mut used) = (String::with_capacity(text.len()), 0);
    for word in text.split(' ') {
        let needed = word.width() + usize::from(used > 0);
        if used > 0 && used + needed > width {
            wrapped.push_str(INDENT);
            used = INDENT.len() - 1;
        } else if used > 0 {
            wrapped.push(' ');
            used += 1;
        }
        wrapped.push_str(word);
        used += word.width();
    }
    wrapped
}

/// A cell that is safe and not too wide.
pub(crate) fn cell(text: &str) -> String {
    let safe = printable(text);
    if safe.width() <= CELL_WIDTH {
        return safe.into_owned();
    }
    let mut cut: String = safe.chars().take(CELL_WIDTH - 1).collect();
    cut.push('…');
    cut
}

/// The width of each column.
pub(crate) fn widths<const N: usize>(rows: &[[String; N]]) -> [usize; N] {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    widths
}

/// A row's cells, each filled up to its column's width.
pub(crate) fn pad<const N: usize>(row: &[String; N], widths: &[usize; N]) -> Vec<String> {
    let padded = |(cell, width): (&String, &usize)| {
        format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width())))
    };
    row.iter().zip(widths).map(padded).collect()
}

/// Bytes as people say them.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        _ => format!("{} MiB", bytes / 1_048_576),
    }
}

/// Whether a sign steers terminals, or turns lines round.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrap("one two three", None), "one two three");
        assert_eq!(wrap("one two three", Some(7)), "one two\n  three");
        assert_eq!(wrap("one two three", Some(1)), "one\n  two\n  three");
        assert_eq!(wrap("", Some(1)), "");
    }

    #[test]
    fn a_link_is_nothing_else() {
        for sound in ["https://e.org/a?b=%41#c", "http://e"] {
            assert_eq!(link(sound), Some(sound));
        }
        for other in ["https://e/<x>\"y", "https://e/%zz", "https://e/#a#b", "javascript:x", ""] {
            assert_eq!(link(other), None, "{other}");
        }
    }

    #[test]
    fn control_sequences_do_not_pass() {
        assert_eq!(printable("openssl 3.0~1"), "openssl 3.0~1");
        assert_eq!(printable("a\u{1b}[2Jb\nc\u{202e}d"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d");
    }
}
