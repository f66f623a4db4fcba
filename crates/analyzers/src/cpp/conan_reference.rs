//! How Conan writes a package: `zlib/1.2.13@user/channel#revision%timestamp`
//! (docs.conan.io, "recipe references").

use model::PackageKind;

use crate::Installed;

/// The package of a reference; None for a range or a text that is no reference.
pub(super) fn package(reference: &str) -> Option<Installed> {
    let (name, version) = split(reference)?;
    let mut installed = Installed::declared(PackageKind::Conan, name, version);
    let (reference, _time) = reference.split_once('%').unwrap_or((reference, ""));
    let (reference, revision) = reference.split_once('#').unwrap_or((reference, ""));
    let (_, published) = reference.split_once('@').unwrap_or((reference, ""));
    let (user, channel) = published.split_once('/').unwrap_or((published, ""));
    let told = [("user", user), ("channel", channel), ("rrev", revision)];
    // An underscore stands for none.
    let told = told.map(|(key, value)| (key, value.trim()));
    let told = told.into_iter().filter(|(_, value)| !matches!(*value, "" | "_"));
    let told = told.map(|(key, value)| (key.to_owned(), value.to_owned()));
    installed.package.variant.extend(told);
    Some(installed)
}

/// Name and version; None for a range or a text that is no reference.
pub(super) fn split(reference: &str) -> Option<(&str, &str)> {
    let recipe = reference.split(['@', '#', '%']).next()?.trim();
    let (name, version) = recipe.split_once('/')?;
    let is_exact = !version.is_empty() && !version.starts_with('[');
    (!name.is_empty() && is_exact).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_taken_apart() {
        for (reference, expected) in [
            ("zlib/1.2.13", Some("zlib 1.2.13")),
            ("zlib/1.2.13@", Some("zlib 1.2.13")),
            ("zlib/1.2.13@_/_#0a1b", Some("zlib 1.2.13 rrev=0a1b")),
            ("zlib/1.2.13#0a1b%1700000000.0", Some("zlib 1.2.13 rrev=0a1b")),
            ("a/1@b/c#d%e", Some("a 1 channel=c rrev=d user=b")),
            ("a/1@b", Some("a 1 user=b")),
            ("a/[>=1]", None),
            ("a", None),
        ] {
            let found = package(reference).map(|Installed { package, .. }| {
                let told = package.variant.iter().map(|(key, value)| format!(" {key}={value}"));
                format!("{} {}{}", package.name, package.version, told.collect::<String>())
            });
            assert_eq!(found.as_deref(), expected, "{reference}");
        }
    }
}
