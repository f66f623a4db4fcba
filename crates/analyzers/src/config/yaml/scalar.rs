//! What a scalar without quotes means: the core schema of YAML 1.2 (section 10.3), and those
//! spellings of YAML 1.1 that Kubernetes and Compose still take for truths and octal numbers.

use super::Content;

/// The meaning of a plain scalar.
pub(super) fn meaning(text: &str) -> Content {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Content::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
            Content::Bool(true)
        }
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            Content::Bool(false)
        }
        _ => integer(text).map_or_else(|| Content::Text(text.to_owned()), Content::Integer),
    }
}

fn integer(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (digits, radix) = match digits.as_bytes() {
        [b'0', b'x', ..] => (digits.trim_start_matches("0x"), 16),
        [b'0', b'o', ..] => (digits.trim_start_matches("0o"), 8),
        [b'0', _, ..] => (digits, 8),
        _ => (digits, 10),
    };
    // The parser of the library takes a second sign, YAML does not.
    let is_number = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_number {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_mean_what_kubernetes_takes_them_for() {
        let cases = [
            ("", "Null"),
            ("~", "Null"),
            ("True", "Bool(true)"),
            ("off", "Bool(false)"),
            ("0", "Integer(0)"),
            ("-12", "Integer(-12)"),
            ("+7", "Integer(7)"),
            ("0644", "Integer(420)"),
            ("0o17", "Integer(15)"),
            ("0x1f", "Integer(31)"),
            ("-0x1f", "Integer(-31)"),
            ("089", "Text(\"089\")"),
            ("--1", "Text(\"--1\")"),
            ("+-1", "Text(\"+-1\")"),
            ("0x", "Text(\"0x\")"),
            ("0.50", "Text(\"0.50\")"),
            ("18446744073709551616", "Text(\"18446744073709551616\")"),
            ("y", "Text(\"y\")"),
        ];
        for (text, expected) in cases {
            assert_eq!(format!("{:?}", meaning(text)), expected, "`{text}`");
        }
    }
}
