//! Every format of one report, held against its snapshot, and the JSON against its schema.

use std::collections::BTreeMap;

use document::table::Look;
use document::{DataSource, Format, Report, Upgrade, table};
use model::{
    Artifact, ArtifactKind, Cvss, Digest, Eol, Evidence, Finding, Inventory, Layer, Location,
    Opinion, Os, Package, PackageKind, Problem, ProblemKind, Severity, Silenced, SilencedBy,
    Source, Status,
};

/// As into a pipe.
const PLAIN: Look = Look { color: false, width: None };

fn package(name: &str, version: &str, layer: Option<u32>) -> Package {
    Package {
        architecture: "amd64".to_owned(),
        source: Some(Source { name: "openssl".to_owned(), version: version.to_owned() }),
        license: "Apache-2.0".to_owned(),
        vendor: "Debian OpenSSL Team".to_owned(),
        location: Location { path: "var/lib/dpkg/status".to_owned(), layer },
        ..Package::new(PackageKind::Deb, name, version)
    }
}

fn finding(id: &str, severity: Severity, status: Status, package: Package) -> Finding {
    Finding {
        id: id.to_owned(),
        aliases: vec!["GHSA-xxxx-yyyy-zzzz".to_owned()],
        package,
        status,
        fixed_version: (status == Status::Fixed).then(|| "3.0.15-1~deb12u1".to_owned()),
        severity,
        severity_source: "nvd".to_owned(),
        opinions: vec![Opinion { source: "nvd".to_owned(), severity }],
        cvss: vec![Cvss {
            source: "nvd".to_owned(),
            version: "3.1".to_owned(),
            vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".to_owned(),
            score: 9.8,
        }],
        epss: Some((0.125, 0.95)),
        kev: (severity == Severity::High).then(|| "2024-05-01".to_owned()),
        cwes: vec!["CWE-416".to_owned()],
        title: String::new(),
        description: "a fixture".to_owned(),
        references: vec!["https://example.org/advisory".to_owned()],
        published: Some("2024-04-01T00:00:00Z".to_owned()),
        modified: None,
        evidence: vec![Evidence {
            source: "debian-tracker".to_owned(),
            stream: "debian-12".to_owned(),
            notices: vec!["DSA-1-1".to_owned()],
            advisory_package: "openssl".to_owned(),
            compared: "3.0.11-1 < 3.0.15-1~deb12u1 (debian, source openssl)".to_owned(),
        }],
    }
}

fn artifact() -> Artifact {
    Artifact {
        name: "example:1\u{1b}[2J".to_owned(),
        kind: ArtifactKind::OciDir,
        digest: Some(Digest::sha256([2; 32])),
        manifest_digest: Some(Digest::sha256([3; 32])),
        platform: "linux/amd64".parse().ok(),
        size_bytes: Some(1_000_000),
        created: Some("2024-01-01T00:00:00Z".to_owned()),
        config: None,
        layers: vec![Layer {
            index: 0,
            diff_id: Some(Digest::sha256([1; 32])),
            digest: None,
            size_bytes: Some(1_000_000),
            created_by: "ADD rootfs / # buildkit".to_owned(),
        }],
    }
}

fn inventory() -> Inventory {
    Inventory {
        os: Some(Os {
            family: "debian".to_owned(),
            version: "12".to_owned(),
            codename: Some("bookworm".to_owned()),
            pretty_name: Some("Debian GNU/Linux 12 (bookworm)".to_owned()),
            derived_id: None,
        }),
        packages: vec![
            package("libssl3", "3.0.11-1~deb12u2", Some(0)),
            package("openssl", "3.0.11-1~deb12u2", Some(0)),
            package("openssl", "3.0.11-1~deb12u2", Some(0)),
        ],
        ..Inventory::default()
    }
}

fn report() -> Report {
    Report {
        artifact: artifact(),
        inventory: inventory(),
        eol: Eol::Ends("2028-06-30".to_owned()),
        findings: vec![
            finding(
                "CVE-2024-0001",
                Severity::Low,
                Status::Affected,
                package("libssl3", "3", Some(0)),
            ),
            finding(
                "CVE-2024-0002",
                Severity::Critical,
                Status::Fixed,
                package("libssl3", "3", Some(0)),
            ),
            finding(
                "CVE-2024-0003",
                Severity::High,
                Status::Fixed,
                package("openssl", "3", Some(0)),
            ),
            finding(
                "CVE-2024-0004",
                Severity::Critical,
                Status::UnderInvestigation,
                package("openssl", "3", Some(0)),
            ),
        ],
        silenced: Vec::new(),
        left_out: BTreeMap::from([(Severity::Unknown, 2)]),
        secrets_left_out: 0,
        malware_left_out: 0,
        misconfigurations_left_out: 0,
        upgrades: vec![Upgrade {
            package: "openssl".to_owned(),
            moves: vec!["libssl3".to_owned(), "openssl".to_owned()],
            to: "3.0.15-1~deb12u1".to_owned(),
            fixes: vec!["CVE-2024-0002".to_owned(), "CVE-2024-0003".to_owned()],
        }],
        problems: vec![
            Problem::new(ProblemKind::Damaged, "var/lib/dpkg/status", "line 3 is cut off")
                .in_layer(0),
        ],
        data: vec![DataSource {
            source: "debian-tracker".to_owned(),
            stream: "debian-12".to_owned(),
            built_at: "2024-06-01T00:00:00Z".to_owned(),
            modified: None,
            license: String::new(),
        }],
        checks: vec!["vuln".to_owned()],
        now: "2024-06-02T00:00:00Z".to_owned(),
    }
}

/// One by a statement, two by one exception.
fn silenced() -> Vec<Silenced> {
    let silence = |name: &str, by, reason: &str| Silenced {
        finding: finding(
            "CVE-2024-0005",
            Severity::Low,
            Status::Affected,
            package(name, "3.0.11-1~deb12u2", Some(0)),
        ),
        by,
        source: "by-hand".to_owned(),
        reason: reason.to_owned(),
        owner: "harbour master".to_owned(),
        expires: Some("2024-12-31".to_owned()),
    };
    vec![
        silence("libssl3", SilencedBy::Vex, "vulnerable_code_not_present: built without it"),
        silence("libssl3", SilencedBy::Exception, "nobody can reach it"),
        silence("openssl", SilencedBy::Exception, "nobody can reach it"),
    ]
}

#[test]
fn table_plain_and_colored() {
    insta::assert_snapshot!("table", table::render(&report(), PLAIN));
    let colored = table::render(&report(), Look { color: true, width: None });
    insta::assert_snapshot!("table_colored", colored.replace('\u{1b}', "ESC"));
}

/// What a window has no room for is left out and named; no line is wider if words allow.
#[test]
fn a_narrow_window() {
    insta::assert_snapshot!(
        "table_60",
        table::render(&report(), Look { width: Some(60), ..PLAIN })
    );
    let wide = table::render(&report(), Look { width: Some(500), ..PLAIN });
    assert_eq!(wide, table::render(&report(), PLAIN));
}

#[test]
fn a_result_without_findings_says_whether_it_is_complete() {
    let incomplete = Report { findings: Vec::new(), ..report() };
    let text = table::render(&incomplete, PLAIN);
    assert!(text.contains("the result is incomplete"), "{text}");
    assert!(!text.contains("no known vulnerability"), "{text}");
    let filtered = Report { problems: Vec::new(), ..incomplete };
    let text = table::render(&filtered, PLAIN);
    assert!(text.contains("no vulnerability of the kinds asked for\n2 not shown"), "{text}");
    let clean = Report { left_out: BTreeMap::new(), ..filtered };
    let text = table::render(&clean, PLAIN);
    assert!(text.contains("no known vulnerability"), "{text}");
    let ended = Report { eol: Eol::Ended("2024-06-30".to_owned()), ..clean };
    let text = table::render(&ended, PLAIN);
    let words = "no known vulnerability; the release is past its end of life (2024-06-30)";
    assert!(text.contains(words), "{text}");
    let empty = Report { inventory: Inventory::default(), eol: Eol::Unknown, ..ended };
    let text = table::render(&empty, PLAIN);
    assert!(text.contains("no packages found"), "{text}");
}

#[test]
fn machine_formats() {
    insta::assert_snapshot!("json", Format::Json.render(&report()));
    let silenced = || Report { silenced: silenced(), ..report() };
    insta::assert_snapshot!("cyclonedx", Format::CycloneDxJson.render(&silenced()));
    insta::assert_snapshot!("cyclonedx_xml", Format::CycloneDxXml.render(&silenced()));
    insta::assert_snapshot!("spdx", Format::SpdxJson.render(&report()));
    insta::assert_snapshot!("spdx_tag_value", Format::SpdxTagValue.render(&report()));
    insta::assert_snapshot!("openvex", Format::OpenVexJson.render(&silenced()));
}

#[test]
fn json_keeps_the_schema() {
    let schema = include_str!("../../../docs/report.schema.json");
    let validator = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    let bare = Report {
        artifact: Artifact {
            kind: ArtifactKind::Dir,
            digest: None,
            platform: None,
            ..report().artifact
        },
        inventory: Inventory::default(),
        eol: Eol::Unknown,
        findings: vec![Finding {
            epss: None,
            package: package("openssl", "3", None),
            ..report().findings.remove(0)
        }],
        ..report()
    };
    for report in [report(), bare] {
        let document = serde_json::from_str(&Format::Json.render(&report)).unwrap();
        let errors: Vec<String> = validator.iter_errors(&document).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

#[test]
fn component_references_are_unique() {
    let bom: serde_json::Value =
        serde_json::from_str(&Format::CycloneDxJson.render(&report())).unwrap();
    let components = bom["components"].as_array().unwrap();
    let mut references: Vec<&str> =
        components.iter().map(|component| component["bom-ref"].as_str().unwrap()).collect();
    references.sort_unstable();
    let count = references.len();
    references.dedup();
    assert_eq!(references.len(), count, "{references:#?}");
}

/// Nothing found is not the same as nothing there, nor as nothing shown.
#[test]
fn no_secret_is_said_with_what_it_is_worth() {
    let checks = vec!["secret".to_owned()];
    let plain = Report { checks, findings: Vec::new(), problems: Vec::new(), ..report() };
    let cut = Problem::new(ProblemKind::LimitReached, "srv/dump.sql", "too large");
    let table = [
        (Vec::new(), 0, "no secret found\n"),
        (vec![cut], 0, "no secret found in what could be read; the result is incomplete\n"),
        (Vec::new(), 2, "no secret of the severities asked for\n2 secrets not shown"),
    ];
    for (problems, secrets_left_out, said) in table {
        let text = table::render(&Report { problems, secrets_left_out, ..plain.clone() }, PLAIN);
        assert!(text.contains(said), "`{said}` in\n{text}");
    }
}
