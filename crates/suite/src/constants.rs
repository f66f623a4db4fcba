//! Numbers and what they are called: `O_WRONLY|O_CREAT`, `0644`, `SIGKILL`.

/// What the arguments of the calls are called, by the kernel's own names.
const NAMES: &[(&str, i32)] = &[
    ("AF_INET", libc::AF_INET),
    ("AF_INET6", libc::AF_INET6),
    ("AF_NETLINK", libc::AF_NETLINK),
    ("AF_PACKET", libc::AF_PACKET),
    ("AF_UNIX", libc::AF_UNIX),
    ("AF_VSOCK", libc::AF_VSOCK),
    ("AT_EMPTY_PATH", libc::AT_EMPTY_PATH),
    ("AT_FDCWD", libc::AT_FDCWD),
    ("AT_SYMLINK_FOLLOW", libc::AT_SYMLINK_FOLLOW),
    ("IPPROTO_ICMP", libc::IPPROTO_ICMP),
    ("IPPROTO_ICMPV6", libc::IPPROTO_ICMPV6),
    ("IPPROTO_IP", libc::IPPROTO_IP),
    ("IPPROTO_RAW", libc::IPPROTO_RAW),
    ("IPPROTO_TCP", libc::IPPROTO_TCP),
    ("IPPROTO_UDP", libc::IPPROTO_UDP),
    // From <linux/module.h>.
    ("MODULE_INIT_IGNORE_MODVERSIONS", 1),
    ("MODULE_INIT_IGNORE_VERMAGIC", 2),
    ("MSG_CONFIRM", libc::MSG_CONFIRM),
    ("MSG_DONTROUTE", libc::MSG_DONTROUTE),
    ("MSG_DONTWAIT", libc::MSG_DONTWAIT),
    ("MSG_EOR", libc::MSG_EOR),
    ("MSG_MORE", libc::MSG_MORE),
    ("MSG_NOSIGNAL", libc::MSG_NOSIGNAL),
    ("MSG_OOB", libc::MSG_OOB),
    ("O_APPEND", libc::O_APPEND),
    ("O_ASYNC", libc::O_ASYNC),
    ("O_CLOEXEC", libc::O_CLOEXEC),
    ("O_CREAT", libc::O_CREAT),
    ("O_DIRECT", libc::O_DIRECT),
    ("O_DIRECTORY", libc::O_DIRECTORY),
    ("O_DSYNC", libc::O_DSYNC),
    ("O_EXCL", libc::O_EXCL),
    ("O_NOATIME", libc::O_NOATIME),
    ("O_NOCTTY", libc::O_NOCTTY),
    ("O_NOFOLLOW", libc::O_NOFOLLOW),
    ("O_NONBLOCK", libc::O_NONBLOCK),
    ("O_PATH", libc::O_PATH),
    ("O_RDONLY", libc::O_RDONLY),
    ("O_RDWR", libc::O_RDWR),
    ("O_SYNC", libc::O_SYNC),
    ("O_TMPFILE", libc::O_TMPFILE),
    ("O_TRUNC", libc::O_TRUNC),
    ("O_WRONLY", libc::O_WRONLY),
    ("RESOLVE_BENEATH", 8),
    ("RESOLVE_CACHED", 32),
    ("RESOLVE_IN_ROOT", 16),
    ("RESOLVE_NO_MAGICLINKS", 2),
    ("RESOLVE_NO_SYMLINKS", 4),
    ("RESOLVE_NO_XDEV", 1),
    ("SIGABRT", libc::SIGABRT),
    ("SIGCHLD", libc::SIGCHLD),
    ("SIGCONT", libc::SIGCONT),
    ("SIGHUP", libc::SIGHUP),
    ("SIGINT", libc::SIGINT),
    ("SIGKILL", libc::SIGKILL),
    ("SIGQUIT", libc::SIGQUIT),
    ("SIGSTOP", libc::SIGSTOP),
    ("SIGTERM", libc::SIGTERM),
    ("SIGUSR1", libc::SIGUSR1),
    ("SIGUSR2", libc::SIGUSR2),
    ("SOCK_CLOEXEC", libc::SOCK_CLOEXEC),
    ("SOCK_DGRAM", libc::SOCK_DGRAM),
    ("SOCK_NONBLOCK", libc::SOCK_NONBLOCK),
    ("SOCK_RAW", libc::SOCK_RAW),
    ("SOCK_SEQPACKET", libc::SOCK_SEQPACKET),
    ("SOCK_STREAM", libc::SOCK_STREAM),
    ("S_IRGRP", 0o40),
    ("S_IROTH", 0o4),
    ("S_IRUSR", 0o400),
    ("S_IRWXU", 0o700),
    ("S_IWUSR", 0o200),
    ("S_IXUSR", 0o100),
];

/// A number, in any of C's spellings, or names of numbers with `|` between.
pub(crate) fn number(text: &str) -> Result<i64, String> {
    let mut sum = 0;
    for part in text.split('|').map(str::trim) {
        let named = NAMES.iter().find(|(name, _)| *name == part).map(|(_, it)| i64::from(*it));
        let Some(value) = named.or_else(|| literal(part)) else {
            let known = NAMES.iter().map(|(name, _)| *name);
            let hint = detect::hint(part, known).map(|it| format!(": {it}")).unwrap_or_default();
            return Err(format!("`{part}` is neither a number nor the name of one{hint}"));
        };
        sum |= value;
    }
    Ok(sum)
}

fn literal(text: &str) -> Option<i64> {
    let (digits, is_negative) = match text.strip_prefix('-') {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    let (digits, radix) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (digits.get(2..)?, 16),
        [b'0', b'o' | b'O', ..] => (digits.get(2..)?, 8),
        [b'0', _, ..] => (digits.get(1..)?, 8),
        _ => (digits, 10),
    };
    // A sign of its own would be read as well.
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    let value = i64::from_str_radix(digits, radix).ok()?;
    Some(if is_negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spelt_as_in_c() {
        for (text, value) in [
            ("0", 0),
            ("-1", -1),
            ("0644", 0o644),
            ("0o17", 15),
            ("0x1f", 31),
            ("O_WRONLY | O_CREAT|O_TRUNC", 0o1101),
            ("AT_FDCWD", -100),
        ] {
            assert_eq!(number(text), Ok(value), "{text}");
        }
        for text in ["", "O_WRONGLY", "08", "0x", "--1", "+1", "1|", "99999999999999999999"] {
            assert!(number(text).is_err(), "{text}");
        }
        assert!(number("O_WRONYL").unwrap_err().contains("`O_WRONLY`"));
    }

    #[test]
    fn names_are_sorted() {
        assert!(NAMES.is_sorted_by_key(|(name, _)| *name));
    }
}
