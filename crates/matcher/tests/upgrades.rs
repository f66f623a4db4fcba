//! What is fixed by which upgrade, summed up.

use matcher::upgrades;
use model::{Evidence, Finding, Package, PackageKind, Severity, Source, Status};

/// `deb libssl3 3.0.11-1 openssl@3.0.11-1`: kind, name, version, source or `-`; `by-source` behind them where
/// the publisher speaks of the source.
fn finding(package: &str, id: &str, fixed: &str) -> Finding {
    let words: Vec<&str> = package.split(' ').collect();
    let source = words[3]
        .split_once('@')
        .map(|(name, version)| Source { name: name.to_owned(), version: version.to_owned() });
    let fixed = (fixed != "-").then(|| fixed.to_owned());
    let by_source = source.as_ref().filter(|_| words.get(4) == Some(&"by-source"));
    let evidence = by_source.map(|source| Evidence {
        source: "publisher".to_owned(),
        stream: "debian-12".to_owned(),
        notices: Vec::new(),
        advisory_package: format!("source {}", source.name),
        compared: String::new(),
    });
    let evidence = evidence.into_iter().collect();
    Finding {
        id: id.to_owned(),
        aliases: Vec::new(),
        package: Package {
            source,
            ..Package::new(
                if words[0] == "deb" { PackageKind::Deb } else { PackageKind::Rpm },
                words[1],
                words[2],
            )
        },
        status: if fixed.is_some() { Status::Fixed } else { Status::Affected },
        fixed_version: fixed,
        severity: Severity::Unknown,
        severity_source: String::new(),
        opinions: Vec::new(),
        cvss: Vec::new(),
        epss: None,
        kev: None,
        cwes: Vec::new(),
        title: String::new(),
        description: String::new(),
        references: Vec::new(),
        published: None,
        modified: None,
        evidence,
    }
}

#[test]
fn one_upgrade_a_source_holds_all_fixes() {
    let findings = [
        ("deb openssl 3.0.11-1 -", "CVE-1", "3.0.13-1"),
        ("deb libssl3 3.0.11-1 openssl@3.0.11-1", "CVE-1", "3.0.13-1"),
        ("deb libssl3 3.0.11-1 openssl@3.0.11-1", "CVE-2", "3.0.9-9"),
        ("deb libssl3 3.0.11-1 openssl@3.0.11-1", "CVE-3", "-"),
        ("deb mysql-common 5.8+1.1.0 mysql-defaults@1.1.0", "CVE-4", "1.1.1"),
        ("rpm libfoo7 7.1-1 foo@2.0-1", "CVE-5", "7.2-1"),
        ("rpm foo 1:2.0-1 foo@2.0-1", "CVE-5", "1:2.0-2"),
        ("deb bash 5-1 -", "CVE-6", "-"),
        ("rpm npm 1:9.6.7-1 nodejs@18.17.1-1 by-source", "CVE-7", "1:18.20.1-1"),
    ]
    .map(|(package, id, fixed)| finding(package, id, fixed));
    let shown: Vec<String> = upgrades(&findings)
        .iter()
        .map(|upgrade| {
            let (fixes, packages) = (upgrade.fixes.join(" "), upgrade.packages.join(" "));
            let (kind, name, to) = (upgrade.kind.name(), &upgrade.name, &upgrade.to);
            format!("{kind} {name} to {to} fixes {fixes}: {packages}")
        })
        .collect();
    assert_eq!(
        shown,
        [
            "deb openssl to 3.0.13-1 fixes CVE-1 CVE-2: libssl3 openssl",
            "rpm foo to 1:2.0-2 fixes CVE-5: foo",
            "rpm libfoo7 to 7.2-1 fixes CVE-5: libfoo7",
            "deb mysql-defaults to 1.1.1 fixes CVE-4: mysql-common",
            "rpm nodejs to 1:18.20.1-1 fixes CVE-7: npm",
        ]
    );
}

/// `libdevmapper1.02.1` has no version 2.03.16-3: `lvm2` has.
#[test]
fn a_fixed_version_is_one_of_what_the_publisher_speaks_of() {
    let cases = [
        ("deb libssl3 3.0.11-1 openssl@3.0.11-1 by-source", ("libssl3", "3.0.11-1")),
        ("deb zlib1g 1:1.2-1+b1 zlib@1:1.2-1 by-source", ("zlib1g", "1:1.2-1+b1")),
        ("deb libdevmapper 2:1.02-2 lvm2@2.03-2 by-source", ("lvm2", "2.03-2")),
        ("deb libdevmapper 2:1.02-2 lvm2@2.03-2", ("libdevmapper", "2:1.02-2")),
        ("rpm foo-libs 1:2.0-1 foo@2.0-1 by-source", ("foo-libs", "1:2.0-1")),
        ("rpm npm 1:9.6.7-1 nodejs@18.17.1-1 by-source", ("nodejs", "18.17.1-1")),
        ("deb bash 5-1 -", ("bash", "5-1")),
    ];
    for (package, expected) in cases {
        assert_eq!(finding(package, "CVE-1", "9").upgraded(), expected, "{package}");
    }
}
