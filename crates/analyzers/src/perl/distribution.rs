//! How CPAN calls what is installed together: `Moose-2.2011`.

/// Name and version; None if there is no version.
pub(super) fn split(text: &str) -> Option<(&str, &str)> {
    let mut hyphens = text.match_indices('-').map(|(at, _)| at);
    hyphens.rfind(|&at| is_version(text, at)).and_then(|at| {
        let (name, version) = (text.get(..at)?, text.get(at.saturating_add(1)..)?);
        (!name.is_empty()).then_some((name, version))
    })
}

/// Whether a version begins behind the hyphen: a digit, or one after a `v`.
fn is_version(text: &str, hyphen: usize) -> bool {
    let rest = text.get(hyphen.saturating_add(1)..).unwrap_or_default();
    rest.strip_prefix('v').unwrap_or(rest).starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_hyphens_and_digits() {
        assert_eq!(split("Moose-2.2011"), Some(("Moose", "2.2011")));
        assert_eq!(split("Perl6-Slurp-v0.51.1"), Some(("Perl6-Slurp", "v0.51.1")));
        assert_eq!(split("Tide"), None);
    }
}
