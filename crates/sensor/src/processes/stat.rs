//! Texts of `/proc/PID`: `stat`, `status`, `uid_map` and lists that are separated by zeros.

use std::sync::Arc;

use model::event::Text;

use crate::record::TEXTS_MAX;

/// What `stat` tells, as far as we use it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) name: Text,
    pub(crate) parent: u32,
    pub(crate) group: u32,
    pub(crate) session: u32,
    pub(crate) terminal: u32,
    /// Clock ticks after boot.
    pub(crate) started: u64,
}

impl Stat {
    /// The name may hold anything, closing brackets and spaces included, so the last bracket counts.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let (open, close) =
            (text.iter().position(|b| *b == b'(')?, text.iter().rposition(|b| *b == b')')?);
        let name = text.get(open + 1..close)?;
        let rest = std::str::from_utf8(text.get(close + 1..)?).ok()?;
        let mut fields = rest.split_ascii_whitespace();
        // proc(5) counts from 1: the state is the third field.
        let _state = fields.next()?;
        let mut signed = || fields.next()?.parse::<i64>().ok();
        let mut number = || Some(u32::try_from(signed()?).unwrap_or(0));
        let (parent, group, session, terminal) = (number()?, number()?, number()?, number()?);
        let started = fields.nth(14)?.parse().ok()?;
        Some(Self { name: name.into(), parent, group, session, terminal, started })
    }
}

/// The words after `KEY:` in `status`.
pub(crate) fn words<'a>(status: &'a str, key: &str) -> impl Iterator<Item = &'a str> {
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    line.unwrap_or_default().split_ascii_whitespace()
}

/// Texts that end with a zero each; one that was cut off is left out, and what is more than a
/// record would hold.
pub(crate) fn texts(bytes: &[u8]) -> Arc<[Text]> {
    let Some(end) = bytes.iter().rposition(|b| *b == 0) else { return Arc::default() };
    let whole = bytes.get(..end).unwrap_or_default();
    whole.split(|b| *b == 0).take(TEXTS_MAX).map(Text::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_be_hostile() {
        let text = b"7 (a) R 1 (b) S 1 7 7 34816 7 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n";
        let stat = Stat::parse(text).unwrap();
        assert_eq!(stat.name, "a) R 1 (b");
        assert_eq!((stat.parent, stat.group, stat.session, stat.terminal), (1, 7, 7, 34816));
        assert_eq!(stat.started, 4711);
    }

    #[test]
    fn a_process_without_terminal_or_parent_has_zeros() {
        let text = b"2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 3 0 0\n";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.parent, stat.terminal, stat.started), (0, 0, 3));
        for text in
            [&b""[..], b"1", b"1 (", b"1 )(", b"1 (x)", b"1 (x) R 1 2", b"1 (x) R a b c d e"]
        {
            assert_eq!(Stat::parse(text), None);
        }
    }

    #[test]
    fn lists_end_with_zeros() {
        assert_eq!(*texts(b"sh\0-c\0\0cut"), ["sh", "-c", ""]);
        assert_eq!(*texts(b"cut"), [] as [&str; 0]);
        assert_eq!(*texts(b"\0"), [""]);
        assert_eq!(texts(&[0; 4096]).len(), TEXTS_MAX);
        assert_eq!(words("Name:\tx\nUid:\t1\t2 3\n", "Uid").collect::<Vec<_>>(), ["1", "2", "3"]);
        assert_eq!(words("Uid", "Uid").count(), 0);
    }
}
