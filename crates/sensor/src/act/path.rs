//! A path as it was written, and where it begins → a path without detours.

use model::event::{PathArgument, Text};

/// `raw` against `base`, which is absolute where it is known. Links are not followed: that is the
/// kernel's to do.
pub(super) fn argument(raw: &[u8], base: &[u8]) -> PathArgument {
    PathArgument { raw: raw.into(), path: absolute(raw, base), resolved: false }
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
