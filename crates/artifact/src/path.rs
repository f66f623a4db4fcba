//! Paths as archives write them, brought into the one form in which entries are presented:
//! relative to the root, without `.` and `..`, without slashes at either end.

use crate::limits::PATH_BYTES_MAX;

/// Why a path is not presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It leads out of the root.
    Escapes,
    /// It holds a NUL byte, which no path on a file system does.
    Nul,
    TooLong,
}

/// The normal form of `raw`; the root itself is empty.
///
/// An absolute path is taken from the root of the image, as container runtimes do. A `..` takes
/// back the name before it, whatever that name is a link to; one that would climb out of the
/// root makes the path unfit. Bytes that are not UTF-8 become U+FFFD.
pub(crate) fn normalize(raw: &[u8]) -> Result<String, Unfit> {
    match confine(raw)? {
        Confined { path, climbs: false } => Ok(path),
        Confined { climbs: true, .. } => Err(Unfit::Escapes),
    }
}

/// A path within the root.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Confined {
    pub(crate) path: String,
    /// It would have led out of the root.
    pub(crate) climbs: bool,
}

/// The same, but a `..` at the root stays there, as it does in a container: containerd takes all
/// names so, Docker those that begin with a slash. What such a name stands for is what runs.
pub(crate) fn confine(raw: &[u8]) -> Result<Confined, Unfit> {
    if raw.len() > PATH_BYTES_MAX {
        return Err(Unfit::TooLong);
    }
    if raw.contains(&0) {
        return Err(Unfit::Nul);
    }
    let text = String::from_utf8_lossy(raw);
    let mut path = String::with_capacity(text.len());
    let mut climbs = false;
    for name in text.split('/') {
        match name {
            "" | "." => {}
            ".." if path.is_empty() => climbs = true,
            ".." => path.truncate(path.rfind('/').unwrap_or(0)),
            name => {
                if !path.is_empty() {
                    path.push('/');
                }
                path.push_str(name);
            }
        }
    }
    Ok(Confined { path, climbs })
}

/// The directory of a normal path, and the last name in it.
pub(crate) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_within_the_root() {
        let cases: [(&[u8], Result<&str, Unfit>); 13] = [
            (b"etc/passwd", Ok("etc/passwd")),
            (b"./etc//passwd/", Ok("etc/passwd")),
            (b"/etc/./passwd", Ok("etc/passwd")),
            (b"a/../b", Ok("b")),
            (b"a/b/../../c", Ok("c")),
            (b"./", Ok("")),
            (b"a/..", Ok("")),
            (b"...", Ok("...")),
            (b"caf\xe9", Ok("caf\u{fffd}")),
            (b"../etc/passwd", Err(Unfit::Escapes)),
            (b"/../etc/passwd", Err(Unfit::Escapes)),
            (b"a/../../b", Err(Unfit::Escapes)),
            (b"a\0b", Err(Unfit::Nul)),
        ];
        for (raw, normal) in cases {
            assert_eq!(normalize(raw), normal.map(str::to_owned), "{raw:?}");
        }
        assert_eq!(normalize(&vec![b'a'; PATH_BYTES_MAX + 1]), Err(Unfit::TooLong));
    }

    #[test]
    fn what_climbs_out_of_the_root_stays_at_it() {
        let cases: [(&[u8], &str, bool); 5] = [
            (b"/../var/lib/dpkg/status", "var/lib/dpkg/status", true),
            (b"../../etc/./x", "etc/x", true),
            (b"a/../../b", "b", true),
            (b"..", "", true),
            (b"a/../b", "b", false),
        ];
        for (raw, path, climbs) in cases {
            let confined = Confined { path: path.to_owned(), climbs };
            assert_eq!(confine(raw), Ok(confined), "{raw:?}");
        }
    }
}
