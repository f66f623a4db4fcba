//! A path as it was written, and where it begins → a path without detours.

use model::event::{PathArgument, Text};

/// `raw` against `base`, which is absolute where it is known. Links are not followed: that is the
/// kernel's to do.
pub(super) fn argument(raw: &[u8], base: &[u8]) -> PathArgument {
    PathArgument { raw: raw.into(), path: absolute(raw, base), resolved: false }
}

/// An absolute one in a root of its own, which nothing leads out of.
pub(super) fn below(raw: &[u8], root: &[u8]) -> PathArgument {
    let within = absolute(raw, b"");
    let rest = within.strip_prefix(b"/").unwrap_or(&within);
    PathArgument { raw: raw.into(), path: absolute(rest, root), resolved: false }
}

/// What the kernel says it is.
pub(super) fn resolved(raw: &[u8], path: &Text) -> PathArgument {
    PathArgument { raw: raw.into(), path: path.clone(), resolved: true }
}

fn absolute(raw: &[u8], base: &[u8]) -> Text {
    let is_relative = !raw.starts_with(b"/");
    if is_relative && !base.starts_with(b"/") {
        // Where it begins is not known, so what it leads out of is not either.
        return raw.into();
    }
    let before = if is_relative { base } else { b"" };
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in before.split(|b| *b == b'/').chain(raw.split(|b| *b == b'/')) {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let mut path = Vec::new();
    for part in &parts {
        path.push(b'/');
        path.extend_from_slice(part);
    }
    if path.is_empty() { "/".into() } else { path.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_of_ones_own_is_not_left() {
        let cases = [
            ("/shadow", "/etc", "/etc/shadow"),
            ("/../../root/x", "/srv/a", "/srv/a/root/x"),
            ("/", "/etc", "/etc"),
            ("//a/./b", "/", "/a/b"),
        ];
        for (raw, root, expected) in cases {
            assert_eq!(below(raw.as_bytes(), root.as_bytes()).path, expected, "{raw} in {root}");
        }
    }

    #[test]
    fn detours_are_taken_out() {
        let cases = [
            ("/etc/passwd", "/x", "/etc/passwd"),
            ("shadow", "/etc", "/etc/shadow"),
            ("../etc/./shadow", "/tmp", "/etc/shadow"),
            ("/../..//etc/../root/", "", "/root"),
            (".", "/", "/"),
            ("", "/tmp", "/tmp"),
            ("..", "/", "/"),
            ("shadow", "", "shadow"),
            ("../x", "cut/off", "../x"),
        ];
        for (raw, base, expected) in cases {
            let path = argument(raw.as_bytes(), base.as_bytes());
            assert_eq!(path.path, expected, "{raw} in {base}");
            assert_eq!(path.raw, raw);
        }
    }
}
