//! Texts of `/proc/PID`: `stat`, `status`, `uid_map` and lists that are separated by zeros.

use std::path::Path;
use std::sync::Arc;

use model::event::Text;

use super::TICK;
use crate::file;
use crate::record::TEXTS_MAX;

/// What `stat` tells, as far as we use it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    pub pid: u32,
    pub name: Text,
    /// A letter of proc(5).
    pub state: char,
    pub parent: u32,
    pub group: u32,
    pub session: u32,
    pub terminal: u32,
    /// A thread of the kernel.
    pub is_of_kernel: bool,
    /// Nanoseconds since boot, which `/proc` tells in ticks, rounded down.
    pub started: u64,
}

/// A flag of the ninth field: a thread of the kernel.
const KERNEL_THREAD: u64 = 0x0020_0000;
/// A line of some 300 bytes, and a name of at most 64.
const STAT_BYTES_MAX: usize = 4 << 10;

impl Stat {
    /// Of a process, or of a thread by the path of its `stat`. None if it is gone.
    pub fn read(path: &Path) -> Option<Self> {
        Self::parse(&file::read(path, STAT_BYTES_MAX)?)
    }

    /// The name may hold anything, closing brackets and spaces included, so the last bracket counts.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (open, close) =
            (text.iter().position(|b| *b == b'(')?, text.iter().rposition(|b| *b == b')')?);
        let pid = std::str::from_utf8(text.get(..open)?).ok()?.trim().parse().ok()?;
        let name = text.get(open + 1..close)?;
        let rest = std::str::from_utf8(text.get(close + 1..)?).ok()?;
        let mut fields = rest.split_ascii_whitespace();
        // proc(5) counts from 1: the state is the third field.
        let state = fields.next()?.chars().next()?;
        let mut signed = || fields.next()?.parse::<i64>().ok();
        let mut number = || Some(u32::try_from(signed()?).unwrap_or(0));
        let (parent, group, session, terminal) = (number()?, number()?, number()?, number()?);
        let flags: u64 = fields.nth(1)?.parse().ok()?;
        let ticks: u64 = fields.nth(12)?.parse().ok()?;
        Some(Self {
            pid,
            name: name.into(),
            state,
            parent,
            group,
            session,
            terminal,
            is_of_kernel: flags & KERNEL_THREAD != 0,
            started: ticks.saturating_mul(TICK),
        })
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
        assert!(!Stat::parse(text).unwrap().is_of_kernel);
        let stat = Stat::parse(text).unwrap();
        assert_eq!(stat.name, "a) R 1 (b");
        assert_eq!((stat.parent, stat.group, stat.session, stat.terminal), (1, 7, 7, 34816));
        assert_eq!((stat.pid, stat.state, stat.started), (7, 'S', 4711 * TICK));
    }

    #[test]
    fn a_process_without_terminal_or_parent_has_zeros() {
        let text = b"2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 3 0 0\n";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.parent, stat.terminal, stat.started), (0, 0, 3 * TICK));
        assert!(stat.is_of_kernel, "2129984 is 0x208040");
        for text in [
            &b""[..],
            b"1",
            b"1 (",
            b"1 )(",
            b"1 (x)",
            b"1 (x) R 1 2",
            b"1 (x) R a b c d e",
            b"x (a) R 1 1 1 1 1 0 0 0 0 0 0 0 0 0 20 0 1 0 7 0",
        ] {
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
