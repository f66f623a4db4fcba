//! Paths as the kernel would take them.

/// A path without what leads nowhere: `/var/../etc//./` is `/etc`. Of one that does not begin at the
/// root, steps upwards stay at its beginning: nobody knows where they lead.
pub(super) fn clean(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if is_absolute => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (is_absolute, joined.is_empty() && !path.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_where_the_kernel_would_go() {
        let cases = [
            ("/", "/"),
            ("/etc/", "/etc"),
            ("//etc/./x", "/etc/x"),
            ("/var/log/../../etc", "/etc"),
            ("/../../etc", "/etc"),
            ("../../etc", "../../etc"),
            ("a/../../b", "../b"),
            ("./a/", "a"),
            (".", "."),
            ("a/..", "."),
            ("~/.ssh", "~/.ssh"),
            ("", ""),
        ];
        for (path, expected) in cases {
            assert_eq!(clean(path), expected, "{path}");
        }
    }
}
