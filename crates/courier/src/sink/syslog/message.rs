//! One message: RFC 5424 for servers, what the C library sends for the local daemon.

use jiff::Timestamp;

use crate::letter::Letter;

/// More is cut by servers as they are usually set up, and by networks that drop fragments.
pub(super) const DATAGRAM_BYTES_MAX: usize = 8 << 10;
/// Half of what a datagram socket has room for, unless it is told otherwise.
pub(super) const LOCAL_BYTES_MAX: usize = 96 << 10;
/// RFC 5425 wants 8 KiB to be taken, and lets servers take more or cut.
pub(super) const STREAM_BYTES_MAX: usize = 64 << 10;

/// Security and authorization messages (RFC 5424, section 6.2.1).
const FACILITY: u8 = 10;

/// Who sends.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    pub(crate) hostname: String,
    pub(crate) process: u32,
    /// What the texts are: `cef`, `json`.
    pub(crate) kind: &'static str,
}

impl Sender {
    /// `<PRI>1 TIME HOST lazaret PID KIND - TEXT`. The text is not announced as UTF-8 by a mark,
    /// which servers would show.
    pub(super) fn message(&self, letter: &Letter, bytes_max: usize) -> Vec<u8> {
        let time = i128::from(letter.time);
        let time = Timestamp::from_nanosecond(time)
            .map_or_else(|_| "-".to_owned(), |it| format!("{it:.6}"));
        let Self { process, kind, .. } = self;
        let host = self.host();
        let head = format!("<{}>1 {time} {host} lazaret {process} {kind} - ", priority(letter));
        cut(head, &letter.text, bytes_max)
    }

    /// The daemon says when, and where.
    pub(super) fn local(&self, letter: &Letter, bytes_max: usize) -> Vec<u8> {
        let head = format!("<{}>lazaret[{}]: ", priority(letter), self.process);
        cut(head, &letter.text, bytes_max)
    }

    /// At most 255 visible characters (section 6), or none.
    fn host(&self) -> String {
        let visible = self.hostname.chars().filter(char::is_ascii_graphic).take(255);
        let host: String = visible.collect();
        if host.is_empty() { "-".to_owned() } else { host }
    }
}

fn priority(letter: &Letter) -> u8 {
    FACILITY * 8 + letter.severity.min(7)
}

/// One line, cut between characters; what is cut ends with dots.
fn cut(mut message: String, text: &str, bytes_max: usize) -> Vec<u8> {
    let text = text.trim_end();
    for character in text.chars() {
        let character = if character.is_control() { ' ' } else { character };
        message.push(character);
        if message.len() > bytes_max {
            const DOTS: char = '…';
            let end = message.floor_char_boundary(bytes_max - DOTS.len_utf8());
            message.truncate(end);
            message.push(DOTS);
            break;
        }
    }
    message.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(hostname: &str) -> Sender {
        Sender { hostname: hostname.to_owned(), process: 12, kind: "cef" }
    }

    fn text(bytes: &[u8]) -> &str {
        core::str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_message_is_one_line_with_its_time() {
        let time = 1_767_323_045_000_006_789;
        let letter = Letter { time, severity: 2, text: "a\n  b é\u{1b}[2J\n".to_owned() };
        assert_eq!(
            text(&sender("host 1\n").message(&letter, 1_000)),
            "<82>1 2026-01-02T03:04:05.000006Z host1 lazaret 12 cef - a   b é [2J"
        );
        assert_eq!(text(&sender("").local(&letter, 1_000)), "<82>lazaret[12]: a   b é [2J");
        assert!(text(&sender("").message(&letter, 1_000)).contains("Z - lazaret"));
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let letter = Letter { time: 0, severity: 9, text: "é".repeat(5_000) };
        for bytes_max in [100, 101, 102, 103] {
            let message = sender("h").message(&letter, bytes_max);
            assert!(message.len() <= bytes_max && message.len() > bytes_max - 2);
            assert!(text(&message).starts_with("<87>1 ") && text(&message).ends_with("é…"));
        }
    }
}
