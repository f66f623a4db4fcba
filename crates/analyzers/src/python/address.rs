//! A requirement that is an address: of a repository (`git+https://…#egg=name`), or of a file, whose name tells
//! package and version where it is a wheel (PEP 427).

use super::name::normalized;

/// Name and version; no version where only a repository or archive is named. None where the text is no
/// address, or does not tell a name.
pub(super) fn package(text: &str) -> Option<(String, String)> {
    // `name @ address`, as PEP 508 has it; a blank is not needed before `@`.
    let (name, address) = match text.split_once('@') {
        Some((name, address)) if !name.contains([':', '/']) => (name.trim(), address.trim()),
        _ => ("", text.trim()),
    };
    let address = address.split(" ;").next().unwrap_or_default().trim();
    let is_wheel = |text: &str| text.ends_with(".whl");
    let (place, fragment) = address.split_once('#').unwrap_or((address, ""));
    if !place.contains("://") && !is_wheel(place) {
        return None;
    }
    let file = place.rsplit('/').next().unwrap_or_default();
    if let Some((name, version)) = wheel(file) {
        return Some((name, version));
    }
    let name = name.split('[').next().unwrap_or_default().trim();
    let egg = fragment.split('&').find_map(|pair| pair.strip_prefix("egg="));
    let egg =
        egg.and_then(|egg| egg.split(['[', '=', '<', '>', '~', '!']).next()).unwrap_or_default();
    let name = normalized(if name.is_empty() { egg } else { name });
    (!name.is_empty() && is_name(&name)).then(|| (name, String::new()))
}

/// `six-1.16.0-py2.py3-none-any.whl`.
fn wheel(file: &str) -> Option<(String, String)> {
    let mut parts = file.strip_suffix(".whl")?.split('-');
    let (name, version) = (normalized(parts.next()?), parts.next()?);
    // Python, ABI and platform follow, and a build may stand before them.
    let is_whole = (3..=4).contains(&parts.count()) && is_name(&name);
    let version = version.replace("%2B", "+").replace("%2b", "+");
    let is_version = version.starts_with(|c: char| c.is_ascii_digit());
    (is_whole && is_version).then_some((name, version))
}

fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_tell_a_package_where_they_can() {
        for (text, expected) in [
            ("git+https://x.org/django.git@3.2#egg=django", Some(("django", ""))),
            ("git+https://x.org/d.git#subdirectory=a&egg=My_Pkg[b]", Some(("my-pkg", ""))),
            ("Zope.Interface[test] @ git+ssh://git@x.org/z.git", Some(("zope-interface", ""))),
            ("six@https://x.org/six-1.16.0-py2.py3-none-any.whl", Some(("six", "1.16.0"))),
            ("./wheels/six-1.16.0-1-py3-none-any.whl", Some(("six", "1.16.0"))),
            (
                "https://x.org/torch-2.1%2Bcpu-cp311-cp311-linux_x86_64.whl",
                Some(("torch", "2.1+cpu")),
            ),
            ("https://x.org/six-1.16.0.tar.gz", None),
            ("git+https://x.org/django.git", None),
            ("six-1.16.0.whl", None),
            ("./six", None),
            ("six==1.16.0", None),
            ("six @ ", None),
            ("", None),
        ] {
            let found = package(text);
            let found = found.as_ref().map(|(name, version)| (name.as_str(), version.as_str()));
            assert_eq!(found, expected, "{text}");
        }
    }
}
