//! Patterns of names and paths: `*` and `?`, and `**` across folders.
//!
//! A pattern becomes an expression of the engine that runs in time linear to the text, so that no
//! pattern can be made to run for ever.

use regex::{Regex, RegexBuilder};

/// Longer patterns are refused: no path or image name that a pattern describes is longer.
const PATTERN_BYTES_MAX: usize = 1024;
/// What a compiled pattern may take; 1,024 wildcards take a tenth of that.
const COMPILED_BYTES_MAX: usize = 1 << 20;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(crate) struct Glob {
    pattern: String,
    /// None where the pattern has no wildcard and is compared as it stands.
    expression: Option<Regex>,
}

impl Glob {
    /// Of a name, in which a slash is a character like others: `registry.example.com/*`.
    pub(crate) fn name(pattern: &str) -> Result<Self, String> {
        Self::new(pattern, ".", ".*")
    }

    /// Of a path, in which `*` and `?` stay within one folder. A leading slash does not count.
    pub(crate) fn path(pattern: &str) -> Result<Self, String> {
        Self::new(pattern.strip_prefix('/').unwrap_or(pattern), "[^/]", "[^/]*")
    }

    fn new(pattern: &str, one: &str, many: &str) -> Result<Self, String> {
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(format!("a pattern of more than {PATTERN_BYTES_MAX} bytes"));
        }
        if pattern.is_empty() {
            return Err("an empty pattern, which nothing matches".to_owned());
        }
        let expression = if pattern.contains(['*', '?']) {
            let text = translate(pattern, one, many);
            let built = RegexBuilder::new(&text)
                .dot_matches_new_line(true)
                .size_limit(COMPILED_BYTES_MAX)
                .build();
            Some(built.map_err(|_why| "a pattern with too many wildcards".to_owned())?)
        } else {
            None
        };
        Ok(Self { pattern: pattern.to_owned(), expression })
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        match &self.expression {
            Some(expression) => expression.is_match(text),
            None => self.pattern == text,
        }
    }

    /// Whether it says nothing: `*`, `**/*`.
    pub(crate) fn is_everything(&self) -> bool {
        self.pattern.contains('*') && self.pattern.bytes().all(|byte| b"*/".contains(&byte))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.pattern
    }
}

fn translate(pattern: &str, one: &str, many: &str) -> String {
    let mut text = String::from("^");
    let mut rest = pattern;
    while let Some(character) = rest.chars().next() {
        let (written, meant) = match character {
            // `**/` is any number of folders, none included.
            '*' if rest.starts_with("**/") => ("**/", "(?:.*/)?".to_owned()),
            '*' if rest.starts_with("**") => ("**", ".*".to_owned()),
            '*' => ("*", many.to_owned()),
            '?' => ("?", one.to_owned()),
            other => {
                text.push_str(&regex::escape(other.encode_utf8(&mut [0; 4])));
                rest = rest.strip_prefix(other).unwrap_or_default();
                continue;
            }
        };
        text.push_str(&meant);
        rest = rest.strip_prefix(written).unwrap_or_default();
    }
    text.push('$');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_match_as_written() {
        // pattern, text, as a name, as a path
        let table = [
            ("alpine:3.20", "alpine:3.20", true, true),
            ("alpine:3.20", "alpine:3x20", false, false),
            ("shop/*", "shop/api/v1:1", true, false),
            ("shop/**", "shop/api/v1:1", true, true),
            ("usr/*/x", "usr/lib/x", true, true),
            ("**/x", "x", true, true),
            ("**/x", "a/b/x", true, true),
            ("a?c", "a/c", true, false),
            ("(a|b)", "a", false, false),
            ("*", "a\nb", true, true),
            ("é*", "école", true, true),
        ];
        for (pattern, text, name, path) in table {
            let as_name = Glob::name(pattern).map(|glob| glob.matches(text));
            let as_path = Glob::path(pattern).map(|glob| glob.matches(text));
            assert_eq!((as_name, as_path), (Ok(name), Ok(path)), "{pattern} {text}");
        }
        assert!(Glob::path("/etc/*").is_ok_and(|glob| glob.matches("etc/passwd")));
        let says_nothing = |pattern| Glob::path(pattern).is_ok_and(|glob| glob.is_everything());
        assert!(["*", "**", "**/*"].into_iter().all(says_nothing));
        assert!(!["/", "?", "*.py", "a/**"].into_iter().any(says_nothing));
        assert!(Glob::name("").is_err());
        assert!(Glob::name(&"*".repeat(PATTERN_BYTES_MAX)).is_ok());
        assert!(Glob::name(&"*".repeat(PATTERN_BYTES_MAX + 1)).is_err());
    }
}
