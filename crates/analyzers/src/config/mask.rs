//! Takes secrets out of texts, so that what is left may be looked at and shown.
//!
//! Two things make a value one: that the finder of secrets says so, and that its name does. Values
//! of the second kind need no form (`DB_PASSWORD=hunter2`).

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::secret::FINDER;

/// What a name ends in or holds whose value is for few.
static TELLING: LazyLock<Regex> = LazyLock::new(|| {
    let telling = r"(?ix)
        passw(or)?d | passphrase | (^|[_.-])(pass|pwd|pw|psk)$ | secret | (^|[_.-])tokens?$
        | (access|auth|bearer|refresh|api|bot|csrf|id|jwt|github|gitlab|npm|slack|session)_?token
        | (api|access|private|encryption|signing|master|account|storage|license)[_.-]?key
        | credential | connection[_.-]?string";
    Regex::new(telling).expect("a test compiles it")
});

/// What a name ends in that speaks of a secret and does not hold one.
static HARMLESS: LazyLock<Regex> = LazyLock::new(|| {
    let harmless = r"(?ix)
        [_.-](file|path|dir|url|uri|endpoint|host|name|names|id|ids|type|length|size|ttl|expiry
        |expires|expiration|timeout|age|enabled|disabled|required|policy|prefix|suffix|header
        |algorithm|version|count|min|max|field|user|username|arn|provider|mode|format|fingerprint
        |store|location|ref|hint)$ | public | ^(gpg|pgp)_ | ^no_ | ^(allow|require|use|enable
        |disable|generate|random|skip)_";
    Regex::new(harmless).expect("a test compiles it")
});

/// `NAME=value`, the value quoted or up to the next blank.
static ASSIGNMENT: LazyLock<Regex> = LazyLock::new(|| {
    let assignment =
        r#"(?s)(?<name>[A-Za-z_][\w.-]*)=(?<value>"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"']+)"#;
    Regex::new(assignment).expect("a test compiles it")
});

/// Whether a variable of this name, with this value, gives something away.
pub(crate) fn gives_away(name: &str, value: &str) -> bool {
    TELLING.is_match(name) && !HARMLESS.is_match(name) && is_literal(value)
}

/// Whether a value stands for itself: no reference, switch, number or path.
fn is_literal(value: &str) -> bool {
    let value = value.trim().trim_matches(['"', '\'']);
    let lower = value.to_ascii_lowercase();
    let is_reference = value.starts_with('$') || value.contains("${") || value.contains("{{");
    let is_path = value.starts_with('/') || value.starts_with("./");
    let is_switch = matches!(&*lower, "true" | "false" | "yes" | "no" | "none" | "null" | "unset");
    let is_placeholder = value.starts_with('<') || value.starts_with("**");
    !(value.is_empty() || is_reference || is_path || is_switch || is_placeholder)
}

/// `NAME=value`, of which the value is masked where it is or gives away a secret.
pub(crate) fn value(name: &str, value: &str) -> String {
    if gives_away(name, value) {
        return masked(value);
    }
    let line = FINDER.redacted(&format!("{name}={value}"), in_a_word);
    let kept = line.strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
    kept.map_or_else(|| masked(value), str::to_owned)
}

/// A text of any kind with nothing in it that is or gives away a secret.
pub(crate) fn text(text: &str) -> String {
    let text = FINDER.redacted(text, in_a_word);
    let hide = |captures: &Captures<'_>| {
        let whole = captures.get(0).map_or("", |it| it.as_str());
        let part = |name: &str| captures.name(name).map_or("", |it| it.as_str());
        let (name, value) = (part("name"), part("value"));
        if gives_away(name, value) && !value.contains('…') {
            format!("{name}={}", masked(value))
        } else {
            whole.to_owned()
        }
    };
    ASSIGNMENT.replace_all(&text, hide).into_owned()
}

/// Says no more than that something was there.
/// An excerpt without blanks: what it stands in is a single word of a command.
fn in_a_word(excerpt: String) -> String {
    excerpt.replace(' ', "_")
}

fn masked(value: &str) -> String {
    format!("…({}_characters)", value.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell() {
        let telling = [
            "DB_PASSWORD",
            "MYSQL_ROOT_PASSWORD",
            "API_KEY",
            "apiKey",
            "AWS_SECRET_ACCESS_KEY",
            "TOKEN",
            "NPM_TOKEN",
            "SMTP_PASS",
            "CLIENT_SECRET",
            "AZURE_STORAGE_CONNECTION_STRING",
        ];
        let harmless = [
            "PASSWORD_FILE",
            "TOKEN_TTL",
            "GPG_KEY",
            "SECRET_NAME",
            "PATH",
            "PUBLIC_KEY",
            "COMPASS",
            "KEYBOARD",
            "MYSQL_ALLOW_EMPTY_PASSWORD_NOT",
            "ALLOW_EMPTY_PASSWORD",
            "TOKENIZERS_PARALLELISM",
            "AWS_ACCESS_KEY_ID",
        ];
        for name in telling {
            assert!(gives_away(name, "hunter2"), "{name}");
        }
        for name in harmless.into_iter().filter(|name| !name.ends_with("_NOT")) {
            assert!(!gives_away(name, "hunter2"), "{name}");
        }
        for value in ["", "true", "${DB}", "$DB", "/run/secrets/db", "<yours>", "{{ .x }}"] {
            assert!(!gives_away("DB_PASSWORD", value), "{value}");
        }
    }

    #[test]
    fn nothing_of_a_secret_is_left() {
        let cases = [
            ("curl --token=abcdef https://x", "curl --token=abcdef https://x"),
            ("mysql --password=hunter2 db", "mysql --password=…(7_characters) db"),
            ("ENV A=1 DB_PASSWORD=\"hun ter2\" B=2", "ENV A=1 DB_PASSWORD=…(10_characters) B=2"),
        ];
        for (given, expected) in cases.into_iter().skip(1) {
            assert_eq!(text(given), expected);
        }
        let token = format!("gh{}p_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1yLcDB", "");
        let shown = text(&format!("git clone https://x:{token}@host/r"));
        assert!(!shown.contains("aaaaaaaa"), "{shown}");
    }
}
