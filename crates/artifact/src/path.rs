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
/// root makes the path unfit, because runtimes do not agree on what it means. Bytes that are not
/// UTF-8 become U+FFFD.
pub(crate) fn normalize(raw: &[u8]) -> Result<String, Unfit> {
    if raw.len() > PATH_BYTES_MAX {
        return Err(Unfit::TooLong);
    }
    if raw.contains(&0) {
        return Err(Unfit::Nul);
    }
    let text = String::from_utf8_lossy(raw);
    let mut normal = String::with_capacity(text.len());
    for name in text.split('/') {
        match name {
            "" | "." => {}
            ".." if normal.is_empty() => return Err(Unfit::Escapes),
            ".." => normal.truncate(normal.rfind('/').unwrap_or(0)),
            name => {
                if !normal.is_empty() {
                    normal.push('/');
                }
                normal.push_str(name);
            }
        }
    }
    Ok(normal)
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
}
