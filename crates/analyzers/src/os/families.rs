//! What distributions call themselves, and what we call them: tables, and nothing else.

/// `ID` of os-release, in lower case, and the family whose advisories apply. An `ID` that is not
/// here is looked up by `ID_LIKE`, and is a family of its own if that is not here either.
pub(crate) const IDS: &[(&str, &str)] = &[
    ("almalinux", "almalinux"),
    ("alpine", "alpine"),
    ("amzn", "amazon"),
    ("anolis", "anolis"),
    ("azurelinux", "azurelinux"),
    ("centos", "centos"),
    ("chainguard", "chainguard"),
    ("debian", "debian"),
    ("fedora", "fedora"),
    ("mariner", "mariner"),
    ("minimos", "minimos"),
    ("ol", "oracle"),
    ("opencloudos", "opencloudos"),
    ("openeuler", "openeuler"),
    ("opensuse", "opensuse-leap"),
    ("opensuse-leap", "opensuse-leap"),
    ("opensuse-leap-micro", "opensuse-leap-micro"),
    ("opensuse-microos", "opensuse-tumbleweed"),
    ("opensuse-tumbleweed", "opensuse-tumbleweed"),
    ("photon", "photon"),
    ("raspbian", "debian"),
    ("redhat", "rhel"),
    ("rhcos", "rhel"),
    ("rhel", "rhel"),
    ("rocky", "rocky"),
    ("scientific", "rhel"),
    ("sl-micro", "sl-micro"),
    ("sle-micro", "sle-micro"),
    ("sle-micro-rancher", "sle-micro"),
    ("sled", "sles"),
    ("sles", "sles"),
    ("sles_sap", "sles"),
    ("suse-microos", "sle-micro"),
    ("tencentos", "tencentos"),
    ("tlinux", "tencentos"),
    ("ubuntu", "ubuntu"),
    ("wolfi", "wolfi"),
];

/// `ID`s of rebuilds of RHEL that number themselves as it does. Since RHEL 8 they also say so by their
/// `PLATFORM_ID`, and need not be here.
pub(crate) const REBUILDS: &[&str] = &[
    "circle",
    "clearos",
    "cloudlinux",
    "eurolinux",
    "miraclelinux",
    "navylinux",
    "springdale",
    "virtuozzo",
];

/// How older release files begin their line, in lower case, and the family. The first that fits
/// counts.
pub(crate) const LINES: &[(&str, &str)] = &[
    ("almalinux", "almalinux"),
    ("rocky linux", "rocky"),
    ("oracle linux", "oracle"),
    ("enterprise linux", "oracle"),
    ("centos stream", "centos-stream"),
    ("centos", "centos"),
    ("scientific linux", "rhel"),
    ("red hat enterprise linux", "rhel"),
    ("fedora", "fedora"),
    ("amazon linux", "amazon"),
    ("openeuler", "openeuler"),
    ("anolis", "anolis"),
    ("opencloudos", "opencloudos"),
    ("tencentos", "tencentos"),
    ("vmware photon", "photon"),
    ("photon", "photon"),
    ("cbl-mariner", "mariner"),
    ("microsoft azure linux", "azurelinux"),
    ("azurelinux", "azurelinux"),
    ("suse linux enterprise", "sles"),
    ("opensuse", "opensuse-leap"),
];

/// Debian's releases, and derivatives' releases that are built from them.
pub(crate) const DEBIAN_CODENAMES: &[(&str, &str)] = &[
    ("wheezy", "7"),
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("duke", "15"),
    // Devuan
    ("ascii", "9"),
    ("beowulf", "10"),
    ("chimaera", "11"),
    ("daedalus", "12"),
    ("excalibur", "13"),
];

/// Ubuntu's releases.
pub(crate) const UBUNTU_CODENAMES: &[(&str, &str)] = &[
    ("precise", "12.04"),
    ("trusty", "14.04"),
    ("xenial", "16.04"),
    ("bionic", "18.04"),
    ("focal", "20.04"),
    ("groovy", "20.10"),
    ("hirsute", "21.04"),
    ("impish", "21.10"),
    ("jammy", "22.04"),
    ("kinetic", "22.10"),
    ("lunar", "23.04"),
    ("mantic", "23.10"),
    ("noble", "24.04"),
    ("oracular", "24.10"),
    ("plucky", "25.04"),
    ("questing", "25.10"),
    ("resolute", "26.04"),
];

/// The value beside a key of one of these tables.
pub(crate) fn look_up(table: &[(&'static str, &'static str)], key: &str) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
}
