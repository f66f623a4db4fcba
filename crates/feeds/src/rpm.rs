//! How publishers of the rpm world write packages, brought to one spelling.
//!
//! A version is `[epoch:]version-release`, and an epoch of 0 is left out, as rpm itself prints it
//! and as [`model::Package::version`] has it: here an absent epoch always means 0, never "not
//! known". (Only the *installed* source package's version lacks its epoch; that is `matcher`'s
//! matter.) It must never guess a part that the publisher does not write.

/// A package as its publisher names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Nevra<'a> {
    pub(crate) name: &'a str,
    /// `[epoch:]version-release`.
    pub(crate) version: String,
    /// Empty where the publisher names none.
    pub(crate) architecture: &'a str,
}

impl<'a> Nevra<'a> {
    /// `name-[epoch:]version-release`, the architecture not written: `bash-0:5.1.8-6.el9`.
    pub(crate) fn without_architecture(text: &'a str) -> Option<Self> {
        let (rest, release) = text.rsplit_once('-')?;
        let (name, version) = rest.rsplit_once('-')?;
        if name.is_empty() || version.is_empty() || release.is_empty() {
            return None;
        }
        let version = match version.split_once(':') {
            Some((epoch, version)) => evr(epoch, version, release),
            None => evr("", version, release),
        };
        Some(Self { name, version, architecture: "" })
    }

    /// `name-[epoch:]version-release.architecture`, perhaps with `.rpm` behind it.
    pub(crate) fn with_architecture(text: &'a str) -> Option<Self> {
        let text = text.strip_suffix(".rpm").unwrap_or(text);
        let (rest, architecture) = text.rsplit_once('.')?;
        Some(Self { architecture, ..Self::without_architecture(rest)? })
    }
}

/// A version from its parts; an epoch of `0`, empty or `(none)` is left out.
pub(crate) fn evr(epoch: &str, version: &str, release: &str) -> String {
    let mut text = String::with_capacity(epoch.len() + version.len() + release.len() + 2);
    if !matches!(epoch, "" | "0" | "(none)") {
        text.push_str(epoch);
        text.push(':');
    }
    text.push_str(version);
    if !release.is_empty() {
        text.push('-');
        text.push_str(release);
    }
    text
}

/// A version as the publisher writes it, with an epoch of 0 left out.
pub(crate) fn normal(version: &str) -> String {
    version.strip_prefix("0:").unwrap_or(version).to_owned()
}

/// The major release that an Enterprise Linux build was made for, from its release tag: 9 for
/// `8.el9_0`, `1.module+el9.2.0+36`, `18.module_el9.5.0+2632`.
pub(crate) fn enterprise_linux(version: &str) -> Option<u32> {
    version.match_indices("el").find_map(|(at, tag)| {
        let before = version.get(..at)?.chars().next_back()?;
        let after = version.get(at + tag.len()..)?;
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let major = after.get(..digits)?.parse().ok()?;
        matches!(before, '.' | '_' | '+').then_some(major)
    })
}

/// `name:stream` of a module label: the first two parts of `name:stream:version:context`.
pub(crate) fn module(label: &str) -> Option<String> {
    let mut parts = label.splitn(3, ':');
    match (parts.next(), parts.next()) {
        (Some(name), Some(stream)) if !name.is_empty() && !stream.is_empty() => {
            Some(format!("{name}:{stream}"))
        }
        _ => None,
    }
}

/// Whether an architecture as written in a feed stands for source packages.
pub(crate) fn is_source(architecture: &str) -> bool {
    matches!(architecture, "src" | "nosrc")
}

/// The CVE ids in a text, sorted, each once.
pub(crate) fn cve_ids(text: &str) -> Vec<String> {
    let mut ids: Vec<String> = text
        .match_indices("CVE-")
        .filter_map(|(at, _)| {
            let rest = text.get(at + 4..)?;
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(rest.len());
            let id = format!("CVE-{}", rest.get(..end)?.trim_end_matches('-'));
            crate::stream::is_cve(&id).then_some(id)
        })
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_taken_apart() {
        let cases = [
            ("bash-0:5.1.8-6.el9", "bash 5.1.8-6.el9"),
            ("openssl-libs-1:3.0.7-27.el9", "openssl-libs 1:3.0.7-27.el9"),
            ("libopenssl0_9_8-0.9.8j-0.66.1", "libopenssl0_9_8 0.9.8j-0.66.1"),
            ("java-1.8.0-openjdk-1:1.8.0.392-1", "java-1.8.0-openjdk 1:1.8.0.392-1"),
        ];
        for (text, expected) in cases {
            let parsed =
                Nevra::without_architecture(text).map(|n| format!("{} {}", n.name, n.version));
            assert_eq!(parsed.as_deref(), Some(expected), "{text}");
        }
        for text in ["", "-", "--", "a-b", "-1-2", "a--2", "a-1-"] {
            assert_eq!(Nevra::without_architecture(text), None, "{text}");
        }
        let parsed = Nevra::with_architecture("delve-0:1.25.2-1.el10_1.src.rpm");
        let expected =
            Nevra { name: "delve", version: "1.25.2-1.el10_1".to_owned(), architecture: "src" };
        assert_eq!(parsed, Some(expected));
    }

    #[test]
    fn release_tags_name_the_major_release() {
        let cases = [
            ("8.el9_0", Some(9)),
            ("1:18.17.1-1.module_el9.2.0+36+853e48f5", Some(9)),
            ("2.module+el8.10.0+1", Some(8)),
            ("5.15.0-3.60.el8uek", Some(8)),
            ("1.9.el10", Some(10)),
            ("1.amzn2", None),
            ("kernel-1.0", None),
            ("1.el", None),
            ("1.el99999999999", None),
        ];
        for (version, expected) in cases {
            assert_eq!(enterprise_linux(version), expected, "{version}");
        }
    }

    #[test]
    fn cve_ids_are_found_in_prose() {
        let text = "CVE-2022-23518 a: b (CVE-2022-23519), CVE-2022-23518- CVE-22-1 CVE-2022-1 cve";
        assert_eq!(cve_ids(text), ["CVE-2022-23518", "CVE-2022-23519"]);
    }

    #[test]
    fn module_labels_are_cut_to_name_and_stream() {
        let label = "mariadb-devel:10.3:8030020210324132345:229f0a1c:x86_64";
        assert_eq!(module(label).as_deref(), Some("mariadb-devel:10.3"));
        assert_eq!(module("rhel10"), None);
        assert_eq!(module(":1"), None);
    }
}
