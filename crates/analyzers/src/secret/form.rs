//! Forms that secrets of many kinds stand in, as expressions: values that a name is given, and what
//! may stand before a token that has a form of its own.

/// What a name that holds a secret says, if a key word does not say it already.
const TELLING: [&str; 10] =
    ["key", "token", "secret", "password", "auth", "credential", "_as", "_ck", "_sk", "pwd"];

/// The value where a name that contains a key word is given one: in settings, environments, JSON,
/// YAML, headers, query strings and code.
pub(super) fn assignment(keywords: &[String], value: &str) -> String {
    let names: Vec<String> = keywords
        .iter()
        .map(|keyword| {
            let lower = keyword.to_ascii_lowercase();
            let tells = TELLING.iter().any(|telling| lower.contains(telling));
            let more = if tells { "" } else { r"[\w. -]{0,20}?(?:key|token|secret|password|auth)" };
            format!("{}{more}", regex::escape(keyword))
        })
        .collect();
    let names = names.join("|");
    format!(
        r#"(?i:{names})(?:[\w. -]{{0,24}}(?:["'`\])]{{0,3}}\s*(?:=>|:=|[|]{{2}}|[?]{{2}}|[=:]|%3D)\s*(?:[>|][+-]?\s+)?|{PAIR}|{LIST}|["']?>)|\w*[ \t]{{1,4}})\\*["'`]?(?<secret>{value})(?:[^\w+/=-]|$)"#
    )
}

/// Between a name and its value where both are given names themselves: `name: A` and in the next
/// line `value: b`, `{"name": "A", "value": "b"}`, `<add key="A" value="b"/>`, and elements of XML.
const PAIR: &str =
    r#"["'`]?(?:</\w+>)?[,;]?\s*[<{]?\s*["'`]?(?i:value)["'`]?[ \t]*(?:=>|[=:>])\s*"#;

/// Between a name and its value in the arguments of a call: `define('A', 'b')`.
const LIST: &str = r#"["'`][ \t]*,[ \t]*"#;

/// What gives a name a value in code: also behind its type (`key: &str = `, `Key { get; set; } = `), as a
/// default (`key || `), and in R.
const GIVEN: &str = r#"(?:[ \t]*:[ \t]*[\w&<>?.\[\]' ]{1,40}?=|[ \t]*\{[ \w;]{1,40}\}[ \t]*=|[ \t]+string[ \t]*=|[ \t]*(?:=>|:=|<-|[|]{2}=?|[?]{2}=?|[=:]))[ \t]*"#;

/// A value in quotes of at least so many characters, whose name ends in one of `names`.
pub(super) fn quoted(names: &str, least: usize) -> String {
    format!(
        r#"(?i:{names})(?:["'`\])]{{0,3}}{GIVEN}|{PAIR}|{LIST}|[ \t]{{1,4}})\\*["'`](?<secret>[!#-&(-\[\]-_a-~]{{{least},}})\\*["'`]"#
    )
}

/// The same of a value of letters, digits and the signs that URLs and commands leave as they are, in the midst
/// of a line: in query strings, options and assignments of commands, defaults of a shell, and in lines
/// that are commented out.
pub(super) fn within(names: &str, least: usize) -> String {
    format!(
        r#"(?im)(?:[?&][a-z0-9_.-]*(?:{names})(?:=|%3D)|[ \t"'\[,]--?[a-z0-9_.-]*(?:{names})["']?(?:=|,?[ \t]+)|[ \t=,("'][a-z0-9_.-]*(?:{names})=|^[ \t]*(?:[#;*]+|//+|--|<!--)[ \t]*[a-z0-9_.-]*(?:{names})[ \t]*(?:=|:[ \t])[ \t]*|(?:{names}):-)["']?(?<secret>[a-z0-9_~.+/%-]{{{least},}})(?:[&;,)}}"'<#\s]|\\[nrt"]|$)"#
    )
}

/// The same of a value without quotes: in lines of settings, in instructions and in XML, also where
/// these stand in strings.
pub(super) fn plain(names: &str, least: usize) -> String {
    let value = format!(r"(?<secret>[!#-&*-;=?-Z^_a-z|~]{{{least},}})");
    let before = r#"(?:^|\\[nrt]|["'\[,])[ \t]*(?:export[ \t]+|env[ \t]+|setx?[ \t]+(?:-[a-z]+[ \t]+)?|-[ \t]+|-e[ \t]+|arg[ \t]+)?"#;
    format!(
        r#"(?im)(?:{before}[a-z0-9_.-]*(?:{names})[ \t]*(?:=|:[ \t])[ \t]*(?:[>|][+-]?\s+)?|(?:{names}){PAIR}|^[ \t]*(?:env|setx|set[ \t]+-[a-z]+)[ \t]+[a-z0-9_.-]*(?:{names})[ \t]+|[ \t]ansible_[a-z_]*(?:{names})=|<[a-z0-9_.:-]*(?:{names})>\s*|(?:{names})["']>\s*){value}(?:[ \t\r]*$|[ \t]+#|\\[nrt"]|["'<\s])"#
    )
}

/// What ends the text in front of a secret although it ends in a letter or a digit: an escape of a
/// string (`\\n`), of a URL (`%3D`), or a character by its number (`\\u0026`).
const ESCAPE: &str = r"\\[abfnrtv]|%[0-9A-Fa-f]{2}|\\u00[0-9A-Fa-f]{2}";

/// An expression that begins with a boundary of words, or with what must not stand before the
/// secret, so that escapes are such a boundary, too.
pub(super) fn behind_escapes(expression: String) -> String {
    let (flags, rest) = match expression.split_once(')') {
        Some((flags, rest)) if flags.starts_with("(?") && !flags.contains([':', '<']) => {
            (format!("{flags})"), rest)
        }
        _ => (String::new(), expression.as_str()),
    };
    if let Some(rest) = rest.strip_prefix(r"\b") {
        return format!(r"{flags}(?:\b|{ESCAPE}){rest}");
    }
    match rest.strip_prefix("(?:^|[^") {
        Some(rest) => format!("{flags}(?:^|{ESCAPE}|[^{rest}"),
        None => expression,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_boundaries() {
        let cases = [
            (r"\b(?<secret>a)", r"(?:\b|E)(?<secret>a)"),
            (r"(?i)\ba", r"(?i)(?:\b|E)a"),
            ("(?:^|[^a-z])b", "(?:^|E|[^a-z])b"),
            ("(?:a)b", "(?:a)b"),
            ("(?<secret>a)", "(?<secret>a)"),
        ];
        for (given, expected) in cases {
            assert_eq!(behind_escapes(given.to_owned()), expected.replace('E', ESCAPE));
        }
    }
}
