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

/// Whether a CPE means this release, and all of it. What it says of edition and language is where a
/// repository's name stands (`baseos`): which repository a package came from its version tells. What it
/// says beside (an update, a kind of machine) narrows it to something that nobody here can tell.
pub(super) fn is_system(name: &str, os: &Os) -> bool {
    let Some(fields) = fields(name) else { return false };
    let field = |number: usize| match fields.get(number) {
        Some(&("*" | "-")) | None => "",
        Some(field) => field,
    };
    let numbers: Vec<&str> = os.version.split('.').collect();
    let is_narrowed = !["", "lts"].contains(&field(SW_EDITION))
        || (SW_EDITION + 1..fields.len()).any(|number| !field(number).is_empty());
    SYSTEMS.iter().any(|it| {
        let version = numbers.get(..it.parts).map(|parts| parts.join("."));
        it.family == os.family
            && (field(0), field(1)) == (it.vendor, it.product)
            && version.is_some_and(|version| !version.is_empty() && field(2) == version)
            && is_update(field(3), os, numbers.get(it.parts).copied())
            && !is_narrowed
    })
}

/// Whether an update is the one that is here, given the number that follows those of the version. For SLES
/// that is the service pack, which has to be told; others do not need it (Oracle's `8:9` is 8.9).
fn is_update(update: &str, os: &Os, next: Option<&str>) -> bool {
    // General availability, as Rocky and Red Hat have it, is the release itself.
    let update = if update.eq_ignore_ascii_case("ga") { "" } else { update };
    match next {
        Some(pack) if os.family == "sles" && pack != "0" => update == format!("sp{pack}"),
        Some(number) if os.family != "sles" => update.is_empty() || update == number,
        _ => update.is_empty(),
    }
}

/// The first of the fields that came with CPE 2.3: after it target software, target hardware and others.
const SW_EDITION: usize = 6;

/// Vendor, product, version, update and what follows, of an operating system or of what is sold as an
/// application that runs on one.
fn fields(name: &str) -> Option<Vec<&str>> {
    let rest = name.strip_prefix("cpe:2.3:").or_else(|| name.strip_prefix("cpe:/"))?;
    let (kind, rest) = rest.split_once(':')?;
    let mut fields: Vec<&str> = rest.split(':').collect();
    // A URI packs them into its edition: `~edition~sw_edition~target_sw~target_hw~other`.
    if let Some(packed) = fields.get(4).and_then(|edition| edition.strip_prefix('~')) {
        fields.resize(SW_EDITION, "");
        fields.extend(packed.split('~').skip(1));
    }
    ["a", "o"].contains(&kind).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A release, a CPE, and whether it means the release.
    const CASES: [(&str, &str, &str, bool); 32] = [
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
        ("sles", "15", "cpe:/o:suse:sles:15", true),
        ("sles", "15", "cpe:/o:suse:sles:15:sp5", false),
        ("debian", "", "cpe:/o:debian:debian_linux:12", false),
        ("debian", "12", "cpe:/o:debian:debian_linux:12", true),
        ("debian", "12", "cpe:/o:debian:debian_linux:12:sp1", false),
        ("debian", "12.5", "cpe:2.3:o:debian:debian_linux:12:4:*:*:*:*:*:*", false),
        ("debian", "12", "cpe:2.3:o:debian:debian_linux:12:*:*:*:*:*:s390x:*", false),
        ("debian", "12", "cpe:2.3:o:debian:debian_linux:12:-:*:*:*:docker:*:*", false),
        ("debian", "12", "cpe:2.3:o:debian:debian_linux:12:*:*:*:*:*:*:cloud", false),
        ("debian", "12", "cpe:/o:debian:debian_linux:12::~~~~s390x~", false),
        ("debian", "12", "cpe:/o:debian:debian_linux:12::~~~docker~~", false),
        ("debian", "12", "cpe:/o:debian:debian_linux:12::~main~~~~", true),
        ("ubuntu", "22.04", "cpe:/o:canonical:ubuntu_linux:22.04::~~lts~~~", true),
        ("ubuntu", "22.04", "cpe:2.3:o:canonical:ubuntu_linux:22.04:*:*:*:lts:*:*:*", true),
        ("ubuntu", "16.04", "cpe:2.3:o:canonical:ubuntu_linux:16.04:*:*:*:esm:*:*:*", false),
        ("rocky", "8.9", "cpe:/o:rocky:rocky:8:GA", true),
        ("oracle", "8.9", "cpe:/o:oracle:linux:8:9:server", true),
        ("oracle", "8.9", "cpe:/o:oracle:linux:8:8:server", false),
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
