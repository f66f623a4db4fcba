//! Whether a text that a name says is secret looks random, or like something that people and
//! programs write in its place: words, names, paths, code, references.

use super::kind::Lazy;

/// Shorter runs of letters are words by chance.
const WORD: usize = 4;

/// For each letter those that follow it in words: nine of ten pairs in English prose and in the
/// identifiers of programs, and four of ten in random letters. Counted over the words of some
/// megabytes of both.
const FOLLOWING: [&[u8]; 26] = [
    b"abcdefgijklmnprstuvyz",
    b"abcdefilorsu",
    b"abcdefhiklortu",
    b"abcdefiorsu",
    b"abcdefgiklmnprstuvwxz",
    b"abcdefiloru",
    b"aehilorsu",
    b"aeiot",
    b"abcdefgklmnoprstvz",
    b"ae",
    b"aeiostu",
    b"adeilostuy",
    b"abeimopsu",
    b"acdefgiknostu",
    b"abcdgiklmnoprstuvw",
    b"aehiloprstuy",
    b"u",
    b"acdegiklmnorstuy",
    b"acehiklopstuy",
    b"acehilorstuy",
    b"abcdeilmnprst",
    b"aeio",
    b"aei",
    b"",
    b"ps",
    b"aei",
];

/// Secrets are shorter.
const LENGTH_MAX: usize = 128;

/// What is written where a secret stands in other files.
static OTHER: Lazy = Lazy::new(concat!(
    // Names and words: of settings, of constants, of members.
    r"^[a-z]+(?:[-_.:/][a-z0-9]+)+$|^[A-Z]+(?:_[A-Z0-9]+)+$|^[A-Za-z_$]\w*(?:(?:\.|->|::)[A-Za-z_$]\w*)+;?$",
    // Paths, addresses, digests, versions.
    r"|^[./~]|^[A-Za-z]:[/\\]|^(?i:https?|file|s3|arn|urn|ssm|vault|secret|projects):|^sha[0-9]+[:-]",
    r"|^(?:[0-9a-f]{8}-)?[0-9.]+$|^v?[0-9]+(?:\.[0-9]+)+|^[0-9]{4}-[0-9]{2}-[0-9]{2}",
    // Code and references.
    r"|[A-Za-z_.]{3,}\w*\(.*\)|\{\w*\}|::|\.\.|\(\)|\$[({]|\{\{|#\{|<%|%[{(]|^\$\$?\w+$|^%\w+%?$|^@\w+@?$|^&\w+;?$|^[<{\[(].*[>}\])]$",
    r"|;$|^[A-Za-z_]+=[^=]|\$[A-Z_]{4,}|^[!*&]\w|\w\[\w*\]|[!=]=|&&|\|\||->|=>",
    // What a password became.
    r"|^\$(?:[0-9a-z]{1,2}|argon2\w*|scrypt|pbkdf2[\w-]*|apr1)\$",
    // Placeholders spelt with digits for letters, with little beside.
    r"|(?i)^.{0,5}(?:s[3e]nsit[1i]ve|passw[o0]rd|s[3e]cr[3e]t).{0,9}$",
));

/// Whether letters and digits are no words: less than half of them in runs of letters that follow
/// each other as in words.
pub(super) fn is_random(secret: &[u8]) -> bool {
    let is_letters = |a: &u8, b: &u8| {
        // A capital letter begins a word, unless it follows one.
        b.is_ascii_alphabetic()
            && a.is_ascii_alphabetic()
            && (a.is_ascii_uppercase() || b.is_ascii_lowercase())
    };
    let runs = secret.chunk_by(is_letters).filter(|run| is_word(run));
    runs.map(<[u8]>::len).sum::<usize>().saturating_mul(2) <= secret.len()
}

fn is_word(run: &[u8]) -> bool {
    if run.len() < WORD || !run.iter().all(u8::is_ascii_alphabetic) {
        return false;
    }
    let follows = |pair: &&[u8]| {
        let [a, b] = pair else { return false };
        let at = usize::from(a.to_ascii_lowercase().wrapping_sub(b'a'));
        FOLLOWING.get(at).is_some_and(|following| following.contains(&b.to_ascii_lowercase()))
    };
    let usual = run.windows(2).filter(follows).count();
    usual.saturating_mul(4) >= run.len().saturating_sub(1).saturating_mul(3)
}

/// Whether a text that its name calls secret is one as far as its looks tell.
pub(super) fn is_secret(secret: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| secret.iter().any(is);
    let has_letter = has(u8::is_ascii_alphabetic);
    let is_mixed = has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
        && has(|byte| byte.is_ascii_punctuation() && !b"_-./:,=;&<>()[]{}".contains(byte))
        && !secret.chunk_by(|a, b| a.is_ascii_alphabetic() == b.is_ascii_alphabetic()).any(is_word);
    secret.len() <= LENGTH_MAX
        && has_letter
        && (has(u8::is_ascii_digit) || is_mixed)
        && is_random(secret)
        && !OTHER.regex().is_match(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_texts_and_words_are_told_apart() {
        let random = [
            "aK7pQ2xV9mZ4tW8r",
            "qhwf7kzpxr2vbnmt",
            "08e2910397bcb0bddd0053c21b7fa6ef",
            "Xk9!vR2q",
        ];
        let words = [
            "getModelConfiguration",
            "correct-horse-battery-1",
            "inputPasswordField1",
            "harbour9master",
            "my_access_value2",
        ];
        assert_eq!(random.map(|text| is_random(text.as_bytes())), [true; 4]);
        assert_eq!(words.map(|text| is_random(text.as_bytes())), [false; 5]);
    }

    #[test]
    fn what_stands_in_the_place_of_a_secret_is_none() {
        let secrets = ["Xk9!vR2q", "Tr0ub4dor&3", "Pa$$w0rdX92q!", "aB3$xK9(qZ", "kQ#mZp!xWv"];
        let others = [
            "T_STRING_1",
            "process.env.KEY1",
            "$argv[1]xyz",
            "getToken1(a)",
            "${PASS_1234}",
            "<%=pw12ab%>",
            "{{pw12ab}}",
            "$password1",
            "/run/s3cr/x1",
            "s3cr3t-q1w2",
            "12345678",
            "$2y$10$Zx7Qm3Kp9Vt1",
            "ab{}cd1234",
            "%(pw12ab)s",
            "2024-01-01T00",
        ];
        assert_eq!(secrets.map(|text| is_secret(text.as_bytes())), [true; 5]);
        let found: Vec<_> = others.iter().filter(|text| is_secret(text.as_bytes())).collect();
        assert!(found.is_empty(), "{found:?}");
    }
}
