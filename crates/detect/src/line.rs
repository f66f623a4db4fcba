//! Text, and JSON, as one line that is safe to show.
//!
//! Names of processes and files are in what detections tell, and whoever made them chose them. JSON
//! may have control characters of eight bits, marks that turn the direction of text and the ends of
//! lines that Unicode adds as they are; terminals and collectors act on them. In JSON they become
//! escapes, which are the same JSON; in text they make room for a sign that something was there.

use std::borrow::Cow;

/// The text with every character replaced that is not shown as itself, so that it stays the line that it
/// is and reads as what it says.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_escaped) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(is_escaped, "\u{fffd}"))
}

/// The value on one line, with every character escaped that is not shown as itself.
pub fn json_line(json: &serde_json::Value) -> String {
    let text = json.to_string();
    if !text.contains(is_escaped) {
        return text;
    }
    let mut line = String::with_capacity(text.len());
    // Outside of strings JSON is ASCII without control characters, so all of them are in strings.
    for character in text.chars() {
        if is_escaped(character) {
            line.extend(["\\u", &format!("{:04x}", u32::from(character))]);
        } else {
            line.push(character);
        }
    }
    line
}

/// Control characters, marks of direction, and ends of lines that JSON does not take for such. None
/// needs more than four digits.
fn is_escaped(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_text_stays_one_and_is_read_as_written() {
        assert_eq!(printable("plain \u{e9}"), "plain \u{e9}");
        for bad in "\0\t\n\r\u{b}\u{1b}\u{7f}\u{85}\u{9b}\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2066}\u{2069}".chars() {
            assert_eq!(printable(&format!("a{bad}b")), "a\u{fffd}b", "{bad:?}");
        }
    }

    #[test]
    fn what_moves_a_terminal_is_escaped_and_means_the_same() {
        let json = serde_json::json!({"a\u{9b}": ["\u{202e}x\n", "\u{7f}é\u{2066}"]});
        let line = json_line(&json);
        assert_eq!(line, r#"{"a\u009b":["\u202ex\n","\u007fé\u2066"]}"#);
        assert_eq!(line.parse::<serde_json::Value>().unwrap(), json);
    }
}
