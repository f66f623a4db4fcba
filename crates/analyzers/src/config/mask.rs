//! Takes secrets out of texts, so that what is left may be looked at and shown.
//!
//! Three things make a value one: that the finder of secrets says so, that its name does, and that
//! it stands where a command awaits one. Values of the latter kinds need no form
//! (`DB_PASSWORD=hunter2`, `mysql -phunter2`). This is the one redactor of texts that are shown: of
//! commands, variables and labels, in checks and in reports.

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

/// Where commands and instructions await a secret; what is named `_…` is the secret.
static AWAITED: LazyLock<Regex> = LazyLock::new(|| {
    let value = r#"(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'|;&]+)"#;
    // Up to an option of the same command.
    let before = r"[^|;&\n]*?\s";
    let awaited = [
        format!(
            r"(?:^|\s)--?(?i:[a-z-]*(?:password|passwd|passphrase|secret|token))[\s=]+(?<_option>{value})"
        ),
        format!(r"\bsshpass\s+-p\s*(?<_sshpass>{value})"),
        format!(r"\b(?:mysql|mysqladmin|mysqldump|mariadb)\b{before}-p(?<_mysql>{value})"),
        format!(r"\buser(?:add|mod)\b{before}-p\s*(?<_useradd>{value})"),
        format!(
            r#"\b(?:curl|wget)\b{before}(?:-u|--user|-U|--proxy-user)[\s=]*["']?[^\s:"'|;&-][^\s:"'|;&]*:(?<_curl>[^\s"'|;&]+)"#
        ),
        format!(
            r"\b(?:echo|printf)\s+(?:-\w+\s+)*(?<_piped>{value})\s*\|\s*(?:sudo\s+)?(?:chpasswd|passwd)\b"
        ),
    ];
    Regex::new(&awaited.join("|")).expect("a test compiles it")
});

/// The older form of `ENV`: a name, and all that follows it.
static OLD_FORM: LazyLock<Regex> = LazyLock::new(|| {
    let old_form = r"^(?<before>(?:/bin/sh -c #\(nop\)\s+)?ENV\s+(?<name>[A-Za-z_][\w.-]*)\s+)(?<value>[^\s=].*)$";
    Regex::new(old_form).expect("a test compiles it")
});

/// What a shell or a builder puts something else in the place of: `$NAME`, `${NAME}`, `$(command)`.
static REFERENCE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\$[{(A-Za-z_]|\$\{|\{\{").expect("a test compiles it"));

/// Whether a variable of this name, with this value, gives something away.
pub(crate) fn gives_away(name: &str, value: &str) -> bool {
    TELLING.is_match(name) && !HARMLESS.is_match(name) && is_literal(value)
}

/// Whether a value stands for itself: no reference, switch or path.
fn is_literal(value: &str) -> bool {
    let value = value.trim().trim_matches(['"', '\'']);
    let lower = value.to_ascii_lowercase();
    let is_reference = REFERENCE.is_match(value);
    // Base64 may begin with a slash, too.
    let segments = value.matches('/').count();
    let is_path = !value.contains(['+', '='])
        && (value.starts_with("./") || (value.starts_with('/') && segments > 1));
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
    let text = FINDER.redacted(text, in_a_word);
    let named = |captures: &Captures<'_>| {
        let part = |name: &str| captures.name(name).map_or("", |it| it.as_str());
        let (before, name, value) = (part("before"), part("name"), part("value"));
        if gives_away(name, value) && !value.contains('…') {
            format!("{before}{}", masked(value))
        } else {
            part_of(captures).to_owned()
        }
    };
    let text = OLD_FORM.replace(&text, named);
    let text = ASSIGNMENT.replace_all(&text, named);
    AWAITED.replace_all(&text, awaited).into_owned()
}

/// The same text, without the secret that a command awaits in it. It may stand there a second time,
/// for a name: the place counts.
fn awaited(captures: &Captures<'_>) -> String {
    let whole = part_of(captures);
    let begin = captures.get(0).map_or(0, |it| it.start());
    let Some(secret) = captures.iter().skip(1).flatten().next() else { return whole.to_owned() };
    let text = secret.as_str();
    let before = whole.get(..secret.start().saturating_sub(begin));
    let behind = whole.get(secret.end().saturating_sub(begin)..);
    match (before, behind) {
        (Some(before), Some(behind))
            if is_literal(text) && !text.contains('…') && !text.starts_with('-') =>
        {
            [before, &masked(text), behind].concat()
        }
        _ => whole.to_owned(),
    }
}

fn part_of<'t>(captures: &Captures<'t>) -> &'t str {
    captures.get(0).map_or("", |it| it.as_str())
}

/// An excerpt without blanks and brackets: what it stands in is a single word of a command.
fn in_a_word(excerpt: String) -> String {
    excerpt.replace(" (", "_").replace(' ', "_").replace(')', "")
}

/// Says no more than that something was there.
fn masked(value: &str) -> String {
    format!("…_{}_characters", value.chars().count())
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
        for value in
            ["", "true", "${DB}", "$DB", "$(cat x)", "/run/secrets/db", "<yours>", "{{ .x }}"]
        {
            assert!(!gives_away("DB_PASSWORD", value), "{value}");
        }
        for value in ["hunter2", "$2y$10$abcdefgh", "/9abcDEF012==", "/9abc/DEF+012", "12345678"] {
            assert!(gives_away("DB_PASSWORD", value), "{value}");
        }
    }

    #[test]
    fn nothing_of_a_secret_is_left() {
        let cases = [
            ("curl --token=abcdef https://x", "curl --token=…_6_characters https://x"),
            ("mysql --password=hunter2 db", "mysql --password=…_7_characters db"),
            ("mysql -uroot -phunter2 db", "mysql -uroot -p…_7_characters db"),
            ("curl --password hunter2 https://x", "curl --password …_7_characters https://x"),
            ("curl -fsu bob:hunter2 -k x", "curl -fsu bob:hunter2 -k x"),
            ("curl -k -u bob:hunter2 x", "curl -k -u bob:…_7_characters x"),
            ("mysql -uroot -proot db", "mysql -uroot -p…_4_characters db"),
            ("mysql -P 3306 -proot db", "mysql -P 3306 -p…_4_characters db"),
            ("wget --user bob:bob x", "wget --user bob:…_3_characters x"),
            ("curl --API-Token abcd x", "curl --API-Token …_4_characters x"),
            ("sshpass -p hunter2 ssh a", "sshpass -p …_7_characters ssh a"),
            ("useradd -m -p Sup3r app", "useradd -m -p …_5_characters app"),
            ("echo 'root:toor77' | chpasswd", "echo …_13_characters | chpasswd"),
            ("ENV DB_PASSWORD hun ter2", "ENV DB_PASSWORD …_8_characters"),
            (
                "/bin/sh -c #(nop)  ENV DB_PASSWORD=x1",
                "/bin/sh -c #(nop)  ENV DB_PASSWORD=…_2_characters",
            ),
            ("ENV A=1 DB_PASSWORD=\"hun ter2\" B=2", "ENV A=1 DB_PASSWORD=…_10_characters B=2"),
            (
                "|1 DB_PASSWORD=hunter2 /bin/sh -c make",
                "|1 DB_PASSWORD=…_7_characters /bin/sh -c make",
            ),
        ];
        let harmless = [
            "mysql -p db -h x",
            "mysql -P3306 -h x",
            "useradd -P /srv app",
            "curl --password $PASSWORD x",
            "useradd --password-file /run/x",
            "cp -p a b && mysql --help",
            "ENV PATH /usr/bin",
            "docker run --token-ttl=3 x",
            "curl -u $USER:$PASS x",
        ];
        for given in harmless {
            assert_eq!(text(given), given);
        }
        for (given, expected) in cases {
            assert_eq!(text(given), expected);
        }
        let token = format!("gh{}p_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1yLcDB", "");
        let shown = text(&format!("git clone https://x:{token}@host/r"));
        assert!(!shown.contains("aaaaaaaa"), "{shown}");
    }
}
