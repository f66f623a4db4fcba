//! How packages are spelled as package URLs.
//!
//! The spec leaves the order of nothing open: qualifiers are sorted, everything but unreserved
//! characters and the colon is percent-encoded. Where distributions have a convention (namespace,
//! `distro`, `upstream`) it is that of the widely used SBOM tools, so that inventories compare.

use super::variant;
use crate::{Os, Package, PackageKind};

/// The purl of a package; `os` is the distribution of the image it was found in.
pub fn purl(package: &Package, os: Option<&Os>) -> String {
    let mut purl = format!("pkg:{}/", package.kind.name());
    if package.kind.is_os() {
        of_the_os(package, os, &mut purl);
    } else {
        of_a_language(package, &mut purl);
    }
    purl
}

fn of_the_os(package: &Package, os: Option<&Os>, purl: &mut String) {
    if let Some(os) = os {
        encode_into(&namespace(os), purl);
        purl.push('/');
    }
    match package.kind {
        PackageKind::Rpm => encode_into(&package.name, purl),
        // Case is of no account in the others, and the spec wants lower case.
        _ => encode_into(&package.name.to_lowercase(), purl),
    }
    purl.push('@');
    let (epoch, version) = split_epoch(package);
    encode_into(version, purl);

    let mut separator = '?';
    for (key, value) in [
        ("arch", package.architecture.clone()),
        ("distro", os.map(distro).unwrap_or_default()),
        ("epoch", epoch.unwrap_or_default().to_owned()),
        ("rpmmod", package.module.clone().unwrap_or_default()),
        ("upstream", upstream(package)),
    ] {
        if !value.is_empty() {
            purl.push(separator);
            purl.push_str(key);
            purl.push('=');
            encode_value_into(&value, purl);
            separator = '&';
        }
    }
}

/// A name of several parts (`@scope/name`, `group:artifact`, `github.com/a/b`) is a namespace and a
/// name, part by part; a part of a CocoaPod is a subpath of it. What Swift has of a registry is called by
/// a scope and a name (`apple.swift-nio`), and has to have a namespace.
fn of_a_language(package: &Package, purl: &mut String) {
    let (name, subpath) = match (package.kind, package.name.split_once('/')) {
        (PackageKind::Cocoapods, Some((name, part))) => (name, part),
        _ => (package.name.as_str(), ""),
    };
    let separator = match package.kind {
        PackageKind::Maven => ':',
        PackageKind::Swift if !name.contains('/') => '.',
        _ => '/',
    };
    for (position, part) in name.split(separator).enumerate() {
        if position > 0 {
            purl.push('/');
        }
        encode_into(part, purl);
    }
    if !package.version.is_empty() {
        purl.push('@');
        encode_into(&package.version, purl);
    }
    for (position, (key, value)) in variant::qualifiers(package).into_iter().enumerate() {
        purl.push(if position == 0 { '?' } else { '&' });
        purl.push_str(key);
        purl.push('=');
        encode_value_into(value, purl);
    }
    if !subpath.is_empty() {
        purl.push('#');
        encode_into(subpath, purl);
    }
}

/// The vendor part: the distribution's own id, but `redhat` and `opensuse` by the spec's examples. The
/// spec wants lower case of all three kinds, which openEuler's id is not.
fn namespace(os: &Os) -> String {
    let id = os.derived_id.as_deref().unwrap_or(&os.family);
    match id {
        "rhel" => "redhat".to_owned(),
        other if other.starts_with("opensuse") => "opensuse".to_owned(),
        other => other.to_ascii_lowercase(),
    }
}

fn distro(os: &Os) -> String {
    let id = os.derived_id.as_deref().unwrap_or(&os.family);
    if os.version.is_empty() { id.to_owned() } else { format!("{id}-{}", os.version) }
}

/// An rpm's epoch is a qualifier, a Debian one is part of the version.
fn split_epoch(package: &Package) -> (Option<&str>, &str) {
    match (package.kind, package.version.split_once(':')) {
        (PackageKind::Rpm, Some((epoch, version))) => (Some(epoch), version),
        _ => (None, &package.version),
    }
}

/// The source package, in each package manager's own spelling: an rpm always names the file it was
/// built from, which carries no epoch; the others name a source that is not the package itself. Where
/// nobody says what it was built from, nothing is made up.
fn upstream(package: &Package) -> String {
    if package.is_source_unsaid() {
        return String::new();
    }
    if package.kind == PackageKind::Rpm {
        let version = package.source_version();
        let version = version.split_once(':').map_or(version, |(_epoch, version)| version);
        return format!("{}-{version}.src.rpm", package.source_name());
    }
    let Some(source) = &package.source else { return String::new() };
    match package.kind {
        PackageKind::Deb if source.version != package.version => {
            format!("{}@{}", source.name, source.version)
        }
        _ if source.name != package.name => source.name.clone(),
        _ => String::new(),
    }
}

/// Slashes of a qualifier's value stay, as all tools write them: it ends at an ampersand alone.
pub(super) fn encode_value_into(value: &str, purl: &mut String) {
    for (position, part) in value.split('/').enumerate() {
        if position > 0 {
            purl.push('/');
        }
        encode_into(part, purl);
    }
}

pub(super) fn encode_into(text: &str, purl: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
            purl.push(char::from(byte));
        } else {
            purl.push('%');
            purl.push(char::from(DIGITS[usize::from(byte >> 4)]));
            purl.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Source;

    use super::*;

    fn package(
        kind: PackageKind,
        name: &str,
        version: &str,
        source: Option<(&str, &str)>,
    ) -> Package {
        Package {
            architecture: "amd64".to_owned(),
            source: source.map(|(name, version)| Source {
                name: name.to_owned(),
                version: version.to_owned(),
            }),
            ..Package::new(kind, name, version)
        }
    }

    fn os(id: &str, version: &str) -> Os {
        Os {
            family: id.to_owned(),
            version: version.to_owned(),
            codename: None,
            pretty_name: None,
            derived_id: None,
        }
    }

    #[test]
    fn spelling_is_the_one_other_tools_use() {
        let debian = os("debian", "12");
        let cases = [
            (
                purl(
                    &package(
                        PackageKind::Deb,
                        "cpp",
                        "4:12.2.0-3",
                        Some(("gcc-defaults", "1.203")),
                    ),
                    Some(&debian),
                ),
                "pkg:deb/debian/cpp@4:12.2.0-3?arch=amd64&distro=debian-12&upstream=gcc-defaults%401.203",
            ),
            (
                purl(
                    &package(
                        PackageKind::Deb,
                        "cpp-12",
                        "12.2.0-14+deb12u1",
                        Some(("gcc-12", "12.2.0-14+deb12u1")),
                    ),
                    Some(&debian),
                ),
                "pkg:deb/debian/cpp-12@12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12&upstream=gcc-12",
            ),
            (
                purl(
                    &package(
                        PackageKind::Rpm,
                        "bind",
                        "32:9.16-1.el9",
                        Some(("bind", "9.16-1.el9")),
                    ),
                    Some(&os("rhel", "9.3")),
                ),
                "pkg:rpm/redhat/bind@9.16-1.el9?arch=amd64&distro=rhel-9.3&epoch=32&upstream=bind-9.16-1.el9.src.rpm",
            ),
            (
                purl(
                    &package(
                        PackageKind::Apk,
                        "libcrypto3",
                        "3.3.2-r0",
                        Some(("openssl", "3.3.2-r0")),
                    ),
                    Some(&os("alpine", "3.20.3")),
                ),
                "pkg:apk/alpine/libcrypto3@3.3.2-r0?arch=amd64&distro=alpine-3.20.3&upstream=openssl",
            ),
            (
                purl(&package(PackageKind::Rpm, "bash", "1:5.1.8-6.el9", None), None),
                "pkg:rpm/bash@5.1.8-6.el9?arch=amd64&epoch=1&upstream=bash-5.1.8-6.el9.src.rpm",
            ),
            (
                purl(&package(PackageKind::Rpm, "libs", "1-6.el9", Some(("", ""))), None),
                "pkg:rpm/libs@1-6.el9?arch=amd64",
            ),
            (
                purl(&package(PackageKind::Deb, "A/b", "1~x", None), None),
                "pkg:deb/a%2Fb@1~x?arch=amd64",
            ),
        ];
        for (got, want) in cases {
            assert_eq!(got, want);
        }
    }

    #[test]
    fn namespaces_are_in_lower_case() {
        let open_euler =
            Os { derived_id: Some("openEuler".to_owned()), ..os("openeuler", "22.03") };
        assert_eq!(
            purl(&package(PackageKind::Rpm, "bash", "5.1-1", Some(("", ""))), Some(&open_euler)),
            "pkg:rpm/openeuler/bash@5.1-1?arch=amd64&distro=openEuler-22.03"
        );
    }
}
