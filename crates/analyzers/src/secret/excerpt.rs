//! What a reader may see of a secret: enough to find it, too little to use it.

/// Secrets shorter than this show nothing of themselves.
const SHOWING: usize = 16;
/// How many characters the others show: as many as the fixed beginnings of most kinds.
const SHOWN: usize = 4;

/// `AKIA… (20 characters)`; of a secret over several lines its first line, which is its kind's.
pub(super) fn excerpt(secret: &[u8]) -> String {
    let text = String::from_utf8_lossy(secret);
    let count = text.chars().count();
    let first = text.lines().next().unwrap_or_default();
    let is_heading = first.starts_with("-----BEGIN") && first.ends_with("-----");
    if is_heading && first.len() < text.len() {
        return format!("{first}… ({count} characters)");
    }
    let shown: String = if count < SHOWING {
        String::new()
    } else {
        text.chars().take(SHOWN).filter(|c| c.is_ascii_graphic()).collect()
    };
    format!("{shown}… ({count} characters)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_little() {
        let cases: &[(&str, &str)] = &[
            ("", "… (0 characters)"),
            ("hunter2", "… (7 characters)"),
            ("AKIAIOSFODNN7EXAMPLE", "AKIA… (20 characters)"),
            ("\u{1b}[31mabcdefghijklmnop", "[31… (21 characters)"),
            ("-----BEGIN PRIVATE KEY-----\nAAAA", "-----BEGIN PRIVATE KEY-----… (32 characters)"),
        ];
        for (secret, expected) in cases {
            assert_eq!(excerpt(secret.as_bytes()), *expected);
        }
    }
}
