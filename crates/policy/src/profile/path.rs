//! Paths of a profile: names from the root on, `*` for any one name, `**` for all that is below.
//!
//! Names are bytes, a pattern is text: what is no text, or would mean something else in a pattern or
//! on a terminal, is written `\x2a`. So a file that somebody calls `*` is that file and nothing more.

use core::fmt;
use core::fmt::Write as _;
use core::str::FromStr;

use model::event::Text;

/// Names of one path that count; what is deeper is `**` there. The kernel's longest path could have
/// 2 000, no program lays out its files so.
pub(super) const DEPTH_MAX: usize = 48;
/// The longest name of Linux is 255 bytes, each of which may be written `\x2a`.
const WRITTEN_BYTES_MAX: usize = 4_096 * 4;

/// One part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Name(Text),
    /// `*`
    Any,
    /// `**`, always the last one.
    Below,
}

/// A path, or many. What does not begin at a root (`memfd:NAME`) has an empty name first.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern(pub(super) Vec<Part>);

impl Pattern {
    /// That of a path as the sensor tells it. Numbers that are drawn anew each time are any: of
    /// processes, threads and descriptors below `/proc`, of terminals.
    pub fn of(path: &[u8]) -> Self {
        let Some(below) = path.strip_prefix(b"/") else {
            return Self(vec![Part::Name(Text::default()), Part::Name(path.into())]);
        };
        let mut parts: Vec<Part> = Vec::new();
        let changes = below.starts_with(b"proc/") || below.starts_with(b"dev/pts/");
        for name in below.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            if parts.len() == DEPTH_MAX {
                parts.push(Part::Below);
                break;
            }
            let is_number = name.iter().all(u8::is_ascii_digit);
            parts.push(if changes && is_number { Part::Any } else { Part::Name(name.into()) });
        }
        Self(parts)
    }

    /// Whether all that `other` is, is this too.
    pub fn covers(&self, other: &Self) -> bool {
        let is_rootless =
            |it: &Self| matches!(it.0.first(), Some(Part::Name(name)) if name.is_empty());
        if is_rootless(self) != is_rootless(other) {
            return false;
        }
        let mut theirs = other.0.iter();
        for part in &self.0 {
            match (part, theirs.next()) {
                (Part::Below, Some(_)) => return true,
                (Part::Any, Some(Part::Name(_) | Part::Any)) => {}
                (Part::Name(mine), Some(Part::Name(name))) if mine == name => {}
                _ => return false,
            }
        }
        theirs.next().is_none()
    }

    /// Whether it is more than one path.
    pub fn is_wide(&self) -> bool {
        self.0.iter().any(|part| !matches!(part, Part::Name(_)))
    }

    /// Everything in the same folder.
    pub(super) fn folder(&self) -> Self {
        let mut parts = self.0.clone();
        if let Some(last) = parts.last_mut() {
            *last = Part::Any;
        }
        Self(parts)
    }

    /// The path, if it is one.
    pub(super) fn path(&self) -> Option<Text> {
        let mut path = Vec::new();
        for part in &self.0 {
            let Part::Name(name) = part else { return None };
            if name.is_empty() {
                return None;
            }
            path.push(b'/');
            path.extend_from_slice(name);
        }
        (!path.is_empty()).then(|| path.into())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.0.iter();
        match parts.as_slice() {
            [] => return f.write_str("/"),
            // Without a root: one name, whatever is in it.
            [Part::Name(root), Part::Name(name)] if root.is_empty() => return escape(name, f),
            _ => {}
        }
        parts.try_for_each(|part| match part {
            Part::Name(name) => {
                f.write_str("/")?;
                escape(name, f)
            }
            Part::Any => f.write_str("/*"),
            Part::Below => f.write_str("/**"),
        })
    }
}

/// A name in text.
fn escape(name: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for chunk in name.utf8_chunks() {
        for letter in chunk.valid().chars() {
            let is_itself = !letter.is_control() && !matches!(letter, '*' | '\\' | '\u{7f}');
            // Marks that turn the direction of what is written around.
            let turns = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if is_itself && !turns {
                f.write_char(letter)?;
            } else {
                bytes(letter.encode_utf8(&mut [0; 4]).as_bytes(), f)?;
            }
        }
        bytes(chunk.invalid(), f)?;
    }
    Ok(())
}

fn bytes(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > WRITTEN_BYTES_MAX {
            return Err(format!("a path of more than {WRITTEN_BYTES_MAX} bytes"));
        }
        let Some(below) = text.strip_prefix('/') else {
            if !text.starts_with("memfd:") {
                return Err(format!("`{text}` is no path from the root on"));
            }
            return Ok(Self(vec![Part::Name(Text::default()), Part::Name(name(text)?)]));
        };
        if below.is_empty() {
            return Ok(Self::default());
        }
        let mut parts = Vec::new();
        for part in below.split('/') {
            match parts.last() {
                Some(Part::Below) => return Err("`**` stands at the end alone".to_owned()),
                _ if parts.len() > DEPTH_MAX => {
                    return Err(format!("a path of more than {DEPTH_MAX} names"));
                }
                _ => {}
            }
            parts.push(match part {
                "*" => Part::Any,
                "**" => Part::Below,
                "" | "." | ".." => {
                    return Err(format!(
                        "`{text}` is not as a kernel writes it: without `//`, `.` and `..`"
                    ));
                }
                part => Part::Name(name(part)?),
            });
        }
        Ok(Self(parts))
    }
}

/// The bytes that a name is written for.
fn name(text: &str) -> Result<Text, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '*']) {
        let (before, from) = rest.split_at(at);
        bytes.extend_from_slice(before.as_bytes());
        let digits = from.strip_prefix("\\x").and_then(|from| from.get(..2));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let Some(byte) = byte.filter(|byte| *byte != 0) else {
            return Err(format!(
                "`{text}`: `*` is a whole name here, and a byte is written `\\x2a`"
            ));
        };
        bytes.push(byte);
        rest = from.get(4..).unwrap_or_default();
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_and_read_back() {
        let table: &[(&[u8], &str)] = &[
            (b"/usr/sbin/nginx", "/usr/sbin/nginx"),
            (b"/", "/"),
            (b"/proc/17/task/4/oom_score_adj", "/proc/*/task/*/oom_score_adj"),
            (b"/dev/pts/0", "/dev/pts/*"),
            (b"/srv/17", "/srv/17"),
            (b"/tmp/*", "/tmp/\\x2a"),
            (b"/tmp/a\\b\n\xff", "/tmp/a\\x5cb\\x0a\\xff"),
            ("/tmp/ä\u{202e}".as_bytes(), "/tmp/ä\\xe2\\x80\\xae"),
            (b"memfd:a/b", "memfd:a/b"),
        ];
        for (path, written) in table {
            let pattern = Pattern::of(path);
            assert_eq!(pattern.to_string(), *written);
            assert_eq!(written.parse(), Ok(pattern), "{written}");
        }
        let deep = Pattern::of(b"/a".repeat(100).as_slice()).to_string();
        assert_eq!(deep, format!("{}/**", "/a".repeat(DEPTH_MAX)));
        assert!(deep.parse::<Pattern>().is_ok());
    }

    #[test]
    fn what_is_no_path_is_told() {
        for text in
            ["", "a", "/a//b", "/a/../b", "/a/**/b", "/a*", "/a\\x2", "/a\\x00", "/a\\y", "/\\xé"]
        {
            assert!(text.parse::<Pattern>().is_err(), "{text}");
        }
        assert!("/a".repeat(200).parse::<Pattern>().is_err());
    }

    #[test]
    fn patterns_cover() {
        let table = [
            ("/a/b", "/a/b", true),
            ("/a/*", "/a/b", true),
            ("/a/*", "/a/*", true),
            ("/a/*", "/a/b/c", false),
            ("/a/*", "/a", false),
            ("/a/**", "/a/b/c", true),
            ("/a/**", "/a/*/c", true),
            ("/a/**", "/a", false),
            ("/a/b", "/a/*", false),
            ("/**", "/a", true),
            ("/**", "memfd:x", false),
            ("/*", "/**", false),
        ];
        for (pattern, path, is_covered) in table {
            let read = |text: &str| text.parse::<Pattern>().unwrap();
            assert_eq!(read(pattern).covers(&read(path)), is_covered, "{pattern} {path}");
        }
    }
}
