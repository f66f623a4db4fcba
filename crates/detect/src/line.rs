//! JSON as one line that is safe to show.
//!
//! Names of processes and files are in what detections tell, and whoever made them chose them. JSON
//! may have control characters of eight bits and marks that turn the direction of text as they are;
//! a terminal acts on them. Here they are escapes, which are the same JSON.

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
    fn what_moves_a_terminal_is_escaped_and_means_the_same() {
        let json = serde_json::json!({"a\u{9b}": ["\u{202e}x\n", "\u{7f}é\u{2066}"]});
        let line = json_line(&json);
        assert_eq!(line, r#"{"a\u009b":["\u202ex\n","\u007fé\u2066"]}"#);
        assert_eq!(line.parse::<serde_json::Value>().unwrap(), json);
    }
}
