//! Secrets that stand where a command awaits them, and need no form for it (`mysql -phunter2`).
//!
//! A new command is a line of `COMMANDS`. What it awaits is looked for in all that follows its name,
//! up to the end of the command, since such options may come several times.

use std::sync::LazyLock;

use regex::Regex;

use super::Places;

/// One word, which may be quoted, or what a command writes.
const WORD: &str = r#"(?:\$\([^()\n]*\)|"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'|;&]+)"#;

/// A user and a password in one word.
const PAIR: &str = r#"(?:"[^":]+:(?<_a>[^"]+)|'[^':]+:(?<_b>[^']+)|[^\s:"'|;&-][^\s:"'|;&]*:(?<secret>[^\s"'|;&]+))"#;

/// Programs, and what they await; `{}` is where the secret stands, `{pair}` a user's in front of it.
const COMMANDS: [(&str, &str); 17] = [
    (
        r"sshpass|user(?:add|mod)|mysql\w*|mariadb[\w-]*|mongo\w*|7z[ar]?|(?:docker|podman|nerdctl|skopeo|buildah|crane|oras|helm\s+registry|az)\s+login",
        r"\s-p\s*{}",
    ),
    (r"redis-cli|valkey-cli", r"\s-a\s*{}"),
    ("sqlcmd|bcp|isql|zip|unzip", r"\s-P\s*{}"),
    (r"ldap\w+", r"\s-w\s*{}"),
    ("curl|wget", r"\s(?:-[a-zA-Z]{0,8}[uU]|--user|--proxy-user)[\s=]*{pair}"),
    // A file, a user and the password; with `-n` no file.
    ("htpasswd", r"\s-[a-mo-zA-Z]*b[a-mo-zA-Z]*(?:\s+-\S+)*\s+[^\s-]\S*\s+\S+\s+{}"),
    ("htpasswd", r"\s-(?:\w*n\w*b|\w*b\w*n)\w*(?:\s+-\S+)*\s+[^\s-]\S*\s+{}"),
    (
        "openssl",
        r"\spasswd(?:\s+-(?:salt|in|rand|writerand)\s+\S+|\s+-\S+)*\s+(?<secret>[^\s|;&)-][^\s|;&)]*)",
    ),
    ("openssl|keytool", r"\s-pass(?:in|out)?\s+pass:{}"),
    ("openssl", r"\s-k\s+{}"),
    ("mysqladmin|mariadb-admin", r"\spassword\s+{}"),
    ("composer", r"\s(?:http-basic\.\S+\s+\S+|(?:github-oauth|gitlab-token|bearer)\.\S+)\s+{}"),
    (r"vault\s+login|snyk\s+auth", r"^\s+(?:-\S+\s+)*{}"),
    ("mc", r"\s(?:alias\s+set|config\s+host\s+add)\s+\S+\s+\S+\s+\S+\s+{}"),
    ("smbclient", r"\s-U\s*[^\s%]+%{}"),
    ("rabbitmqctl", r"\s(?:add_user|change_password|authenticate_user)\s+\S+\s+{}"),
    ("mkpasswd", r"\s(?<secret>[^\s|;&)-][^\s|;&)]*)"),
];

/// What any program may await, wherever it stands.
const ANYWHERE: [&str; 5] = [
    // A secret by itself may be the name of one: `--pull-secret`.
    r"(?:^|\s)--?(?i:[a-z-]*(?:password|passwd|passphrase|token|storepass|keypass|requirepass|masterauth|api-?key|access-?key|secret-?key)|(?:[a-z-]*(?:access|api|app|auth|client|consumer|cookie|encryption|hmac|jwt|master|rpc|session|shared|signing|user|webhook)-)?secret|-pass)[\s=]+{}",
    r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@"'<>]*:(?<secret>[^\s/@"'<>]+)@"#,
    // A token in the place of a user.
    r#"https?://(?<secret>[^\s/:@"'<>]+)@"#,
    // SQL.
    r"(?i:\b(?:identified\s+(?:with\s+\S+\s+)?by|password)\s+)'(?<secret>[^']+)'",
    // A line of `.netrc`.
    r"\blogin\s+\S+\s+password\s+{}",
];

/// What belongs to a command, from behind its name on.
static REST: LazyLock<Regex> = LazyLock::new(|| {
    let rest = r#"(?s)^(?:\\.|"(?:[^"\\]|\\.)*"|'[^']*'|\$\([^()\n]*\)|[^|;&()\n"'\\])*"#;
    Regex::new(rest).expect("a test compiles it")
});

static COMPILED: LazyLock<Vec<(Regex, Regex)>> = LazyLock::new(|| {
    let compile = |(programs, awaited): (&str, &str)| {
        // The blank behind the name is part of what follows.
        let programs = format!(r"(?:^|[^\w.-])(?<name>{programs})(?:\s|$)");
        (Regex::new(&programs).expect("a test compiles it"), awaiting(awaited))
    };
    COMMANDS.into_iter().map(compile).collect()
});

static EVERYWHERE: LazyLock<[Regex; 5]> = LazyLock::new(|| ANYWHERE.map(awaiting));

fn awaiting(form: &str) -> Regex {
    let form = form.replace("{pair}", PAIR).replace("{}", &format!("(?<secret>{WORD})"));
    Regex::new(&form).expect("a test compiles it")
}

pub(super) fn find(shape: &str, places: &mut Places) {
    for awaited in &*EVERYWHERE {
        add(awaited, shape, 0, places);
    }
    for (programs, awaited) in &*COMPILED {
        let mut at = 0;
        while let Some(name) = programs.captures_at(shape, at).and_then(|it| it.name("name")) {
            let rest = shape.get(name.end()..).unwrap_or_default();
            let length = REST.find(rest).map_or(0, |rest| rest.len());
            add(awaited, rest.get(..length).unwrap_or_default(), name.end(), places);
            // Where nothing belongs to it the line ends behind it, or the text.
            at = name.end().saturating_add(length.max(1));
            if at > shape.len() {
                break;
            }
        }
    }
}

fn add(awaited: &Regex, text: &str, begin: usize, places: &mut Places) {
    for captures in awaited.captures_iter(text) {
        let secret = captures.iter().skip(1).flatten().next();
        // An option is no secret, but the next of the same command.
        if let Some(secret) = secret.filter(|it| !it.as_str().starts_with('-')) {
            let at = |end: usize| begin.saturating_add(end);
            places.push(at(secret.start())..at(secret.end()));
        }
    }
}
