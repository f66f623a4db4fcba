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
        r#"(?s)(?<before>(?<name>[A-Za-z_][\w.-]*)=)(?<value>"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"']+)"#;
    Regex::new(assignment).expect("a test compiles it")
});

/// Where programs are given a password: as an option, a word, or through a pipe. What stands for
/// it ends before a quote or a backslash, so that a list in brackets stays one.
static SPOKEN: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let value = r#"(?<value>"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'\\]+)"#;
    let before = [
        r"(?i)(?:^|[\s\x22'])--?(?:password|passwd|token|secret)(?:=|[ \t]+)",
        r"(?:^|\s)(?:-u|--user)(?:=|[ \t]*)[^\s:\x22'=]+:",
        r"\bsshpass[ \t]+-p[ \t]*",
        r"\b(?:mysql|mariadb)\w*[ \t](?:[^|;&\n]*?[ \t])?-p",
        r"\b(?:user|use)(?:add|mod)[ \t](?:[^|;&\n]*?[ \t])?-p[ \t]*",
    ];
    let mut patterns: Vec<String> =
        before.iter().map(|it| format!("(?<before>{it}){value}")).collect();
    // All that is written into the pipe: a name, a colon, a password.
    let written = r#"(?<value>(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^|;&\n"'])+?)"#;
    let reader = r"[ \t]*\|[ \t]*(?:sudo[ \t]+)?(?:/\S*/)?(?:chpasswd|passwd)\b";
    patterns.push(format!(r"(?<before>\b(?:echo|printf)[ \t]+){written}{reader}"));
    patterns.iter().map(|it| Regex::new(it).expect("a test compiles it")).collect()
});

/// The older form of `ENV`: a name, and all that follows.
static OLD_FORM: LazyLock<Regex> = LazyLock::new(|| {
    let form = r"(?<before>\bENV[ \t]+(?<name>[A-Za-z_][\w.-]*)[ \t]+)(?<value>[^\n]+)";
    Regex::new(form).expect("a test compiles it")
});

/// Whether a variable of this name, with this value, gives something away.
pub(crate) fn gives_away(name: &str, value: &str) -> bool {
    TELLING.is_match(name) && !HARMLESS.is_match(name) && is_literal(value)
}

/// Whether a value stands for itself: no reference, switch, number or path.
fn is_literal(value: &str) -> bool {
    let value = value.trim().trim_matches(['"', '\'']);
    let lower = value.to_ascii_lowercase();
    // `$2y$10$…` is a hash: a name begins with a letter.
    let named = value.strip_prefix('$').map(|rest| rest.strip_prefix('{').unwrap_or(rest));
    let is_name =
        |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphabetic() || "_(".contains(c));
    let is_reference = named.is_some_and(is_name) || value.contains("${") || value.contains("{{");
    let is_encoded = value.contains(['+', '=']) || value.matches('/').count() < 2;
    let is_path = value.starts_with('/') && !is_encoded || value.starts_with("./");
    let is_switch = matches!(&*lower, "true" | "false" | "yes" | "no" | "none" | "null" | "unset");
    let is_placeholder = value.starts_with('<') || value.starts_with("**");
    !(value.is_empty() || is_reference || is_path || is_switch || is_placeholder)
}

/// `NAME=value`, of which the value is masked where it is or gives away a secret.
pub fn value(name: &str, value: &str) -> String {
    if gives_away(name, value) {
        return masked(value);
    }
    let line = FINDER.redacted(&format!("{name}={value}"), in_a_word);
    let kept = line.strip_prefix(name).and_then(|rest| rest.strip_prefix('='));
    kept.map_or_else(|| masked(value), str::to_owned)
}

/// A text of any kind with nothing in it that is or gives away a secret.
pub fn text(text: &str) -> String {
    let mut text = FINDER.redacted(text, in_a_word);
    for spoken in &*SPOKEN {
        text = hidden(&text, spoken, |_, value| is_literal(value));
    }
    text = hidden(&text, &OLD_FORM, |name, value| gives_away(name, value));
    hidden(&text, &ASSIGNMENT, gives_away)
}

/// The text without the values that an expression finds and that are for few.
fn hidden(text: &str, expression: &Regex, is_secret: impl Fn(&str, &str) -> bool) -> String {
    let hide = |captures: &Captures<'_>| {
        let whole = captures.get(0).map_or("", |it| it.as_str());
        let part = |name: &str| captures.name(name).map_or("", |it| it.as_str());
        let (before, value) = (part("before"), part("value"));
        // What is masked already tells its length; it stays.
        if value.contains('…') || !is_secret(part("name"), value) {
            return whole.to_owned();
        }
        let after = whole.get(before.len() + value.len()..).unwrap_or_default();
        format!("{before}{}{after}", masked(value))
    };
    expression.replace_all(text, hide).into_owned()
}

/// An excerpt without blanks: what it stands in is a single word of a command.
fn in_a_word(excerpt: String) -> String {
    excerpt.replace(' ', "_")
}

/// Says no more than that something was there.
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
            "ALLOW_EMPTY_PASSWORD",
            "TOKENIZERS_PARALLELISM",
            "AWS_ACCESS_KEY_ID",
        ];
        for name in telling {
            assert!(gives_away(name, "hunter2"), "{name}");
        }
        for name in harmless {
            assert!(!gives_away(name, "hunter2"), "{name}");
        }
        for value in ["", "true", "${DB}", "$DB", "/run/secrets/db", "<yours>", "{{ .x }}"] {
            assert!(!gives_away("DB_PASSWORD", value), "{value}");
        }
    }

    #[test]
    fn hashes_and_keys_are_no_references() {
        for value in ["$2y$10$abcdefgh", "/9abc/def+g==", "/9abcdef", "hunter2"] {
            assert!(gives_away("DB_PASSWORD", value), "{value}");
        }
    }

    #[test]
    fn nothing_of_a_secret_is_left() {
        let cases = [
            ("curl --token=abcdef https://x", "curl --token=…(6_characters) https://x"),
            ("curl --password hunter2 x", "curl --password …(7_characters) x"),
            ("curl -u bob:hunter2 x", "curl -u bob:…(7_characters) x"),
            ("docker run -u $UID:$GID x", "docker run -u $UID:$GID x"),
            ("sshpass -p hunter2 ssh h", "sshpass -p …(7_characters) ssh h"),
            ("mysql -u root -phunter2 db", "mysql -u root -p…(7_characters) db"),
            ("mysql -p db", "mysql -p db"),
            ("useradd -m -p Sup3r app", "useradd -m -p …(5_characters) app"),
            ("usermod -p \"\" app", "usermod -p \"\" app"),
            ("echo root:toor77 | chpasswd", "echo …(11_characters) | chpasswd"),
            ("echo root:toor77 | wc", "echo root:toor77 | wc"),
            ("ENV DB_PASSWORD hunter 2", "ENV DB_PASSWORD …(8_characters)"),
            ("ENV PATH /bin", "ENV PATH /bin"),
            ("[\"mysql -phunter2\"]", "[\"mysql -p…(7_characters)\"]"),
            ("mysql --password=hunter2 db", "mysql --password=…(7_characters) db"),
            ("ENV A=1 DB_PASSWORD=\"hun ter2\" B=2", "ENV A=1 DB_PASSWORD=…(10_characters) B=2"),
        ];
        for (given, expected) in cases {
            assert_eq!(text(given), expected);
        }
        let token = format!("gh{}p_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1yLcDB", "");
        let shown = text(&format!("git clone https://x:{token}@host/r"));
        assert!(!shown.contains("aaaaaaaa"), "{shown}");
    }
}
