//! A requirement as Python writes it (PEP 508): `name[extra] == 1.0 ; marker`.

use super::name::normalized;

/// A name, and the one version it is pinned to, if it is.
pub(super) struct Requirement<'a> {
    /// Normalized.
    pub(super) name: String,
    pub(super) pin: Option<&'a str>,
}

impl<'a> Requirement<'a> {
    /// None where no name stands at the beginning.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let text = text.split(';').next().unwrap_or_default().trim();
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(end)?;
        let name = normalized(name);
        if name.is_empty() {
            return None;
        }
        let rest = rest.trim_start();
        // Extras.
        let rest = match rest.strip_prefix('[') {
            Some(rest) => rest.split_once(']')?.1,
            None => rest,
        };
        let rest = rest.trim().trim_start_matches('(').trim_end_matches(')');
        Some(Self { name, pin: rest.split(',').find_map(pin) })
    }
}

/// The version in `==1.0` or `===1.0`; `==1.*` names several.
fn pin(specifier: &str) -> Option<&str> {
    let version = specifier.trim().strip_prefix("==")?;
    let version = version.strip_prefix('=').unwrap_or(version).trim();
    (!version.is_empty() && !version.contains(['*', ' '])).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_exact_version_is_a_pin() {
        for (text, expected) in [
            ("six==1.16.0", Some(("six", Some("1.16.0")))),
            (
                "Zope.Interface [test, docs] === 5.0+local ; python_version < '3'",
                Some(("zope-interface", Some("5.0+local"))),
            ),
            ("six (==1.16.0)", Some(("six", Some("1.16.0")))),
            ("six>=1,==1.16.0", Some(("six", Some("1.16.0")))),
            ("six==1.*", Some(("six", None))),
            ("six>=1.0", Some(("six", None))),
            ("six", Some(("six", None))),
            ("six @ https://example.org/six==1.whl", Some(("six", None))),
            ("six[==1.0", None),
            ("./six", None),
            ("==1.0", None),
            ("", None),
        ] {
            let found = Requirement::of(text);
            let found = found.as_ref().map(|found| (found.name.as_str(), found.pin));
            assert_eq!(found, expected, "{text}");
        }
    }
}
