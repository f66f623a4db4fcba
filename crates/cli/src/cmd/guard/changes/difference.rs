//! How a file differs from what it was, line by line, without what is secret in it.
//!
//! The texts are those of whoever wrote the files: they are bounded before they come here, a comparison that
//! takes too long is left coarse, and what is told of it is cut. Never tells a hash of a password, nor what the
//! redactor of reports takes for a secret.

use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;
use similar::{Algorithm, ChangeTag, TextDiff};

/// Lines that are told.
const LINES_MAX: usize = 64;
/// Characters of a line.
const LINE_CHARACTERS_MAX: usize = 256;
/// After which what is left is told as taken away and put there.
const PATIENCE: Duration = Duration::from_millis(50);

/// Bytes of a line that are looked at: more than are told, so that no secret is cut before it is known for one.
const LINE_BYTES_MAX: usize = 4_096;

const REDACTED: &str = "[redacted]";

/// A hash of a password as `crypt` writes it (crypt(5)), wherever it was copied to.
static HASH: LazyLock<Regex> = LazyLock::new(|| {
    let text = r#"\$(?:1|2[abxy]?|5|6|7|y|gy|sha1|argon2\w{0,2})\$[^\s:'"]{8,}"#;
    Regex::new(text).expect("a test compiles it")
});

/// What became of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// Lines that were put there, and taken away.
    pub(super) added: usize,
    pub(super) removed: usize,
    /// `+line` and `-line`, in the order of the file.
    pub(super) lines: Vec<String>,
    /// Lines are longer, or more, than what is here.
    pub(super) is_cut: bool,
}

/// None of what is no text.
pub(super) fn of(path: &[u8], before: &[u8], after: &[u8]) -> Option<Difference> {
    let (before, after) = (text(before)?, text(after)?);
    let mut config = TextDiff::configure();
    config.algorithm(Algorithm::Patience).timeout(PATIENCE);
    let diff = config.diff_lines(before, after);
    let mut difference = Difference::default();
    for change in diff.iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Equal => continue,
            ChangeTag::Insert => {
                difference.added += 1;
                '+'
            }
            ChangeTag::Delete => {
                difference.removed += 1;
                '-'
            }
        };
        if difference.lines.len() >= LINES_MAX {
            difference.is_cut = true;
            continue;
        }
        let line = change.value().trim_end_matches(['\n', '\r']);
        let shown = redacted(path, line);
        let short: String = shown.chars().take(LINE_CHARACTERS_MAX).collect();
        difference.is_cut |= short.len() < shown.len() || line.len() > LINE_BYTES_MAX;
        difference.lines.push(format!("{sign}{short}"));
    }
    Some(difference)
}

fn text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.contains('\0')).then_some(text)
}

/// A line as it may be shown.
fn redacted(path: &[u8], line: &str) -> String {
    let line = line.get(..line.floor_char_boundary(LINE_BYTES_MAX)).unwrap_or_default();
    if line.contains("PRIVATE KEY-----") {
        return REDACTED.to_owned();
    }
    let holds_hashes: [&[u8]; 6] =
        [b"passwd", b"passwd-", b"shadow", b"shadow-", b"gshadow", b"gshadow-"];
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let shown = match holds_hashes.contains(&name) {
        true => without_hash(line),
        false => analyzers::redact(line),
    };
    HASH.replace_all(&shown, REDACTED).into_owned()
}

/// `name:hash:…`; what stands for none (`x`, `*`, `!`) is none.
fn without_hash(line: &str) -> String {
    let mut fields: Vec<&str> = line.split(':').collect();
    if let Some(hash) = fields.get_mut(1)
        && !matches!(*hash, "" | "x" | "*" | "!" | "!!" | "!*")
    {
        *hash = REDACTED;
    }
    fields.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, before: &str, after: &str) -> Vec<String> {
        of(path.as_bytes(), before.as_bytes(), after.as_bytes()).unwrap().lines
    }

    #[test]
    fn lines_that_came_and_went_are_told() {
        let before = "root:x:0:0::/root:/bin/sh\nweb:x:1000:1000::/:/bin/sh\n";
        let after = "root:x:0:0::/root:/bin/sh\neve:x:0:0::/:/bin/sh\n";
        let told = of(b"/etc/passwd", before.as_bytes(), after.as_bytes()).unwrap();
        assert_eq!(told.lines, ["-web:x:1000:1000::/:/bin/sh", "+eve:x:0:0::/:/bin/sh"]);
        assert_eq!((told.added, told.removed, told.is_cut), (1, 1, false));
        assert_eq!(lines("/etc/cron.d/a", "", "* * * * * root id\r\n"), ["+* * * * * root id"]);
        assert!(lines("/etc/crontab", "a\n", "a\n").is_empty());
    }

    #[test]
    fn what_is_secret_stays() {
        for (path, line, shown) in [
            ("/etc/shadow", "eve:$6$salt$hash1234:1::", "eve:[redacted]:1::"),
            ("/etc/shadow", "eve:aBcDeFgHiJkLm:1::", "eve:[redacted]:1::"),
            ("/etc/shadow", "daemon:*:1::", "daemon:*:1::"),
            ("/etc/gshadow", "wheel:$6$salt$hash1234:root:eve", "wheel:[redacted]:root:eve"),
            ("/etc/gshadow-", "wheel:!::eve", "wheel:!::eve"),
            ("/etc/passwd", "eve:$1$a$b:0:0::/:/bin/sh", "eve:[redacted]:0:0::/:/bin/sh"),
            ("/etc/passwd", "eve:x:0:0::/:/bin/sh", "eve:x:0:0::/:/bin/sh"),
            ("/etc/cron.d/copy", "eve:$y$j9T$salt$hash:1::", "eve:[redacted]:1::"),
            ("/etc/environment", "DB_PASSWORD=hunter2", "DB_PASSWORD=…_7_characters"),
            (
                "/etc/cron.d/a",
                "* * * * * root curl https://u:hunter2@host/x",
                "* * * * * root curl https://u:…_7_characters@host/x",
            ),
            (
                "/etc/cron.d/a",
                "* * * * * root curl -u eve:hunter2 https://host/x",
                "* * * * * root curl -u eve:…_7_characters https://host/x",
            ),
            ("/root/x", "-----BEGIN OPENSSH PRIVATE KEY-----", "[redacted]"),
            ("/etc/ssh/sshd_config", "PermitRootLogin yes", "PermitRootLogin yes"),
            ("/etc/ssh/sshd_config", "PasswordAuthentication no", "PasswordAuthentication no"),
            ("/etc/profile", "PATH=$HOME$1", "PATH=$HOME$1"),
            ("/root/.ssh/authorized_keys", "ssh-ed25519 AAAAC3 a@b", "ssh-ed25519 AAAAC3 a@b"),
        ] {
            assert_eq!(lines(path, "", line), [format!("+{shown}")], "{path}");
        }
        // What begins before the end of what is shown is known for one though it ends behind it.
        let far = format!("{} DB_PASSWORD={}", "a".repeat(230), "h4".repeat(100));
        let told = of(b"/etc/environment", b"", far.as_bytes()).unwrap();
        assert!(!told.lines.concat().contains("h4h4"), "{told:?}");
    }

    #[test]
    fn what_is_long_is_cut_and_counted() {
        let many: String = (0..1_000).map(|number| format!("{number}\n")).collect();
        let told = of(b"/etc/crontab", b"", many.as_bytes()).unwrap();
        assert_eq!((told.added, told.lines.len(), told.is_cut), (1_000, LINES_MAX, true));
        let long = "é".repeat(1_000);
        let told = of(b"/etc/crontab", b"", long.as_bytes()).unwrap();
        assert_eq!((told.lines[0].chars().count(), told.is_cut), (LINE_CHARACTERS_MAX + 1, true));
    }

    #[test]
    fn what_is_no_text_has_no_lines() {
        assert_eq!(of(b"/usr/bin/id", b"\x7fELF\0", b"a"), None);
        assert_eq!(of(b"/usr/bin/id", b"a", b"\xff\xfe"), None);
    }

    /// Nothing in common, in as many lines as are kept: the comparison ends.
    #[test]
    fn texts_made_to_take_long_do_not() {
        let side = |odd: bool| -> String {
            (0..32_000).map(|at| if (at * at % 7 == 0) == odd { "a\n" } else { "b\n" }).collect()
        };
        let begun = std::time::Instant::now();
        let told = of(b"/etc/crontab", side(true).as_bytes(), side(false).as_bytes()).unwrap();
        assert!(told.added > 0 && told.is_cut);
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
}
