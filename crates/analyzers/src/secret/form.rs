//! Forms that secrets of many kinds stand in, as expressions: values that a name is given, and what
//! may stand before a token that has a form of its own.

/// What a name that holds a secret says, if a key word does not say it already.
const TELLING: [&str; 9] =
    ["key", "token", "secret", "password", "auth", "credential", "_as", "_ck", "pwd"];

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
        r#"(?:(?i:{names})[\w. -]{{0,24}}["'\])]{{0,3}}\s{{0,8}}(?:=>|:=|[=:])\s{{0,8}}\\?["'`]?)(?<secret>{value})(?:[^\w+/=-]|$)"#
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
