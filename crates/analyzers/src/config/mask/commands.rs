//! Secrets that stand where a command awaits them, and need no form for it (`mysql -phunter2`).
//!
//! A new command is a line of `COMMANDS`. What it awaits is looked for in all that follows its name,
//! up to the end of the command, since such options may come several times.

use std::sync::LazyLock;

use regex::Regex;

use super::Places;
use super::word::{PIECES, operand};

/// A user and a password in one word.
const PAIR: &str = r#"(?:"[^":]+:(?<_a>(?:[^"\\]|\\.)+)|\$?'[^':]+:(?<_b>[^']+)|["']?[^\s:"'|;&-][^\s:"'|;&]*["']?:(?<secret>(?:{pieces})+))"#;

/// Whom services call the user of a token.
const USERS: [&str; 6] =
    ["git", "oauth", "oauth2", "x-access-token", "x-oauth-basic", "x-token-auth"];

/// Programs, and what they await; `{}` is where the secret stands, `{pair}` a user's in front of it.
const COMMANDS: [(&str, &str); 23] = [
    (
        r"sshpass|user(?:add|mod)|mysql\w*|mariadb[\w-]*|mongo\w*|7z[ar]?|(?:un)?rar|cqlsh|twine|dotnet\s+nuget|(?:docker|podman|nerdctl|skopeo|buildah|crane|oras|helm\s+registry|az)\s+login",
        r"\s-p\s*{}",
    ),
    (r"redis-cli|valkey-cli", r"\s-a\s*{}"),
    ("(?:un)?rar", r"\s-hp\s*{}"),
    ("ssh-keygen", r"\s-[NP]\s*{}"),
    ("lftp", r"\s-u\s*[^\s,]+,{}"),
    ("sqlcmd|bcp|isql|zip|unzip", r"\s-P\s*{}"),
    (r"ldap\w+", r"\s-w\s*{}"),
    ("curl|wget", r"\s(?:-[a-zA-Z]{0,8}[uU]|--user|--proxy-user)[\s=]*{pair}"),
    // A file, a user and the password; with `-n` no file.
    (
        "htpasswd|mosquitto_passwd",
        r"\s-[a-mo-zA-Z]*b[a-mo-zA-Z]*(?:\s+-\S+)*\s+[^\s-]\S*\s+\S+\s+{}",
    ),
    ("htpasswd", r"\s-(?:\w*n\w*b|\w*b\w*n)\w*(?:\s+-\S+)*\s+[^\s-]\S*\s+{}"),
    (
        "openssl",
        r"\spasswd(?:\s+-(?:salt|in|rand|writerand)\s+\S+|\s+-\S+)*\s+(?<secret>[^\s|;&)-][^\s|;&)]*)",
    ),
    ("openssl|keytool", r"\s-pass(?:in|out)?\s+pass:{}"),
    ("openssl", r"\s-k\s+{}"),
    ("mysqladmin|mariadb-admin", r"\spassword\s+{}"),
    ("composer", r"\s(?:http-basic\.\S+\s+\S+|(?:github-oauth|gitlab-token|bearer)\.\S+)\s+{}"),
    // Others than a lone word say how it is to be asked for.
    (
        r"vault\s+login|snyk\s+auth|cargo\s+login",
        r"^\s+(?:-\S+\s+)*(?<secret>[^\s=|;&)-][^\s=|;&)]*)(?:[\s|;&)]|$)",
    ),
    ("mc", r"\s(?:alias\s+set|config\s+host\s+add)\s+\S+\s+\S+\s+\S+\s+{}"),
    ("smbclient", r"\s-U\s*[^\s%]+%{}"),
    ("rabbitmqctl", r"\s(?:add_user|change_password|authenticate_user)\s+\S+\s+{}"),
    (
        "sqlplus|rman|expdp|impdp|sqlldr",
        r#"\s[^\s/@"'-][^\s/@"']*/(?<secret>[^\s/@|;&"']+)(?:[@\s"']|$)"#,
    ),
    // Windows': options begin with a slash, and an asterisk asks for it.
    (r"net(?:\.exe)?\s+user", r"^\s+[^\s/]\S*\s+(?<secret>[^\s/*|;&][^\s|;&]*)"),
    ("(?i:convertto-securestring)", r"^\s+(?:-\w+\s+)*{}"),
    ("mkpasswd", r"\s(?<secret>[^\s|;&)-][^\s|;&)]*)"),
];

/// What any program may await, wherever it stands.
const ANYWHERE: [&str; 4] = [
    r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@"'<>]*:(?<secret>[^\s/@"'<>]+)@"#,
    // A token in the place of a user.
    r#"https?://(?<token>[^\s/:@"'<>]+)@"#,
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

static EVERYWHERE: LazyLock<[Regex; 4]> = LazyLock::new(|| ANYWHERE.map(awaiting));

fn awaiting(form: &str) -> Regex {
    let form = form.replace("{pair}", PAIR).replace("{pieces}", PIECES);
    let form = form.replace("{}", &format!("(?<secret>{})", operand()));
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
        let is_user = captures.name("token").is_some_and(|it| USERS.contains(&it.as_str()));
        if let Some(secret) = captures.iter().skip(1).flatten().next().filter(|_| !is_user) {
            let at = |end: usize| begin.saturating_add(end);
            places.push(at(secret.start())..at(secret.end()));
        }
    }
}
