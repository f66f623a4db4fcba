//! CPE: whether one means the distribution that is here.
//!
//! Publishers of distributions name their releases so, and packages as parts of a release (CSAF, "Relationships").
//! Both bindings are read (NISTIR 7695: the URI of 2.2, and the formatted string of 2.3). What a package
//! itself is called in CPE nobody records, so that no package is found by one.

use model::Os;

/// How a distribution names its releases.
struct System {
    family: &'static str,
    vendor: &'static str,
    product: &'static str,
    /// How many parts of the release's number are its version.
    parts: usize,
}

/// As the distributions' own `os-release` files (CPE_NAME) and the CPE dictionary have them.
const SYSTEMS: [System; 12] = [
    system("almalinux", "almalinux", "almalinux", 1),
    system("alpine", "alpinelinux", "alpine_linux", 2),
    system("amazon", "amazon", "amazon_linux", 1),
    system("amazon", "amazon", "linux", 1),
    system("debian", "debian", "debian_linux", 1),
    system("fedora", "fedoraproject", "fedora", 1),
    system("opensuse-leap", "opensuse", "leap", 2),
    system("oracle", "oracle", "linux", 1),
    system("rhel", "redhat", "enterprise_linux", 1),
    system("rocky", "rocky", "rocky", 1),
    // Of service packs the update tells.
    system("sles", "suse", "sles", 1),
    system("ubuntu", "canonical", "ubuntu_linux", 2),
];

const fn system(
    family: &'static str,
    vendor: &'static str,
    product: &'static str,
    parts: usize,
) -> System {
    System { family, vendor, product, parts }
}

/// Whether a name is one of CPE, in whatever binding.
pub(super) fn is_cpe(name: &str) -> bool {
    name.starts_with("cpe:")
}

/// Whether a CPE means this release. What it says of edition and language is where a repository's name
/// stands (`baseos`): which repository a package came from its version tells.
pub(super) fn is_system(name: &str, os: &Os) -> bool {
    let Some(fields) = fields(name) else { return false };
    let field = |number: usize| match fields.get(number) {
        Some(&("*" | "-")) | None => "",
        Some(field) => field,
    };
    let numbers: Vec<&str> = os.version.split('.').collect();
    let is_pack = os.family == "sles";
    let pack = match numbers.get(1) {
        Some(pack) if is_pack && *pack != "0" => format!("sp{pack}"),
        _ => String::new(),
    };
    SYSTEMS.iter().any(|it| {
        let version = numbers.get(..it.parts).map(|parts| parts.join("."));
        it.family == os.family
            && (field(0), field(1)) == (it.vendor, it.product)
            && version.is_some_and(|version| !version.is_empty() && field(2) == version)
            && (!is_pack || field(3) == pack)
    })
}

/// Vendor, product, version, update and what follows, of an operating system or of what is sold as an
/// application that runs on one.
fn fields(name: &str) -> Option<Vec<&str>> {
    let rest = name.strip_prefix("cpe:2.3:").or_else(|| name.strip_prefix("cpe:/"))?;
    let (kind, rest) = rest.split_once(':')?;
    ["a", "o"].contains(&kind).then(|| rest.split(':').collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A release, a CPE, and whether it means the release.
    const CASES: [(&str, &str, &str, bool); 15] = [
        ("rhel", "8.9", "cpe:/o:redhat:enterprise_linux:8", true),
        ("rhel", "8.9", "cpe:/o:redhat:enterprise_linux:8::baseos", true),
        ("rhel", "8.9", "cpe:/a:redhat:enterprise_linux:8::appstream", true),
        ("rhel", "8", "cpe:2.3:o:redhat:enterprise_linux:8:*:*:*:*:*:*:*", true),
        ("rhel", "8.9", "cpe:/o:redhat:enterprise_linux:9", false),
        ("rhel", "8.9", "cpe:/o:redhat:enterprise_linux", false),
        ("rhel", "8.4", "cpe:/o:redhat:rhel_eus:8.4::baseos", false),
        ("rhel", "8.9", "cpe:/h:redhat:enterprise_linux:8", false),
        ("rocky", "8.9", "cpe:/o:redhat:enterprise_linux:8", false),
        ("ubuntu", "22.04", "cpe:/o:canonical:ubuntu_linux:22.04", true),
        ("ubuntu", "22", "cpe:/o:canonical:ubuntu_linux:22.04", false),
        ("sles", "15.5", "cpe:/o:suse:sles:15:sp5", true),
        ("sles", "15.5", "cpe:/o:suse:sles:15:sp4", false),
        ("sles", "15.5", "cpe:/o:suse:sles:15", false),
        ("debian", "", "cpe:/o:debian:debian_linux:12", false),
    ];

    #[test]
    fn a_cpe_means_one_release() {
        for (family, version, cpe, expected) in CASES {
            let os = Os {
                family: family.to_owned(),
                version: version.to_owned(),
                codename: None,
                pretty_name: None,
                derived_id: None,
            };
            assert_eq!(is_system(cpe, &os), expected, "{family} {version}: {cpe}");
        }
    }
}
