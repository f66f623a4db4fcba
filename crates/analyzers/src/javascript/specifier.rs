//! `name@version` as JavaScript's lock files write it, where the name may begin with `@`.

/// The name and what follows the `@` behind it; None if nothing does.
pub(crate) fn split(text: &str) -> Option<(&str, &str)> {
    let after_scope = usize::from(text.starts_with('@'));
    let at = text.get(after_scope..)?.find('@')?.checked_add(after_scope)?;
    Some((text.get(..at)?, text.get(at.checked_add(1)?..)?))
}

/// Whether a version is one, and not an address or path that stands in its place.
pub(crate) fn is_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains([':', '/'])
}

/// Whether what stands in a version's place leads elsewhere: to a commit or an archive, whose own
/// version is not said. An archive of the repository is no folder of it: `file:lib/rope.tgz`.
pub(crate) fn is_address(text: &str) -> bool {
    let ways = ["git", "http:", "https:", "github:", "gitlab:", "bitbucket:", "gist:"];
    let archives = [".tgz", ".tar.gz", ".tar"];
    ways.iter().any(|way| text.starts_with(way)) || archives.iter().any(|end| text.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_part_of_the_name() {
        for (text, expected) in [
            ("rope@1.0.0", Some(("rope", "1.0.0"))),
            ("@harbour/rope@npm:^1", Some(("@harbour/rope", "npm:^1"))),
            ("rope@patch:rope@npm%3A1#x", Some(("rope", "patch:rope@npm%3A1#x"))),
            ("@harbour/rope", None),
            ("rope", None),
            ("@", None),
            ("", None),
        ] {
            assert_eq!(split(text), expected, "{text}");
        }
    }
}
