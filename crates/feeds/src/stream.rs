//! The names of streams, in one place: which release or year a name stands for, and which version
//! scheme orders it.
//!
//! A stream is `<family>-<version>` (`debian-12`, `alpine-3.20`, `rhel-9`), a family without
//! releases (`wolfi`), a language's packages (`npm`), or metadata (`cve-2024`, `epss`, `kev`,
//! `maven-sha1-3f`).

use crate::language;

/// EPSS scores of every CVE.
pub const EPSS: &str = "epss";
/// CISA's catalog of known exploited vulnerabilities.
pub const KEV: &str = "kev";
/// The family of the streams of CVE metadata, one a year.
pub const CVE: &str = "cve";
/// The family of the streams of what Java archives are called, one a first byte of their SHA-1.
pub const MAVEN_SHA1: &str = "maven-sha1";

/// The year's stream for a CVE id (`CVE-2024-3094` gives `cve-2024`); None if it is not one.
pub fn of_cve(id: &str) -> Option<String> {
    cve_year(id).map(|year| format!("{CVE}-{year}"))
}

/// The stream for the digests that begin with this byte (0x3f gives `maven-sha1-3f`).
pub fn of_sha1(first: u8) -> String {
    format!("{MAVEN_SHA1}-{first:02x}")
}

/// Whether a text is `CVE-YYYY-NNNN` with at least four digits at the end.
pub fn is_cve(id: &str) -> bool {
    cve_year(id).is_some()
}

fn cve_year(id: &str) -> Option<&str> {
    let (year, number) = id.strip_prefix("CVE-")?.split_once('-')?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    (year.len() == 4 && number.len() >= 4 && digits(year) && digits(number)).then_some(year)
}

/// The version part of a stream of this family: `release("debian-12", "debian")` is `12`.
pub fn release<'s>(stream: &'s str, family: &str) -> Option<&'s str> {
    stream.strip_prefix(family)?.strip_prefix('-').filter(|release| !release.is_empty())
}

/// Whether a stream is what a distribution says of its packages: no language's and no metadata.
pub fn is_of_a_distribution(stream: &str) -> bool {
    scheme(stream).is_some() && language::scheme(stream).is_none()
}

/// The name of the version scheme that orders a stream's ranges; None for metadata.
pub fn scheme(stream: &str) -> Option<&'static str> {
    let is_metadata = |family: &&str| release(stream, family).is_some();
    if stream == EPSS || stream == KEV || [CVE, MAVEN_SHA1].iter().any(is_metadata) {
        return None;
    }
    if let Some(scheme) = language::scheme(stream) {
        return Some(scheme.name());
    }
    let is = |family: &&str| stream == *family || release(stream, family).is_some();
    if ["debian", "ubuntu"].iter().any(is) {
        Some("debian")
    } else if ["alpine", "wolfi", "chainguard", "minimos"].iter().any(is) {
        Some("apk")
    } else {
        Some("rpm")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_year_release_and_scheme() {
        assert_eq!(of_cve("CVE-2024-3094").as_deref(), Some("cve-2024"));
        for wrong in ["CVE-24-1234", "CVE-2024-123", "CVE-2024-12a4", "GHSA-2024-1234", "CVE-2024"]
        {
            assert_eq!(of_cve(wrong), None, "{wrong}");
        }
        assert_eq!(release("opensuse-leap-15.6", "opensuse-leap"), Some("15.6"));
        assert_eq!(release("debian", "debian"), None);
        let schemes = [
            ("debian-12", Some("debian")),
            ("wolfi", Some("apk")),
            ("rhel-9", Some("rpm")),
            ("pypi", Some("pep440")),
            ("julia", Some("semver")),
            ("cve-2024", None),
            ("kev", None),
            ("maven", Some("maven")),
            ("maven-sha1-3f", None),
        ];
        for (stream, name) in schemes {
            assert_eq!(scheme(stream), name, "{stream}");
            let is_of_one = ["debian-12", "wolfi", "rhel-9"].contains(&stream);
            assert_eq!(is_of_a_distribution(stream), is_of_one, "{stream}");
        }
    }
}
