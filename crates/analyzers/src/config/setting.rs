//! Which settings give a secret away, as checks report it.
//!
//! Masks hide where they are in doubt (`mask`); a report has to be sure: names speak of secrets that
//! hold none (`ACCESS_TOKEN_EXPIRE_MINUTES=30`). So the word that tells has to end the name, or the
//! value has to look like a secret, and what can be none is left out. Never more than masks hide.

use std::sync::LazyLock;

use regex::Regex;

use super::mask;

/// What a name ends in that holds a secret, and what people put behind it to tell several apart.
static HOLDS: LazyLock<Regex> = LazyLock::new(|| {
    let holds = r"(?ix)
        ( passw(or)?ds? | passphrases? | (^|[_.-])(pass|pw|pwd|psk|bearer) | (store|key|require|ssh)pass
        | masterauth | secrets? | tokens? | (^|:)_auth | key | keys | credentials? | connection[_.-]?string
        | authorization | cookie )
        ( [_.-]? ( \d+ | v\d+ | prod | production | dev | devel | development | test | testing | stag(e|ing)
        | live | sandbox | local | main | default | primary | secondary | backup | old | new | current
        | previous | base | value | plain | raw | hash | b64 | base64 | encoded ) )*$";
    Regex::new(holds).expect("a test compiles it")
});

/// Names that are taken for something else: the directory that a shell is in, and how many or which
/// words a model takes.
static OTHER: LazyLock<Regex> = LazyLock::new(|| {
    let other = r"(?ix) ^(old)?pwd$ | (^|[_.-])(csrf|xsrf)[_-]token[_-]?cookie$
        | (^|[_.-])(max|min|limit|num|count|context|input|output)([_-]\w+)?[_-]?tokens$
        | (^|[_.-])(pad|eos|bos|stop|sep|cls|mask|unk)[_-]?token$";
    Regex::new(other).expect("a test compiles it")
});

/// Values of no secret, whatever the name: how long, where in the cloud, a directory at the root.
static PLAIN: LazyLock<Regex> = LazyLock::new(|| {
    let plain = r"(?x) ^\d+(\.\d+)?\s?(ms|s|m|h|d|w|sec|min|minutes|hours|days)$
        | ^[a-z]{2}(-[a-z]+){1,2}-\d[a-z]?$ | ^/[a-z][a-z0-9._-]*/?$";
    Regex::new(plain).expect("a test compiles it")
});

/// What stands where a build wants some value and none that counts: `SECRET_KEY=dummy`.
static DUMMY: LazyLock<Regex> = LazyLock::new(|| {
    let dummy = r"(?ix) ^( dummy[\w-]* | [\w-]*dummy | fake[\w-]* | example | placeholder | build | unused
        | temporary | not[_-]?(a[_-]?)?secret | x+ | \d )$";
    Regex::new(dummy).expect("a test compiles it")
});

/// Digits that are too few for any secret but a password.
const DIGITS_MAX: usize = 5;

/// Where no name tells: characters that a secret has at least.
const RANDOM_MIN: usize = 16;

/// Whether a report may say that a variable of this name, with this value, gives something away.
pub(super) fn gives_away(name: &str, value: &str) -> bool {
    if !mask::gives_away(name, value) || OTHER.is_match(name) {
        return false;
    }
    let value = value.trim().trim_matches(['"', '\'']);
    if PLAIN.is_match(value) || is_dummy(name, value) {
        return false;
    }
    let is_password = is_of_password(name);
    let is_number = value.len() <= DIGITS_MAX && value.bytes().all(|it| it.is_ascii_digit());
    if HOLDS.is_match(name) { is_password || !is_number } else { is_random(value) }
}

/// Whether a secret is awaited and the value is none that counts. As a password any word is one.
pub(super) fn is_dummy(name: &str, value: &str) -> bool {
    mask::gives_away(name, value)
        && DUMMY.is_match(value.trim_matches(['"', '\'']))
        && !is_of_password(name)
}

fn is_of_password(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["pass", "pwd"].iter().any(|it| name.contains(it))
}

/// Whether a value looks like a token: long, of letters and digits, and no words apart.
fn is_random(value: &str) -> bool {
    let fits = |it: u8| it.is_ascii_alphanumeric() || b"+/=_".contains(&it);
    value.len() >= RANDOM_MIN
        && value.bytes().all(fits)
        && value.bytes().any(|it| it.is_ascii_digit())
        && value.bytes().any(|it| it.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_a_secret_is_told() {
        let telling = [
            ("DB_PASSWORD", "hunter2"),
            ("DB_PASSWORD", "1234"),
            ("MYSQL_ROOT_PASSWORD", "root"),
            ("SMTP_PASS", "hunter2"),
            ("API_KEY", "x1"),
            ("API_KEY_2", "x1y2"),
            ("apiKey", "x1y2"),
            ("SECRET_KEY_BASE", "hunter2"),
            ("STRIPE_SECRET_KEY_LIVE", "hunter2"),
            ("NPM_TOKEN", "abc123"),
            ("PASSWORD", "something"),
            ("CREDENTIALS", "bob:hunter2"),
            ("MINIO_TOKEN", "x1y2"),
            ("DB_PASSWORD", "example"),
            ("AZURE_STORAGE_CONNECTION_STRING", "AccountKey=x1y2"),
            ("AUTH_TOKEN_FOR_UPLOADS", "9fK2mQ8zR4tV7wX1"),
            ("DJANGO_SECRET_SAUCE", "9fK2mQ8zR4tV7wX1"),
        ];
        for (name, value) in telling {
            assert!(gives_away(name, value), "{name}={value}");
        }
    }

    #[test]
    fn what_only_speaks_of_one_is_not() {
        let plain = [
            ("ACCESS_TOKEN_EXPIRE_MINUTES", "30"),
            ("OPENAI_MAX_TOKENS", "4096"),
            ("LLM_CONTEXT_TOKENS", "8192"),
            ("JWT_ACCESS_TOKEN_LIFETIME", "300"),
            ("PASSWORD_RESET_TIMEOUT_DAYS", "3"),
            ("AWS_SECRETS_MANAGER_REGION", "us-east-1"),
            ("PASSWORD_HASHERS", "argon2"),
            ("SESSION_TOKEN_BYTES", "32"),
            ("CREDENTIALS_REGION", "eu"),
            ("API_KEY_ROTATION", "30d"),
            ("SECRET_PROVIDER_CLASS", "aws"),
            ("CSRF_TOKEN_COOKIE", "csrf"),
            ("ID_TOKEN_SIGNED_RESPONSE_ALG", "RS256"),
            ("PWD", "/app"),
            ("API_TOKEN", "30d"),
            ("API_TOKENS", "32"),
            ("CREDENTIALS", "/app"),
            ("PASSWORD_HASHERS", "django.contrib.auth.hashers.Argon2PasswordHasher"),
            ("DB_PASSWORD_FILE", "/run/secrets/db"),
            ("DB_PASSWORD", "$PASSWORD"),
            ("DB_PASSWORD", ""),
            ("GPG_KEY", "E3FF2839"),
            ("SECRET_KEY", "dummy"),
            ("SECRET_KEY_BASE", "1"),
            ("DJANGO_SECRET_KEY", "not-a-secret"),
        ];
        for (name, value) in plain {
            assert!(!gives_away(name, value), "{name}={value}");
        }
    }
}
