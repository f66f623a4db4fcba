//! Sets of paths, below any of which a path may be: `pmatch`.
//!
//! `/etc` takes `/etc` and `/etc/passwd`, and not `/etcetera`. A part of a path may be a pattern.

use super::set::TextSet;

#[derive(Clone, Debug, Default)]
pub(crate) struct Paths {
    /// Without doubled and last slashes.
    plain: TextSet,
    /// Those with patterns, part by part.
    patterns: Vec<Vec<Vec<u8>>>,
}

impl Paths {
    pub(crate) fn new<'a>(paths: impl Iterator<Item = &'a [u8]>) -> Self {
        let is_pattern = |path: &&[u8]| path.iter().any(|byte| b"*?[".contains(byte));
        let (patterns, plain): (Vec<_>, Vec<_>) = paths.partition(is_pattern);
        let parts = |path: &&[u8]| parts(path).map(<[u8]>::to_vec).collect::<Vec<_>>();
        let joined = |path: &&[u8]| parts(path).into_iter().flat_map(|it| [b"/", &*it].concat());
        Self {
            plain: plain.iter().map(|path| joined(path).collect::<Vec<u8>>()).collect(),
            patterns: patterns.iter().map(parts).collect(),
        }
    }

    pub(crate) fn contains(&self, path: &[u8]) -> bool {
        let mut prefix = Vec::with_capacity(path.len() + 1);
        if self.plain.contains(&prefix) {
            return true;
        }
        for part in parts(path) {
            prefix.push(b'/');
            prefix.extend_from_slice(part);
            if self.plain.contains(&prefix) {
                return true;
            }
        }
        self.patterns.iter().any(|pattern| is_below(path, pattern))
    }
}

fn is_below(path: &[u8], pattern: &[Vec<u8>]) -> bool {
    let mut parts = parts(path);
    pattern
        .iter()
        .all(|pattern| parts.next().is_some_and(|part| crate::glob::matches(pattern, part, false)))
}

fn parts(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_matches() {
        let paths = Paths::new([&b"/var/run"[..], b"/etc/", b"/home/*/.ssh"].into_iter());
        for (path, expected) in [
            ("/var/run/docker", true),
            ("/var/run", true),
            ("/var//run/", true),
            ("/var", false),
            ("/var/runner", false),
            ("/etc/passwd", true),
            ("/home/ann/.ssh/id", true),
            ("/home/ann/x", false),
            ("/home", false),
            ("", false),
        ] {
            assert_eq!(paths.contains(path.as_bytes()), expected, "{path}");
        }
        assert!(Paths::new([&b"/"[..]].into_iter()).contains(b"/anything"));
    }
}
