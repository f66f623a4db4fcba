//! Which names say that their value is for few, and which values give something away.

use std::sync::LazyLock;

use regex::Regex;

/// What a name ends in or holds whose value is for few.
static TELLING: LazyLock<Regex> = LazyLock::new(|| {
    let telling = r"(?ix)
        passw(or)?d | passphrase | (^|[_.-])(pass|pwd|pw|psk|bearer)$ | (store|key|require|ssh)pass$
        | masterauth | (^|_)redis(cli)?_auth$ | erlang_cookie$ | ^pgpass$
        | secret | (^|[_.-])tokens?$ | (^|:)_auth$
        | (access|auth|bearer|refresh|api|bot|csrf|id|jwt|github|gitlab|npm|slack|session)_?token
        | (api|access|private|encryption|signing|master|account|storage|license|fernet)[_.-]?key
        | credential | connection[_.-]?string | ^(proxy-)?authorization$ | ^(set-)?cookie$";
    Regex::new(telling).expect("a test compiles it")
});

/// What a name ends in that speaks of a secret and does not hold one.
static HARMLESS: LazyLock<Regex> = LazyLock::new(|| {
    let harmless = r"(?ix)
        [_.-](file|path|dir|url|uri|endpoint|host|name|names|namespace|id|ids|type|length|size|ttl
        |expiry|expires|expiration|timeout|age|enabled|disabled|required|policy|prefix|suffix|header
        |algorithm|version|count|min|max|field|user|username|arn|provider|mode|format|fingerprint
        |store|location|ref|hint|backend|engine|manager|helper|plugin|driver|stdin|fd)$
        | (?-i:[a-z](File|Path|Dir|Url|Uri|Host|Name|Namespace|Id|Type|Ref|Policy)$)
        | (existing|pull|tls)[_.-]?secrets?$ | public | ^(gpg|pgp)_
        | ^(no|allow|ask|disabled?|enabled?|generate|max|random|require|skip|use|with|without)[_-]";
    Regex::new(harmless).expect("a test compiles it")
});

/// What something else is put in the place of, by a shell, a builder, a template or `printf`; a
/// default stands for itself, and so does what is put in where there is another.
static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    let reference = r"(?xs)
        \$?\{\{ .*? \}\}
        | \$\{ [A-Za-z_!]\w* (?: :?\?[^}]* | :?[-=+](?<default>[^}]*) )? \}
        | \$\( (?: [^()] | \( (?: [^()] | \( [^()]* \) )* \) )* \) | ^(env|fd|file): .* | `[^`]*`
        | \$(?i:env:)?[A-Za-z_]\w* | %[A-Za-z_]\w*% | %[sd] | \\[nrt]";
    Regex::new(reference).expect("a test compiles it")
});

/// Whether a variable of this name, with this value, gives something away.
pub(crate) fn gives_away(name: &str, value: &str) -> bool {
    is_telling(name) && is_literal(value)
}

/// Whether the value of a variable of this name is for few.
pub(super) fn is_telling(name: &str) -> bool {
    TELLING.is_match(name) && !HARMLESS.is_match(name)
}

/// Whether a value stands for itself: no reference, switch or path.
pub(super) fn is_literal(value: &str) -> bool {
    let value = value.trim().trim_matches(['"', '\'']);
    let lower = value.to_ascii_lowercase();
    // Of references nothing is left but what stands between them.
    let rest = REFERENCE.replace_all(value, "$default");
    let is_reference = rest != value && !rest.contains(char::is_alphanumeric);
    // Base64 may begin with a slash, too.
    let segments = value.matches('/').count();
    let is_path = !value.contains(['+', '='])
        && (value.starts_with("./") || (value.starts_with('/') && segments > 1));
    // `simple` is one of etcd's.
    let is_switch =
        matches!(&*lower, "true" | "false" | "yes" | "no" | "none" | "null" | "unset" | "simple");
    let is_placeholder = value.starts_with('<') || value.starts_with("**");
    !(value.is_empty() || is_reference || is_path || is_switch || is_placeholder)
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
            "REDISCLI_AUTH",
            "AIRFLOW__CORE__FERNET_KEY",
            "RABBITMQ_ERLANG_COOKIE",
            "PGPASS",
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
    }

    #[test]
    fn references_and_paths_give_nothing_away() {
        let nothing = [
            "",
            "true",
            "${DB}",
            "$DB",
            "\"$DB\"",
            "$A$B",
            "${A}:${B}",
            "${DB:?must be set}",
            "${DB:-}",
            "$(cat x)",
            "$(cat $(dirname $(which x)))",
            "$(a)-$(b)",
            "`cat x`",
            "/run/secrets/db",
            "<yours>",
            "{{ .x }}",
            "${{ secrets.x }}",
            "%DB%",
        ];
        for value in nothing {
            assert!(!gives_away("DB_PASSWORD", value), "{value}");
        }
        let something = [
            "hunter2",
            "$2y$10$abcdefgh",
            "/9abcDEF012==",
            "/9abc/DEF+012",
            "12345678",
            "!!!",
            "${DB:-hunter2}",
            "${DB}hunter2",
            "$USER:hunter2",
            "$(hostname)-hunter2-$(date +%s)",
            "`a`hunter2`b`",
        ];
        for value in something {
            assert!(gives_away("DB_PASSWORD", value), "{value}");
        }
    }
}
