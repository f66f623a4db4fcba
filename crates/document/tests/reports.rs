//! Every format of one report, held against its snapshot, and the JSON against its schema.

use std::collections::BTreeMap;

use document::table::Look;
use document::vex::openvex;
use document::{DataSource, Format, Report, Upgrade, json, table};
use model::{
    Artifact, ArtifactKind, Cvss, Decision, Digest, Eol, Evidence, Excepted, Finding, Hit,
    ImageConfig, Inventory, Layer, Location, Opinion, Os, Package, PackageKind, Problem,
    ProblemKind, Reason, Secret, SecretPlace, Severity, Silenced, SilencedBy, Source, Status,
    Verdict,
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
        references: Vec::new(),
        digest: Some(Digest::sha256([2; 32])),
        manifest_digest: Some(Digest::sha256([3; 32])),
        platform: "linux/amd64".parse().ok(),
        size_bytes: Some(1_000_000),
        created: Some("2024-01-01T00:00:00Z".to_owned()),
        config: Some(ImageConfig {
            user: "app".to_owned(),
            labels: [
                ("team".to_owned(), "shop".to_owned()),
                ("token".to_owned(), "hidden".to_owned()),
            ]
            .into(),
            ..ImageConfig::default()
        }),
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

fn verdict() -> Verdict {
    let hit = |number: u32| Hit {
        id: format!("CVE-2024-000{number}"),
        place: "libssl3 3".to_owned(),
        severity: Some(Severity::High),
    };
    Verdict {
        decision: Decision::Deny,
        policy: "policy.yaml".to_owned(),
        reasons: vec![
            Reason {
                rule: "high".to_owned(),
                title: "High vulnerabilities".to_owned(),
                decision: Decision::Deny,
                because: "one is enough".to_owned(),
                on: "finding".to_owned(),
                hits: (1..=5).map(hit).collect(),
                remedies: vec!["upgrade libssl3 3 to 4 (fixes 5)".to_owned()],
                ..Reason::default()
            },
            Reason {
                rule: "signed".to_owned(),
                title: "Unsigned".to_owned(),
                decision: Decision::Warn,
                on: "image".to_owned(),
                observed_until: Some("2024-12-31".to_owned()),
                unknown: vec!["`image.signed` is not known".to_owned()],
                ..Reason::default()
            },
        ],
        notes: vec!["the exception of team-shop for CVE-2024-0009 counts no more".to_owned()],
    }
}

fn silenced() -> Silenced {
    let package = package("libssl3", "3", Some(0));
    Silenced {
        finding: finding("CVE-2024-0007", Severity::High, Status::Affected, package),
        by: SilencedBy::Exception,
        source: "policy.yaml".to_owned(),
        reason: "not reachable".to_owned(),
        owner: "team-shop".to_owned(),
        expires: None,
    }
}

fn excepted() -> Excepted {
    Excepted {
        kind: "secret".to_owned(),
        id: "jwt".to_owned(),
        place: "srv/test/token".to_owned(),
        severity: Severity::Low,
        source: "policy.yaml".to_owned(),
        reason: "a fixture".to_owned(),
        owner: "team-shop".to_owned(),
        expires: Some("2024-12-31".to_owned()),
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
        silenced: vec![silenced()],
        excepted: vec![excepted()],
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
        base: None,
        verdict: Some(verdict()),
        now: "2024-06-02T00:00:00Z".to_owned(),
    }
}

/// One by a statement, two by one exception.
fn statements() -> Vec<Silenced> {
    let silence = |name: &str, by, reason: &str| Silenced {
        finding: Finding {
            aliases: vec!["GHSA-5555-5555-5555".to_owned()],
            ..finding(
                "CVE-2024-0005",
                Severity::Low,
                Status::Affected,
                package(name, "3.0.11-1~deb12u2", Some(0)),
            )
        },
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
/// There is no version 2.03.16-3 of `libdevmapper1.02.1`, and 2:1.02.185-2 is none of `lvm2`.
#[test]
fn a_fix_of_the_source_is_told_by_the_source() {
    let source = Source { name: "lvm2".to_owned(), version: "2.03.16-2".to_owned() };
    let package =
        Package { source: Some(source), ..package("libdevmapper1.02.1", "2:1.02.185-2", Some(0)) };
    let mut found = finding("CVE-2024-0006", Severity::High, Status::Fixed, package);
    found.fixed_version = Some("2.03.16-3".to_owned());
    found.evidence[0].advisory_package = "source lvm2".to_owned();
    let upgrade = Upgrade {
        package: "lvm2".to_owned(),
        moves: vec!["libdevmapper1.02.1".to_owned()],
        to: "2.03.16-3".to_owned(),
        fixes: vec!["CVE-2024-0006".to_owned()],
    };
    let report = Report { findings: vec![found], upgrades: vec![upgrade], ..report() };
    let shown = table::render(&report, PLAIN);
    assert!(shown.contains("lvm2 2.03.16-2 → upgrade to 2.03.16-3"), "{shown}");
    let rows = document::csv::render(&report);
    assert!(rows.contains("Upgrade lvm2 to 2.03.16-3."), "{rows}");
}

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
    let told_apart = Report { left_out: BTreeMap::new(), ..filtered };
    let text = table::render(&told_apart, PLAIN);
    assert!(text.contains("no vulnerability but those that are silenced"), "{text}");
    let clean = Report { silenced: Vec::new(), ..told_apart };
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
    let silenced = || Report { silenced: statements(), ..report() };
    insta::assert_snapshot!("cyclonedx", Format::CycloneDxJson.render(&silenced()));
    insta::assert_snapshot!("cyclonedx_xml", Format::CycloneDxXml.render(&silenced()));
    insta::assert_snapshot!("spdx", Format::SpdxJson.render(&report()));
    insta::assert_snapshot!("spdx_tag_value", Format::SpdxTagValue.render(&report()));
    insta::assert_snapshot!("openvex", Format::OpenVexJson.render(&silenced()));
}

/// A name that several CVE ids have is not said of one of them.
#[test]
fn what_several_have_in_common_is_no_name_of_one() {
    let mut other = statements();
    other[1].finding.id = "CVE-2024-0006".to_owned();
    let of = |silenced| Format::OpenVexJson.render(&Report { silenced, ..report() });
    assert!(of(statements()).contains("GHSA-5555-5555-5555"));
    assert!(!of(other).contains("GHSA-5555-5555-5555"));
}

/// Without a digest nothing tells others what a statement is about.
#[test]
fn of_what_has_no_digest_no_statement_is_written() {
    let of = |artifact| Report { silenced: statements(), artifact, ..report() };
    let directory =
        Artifact { kind: ArtifactKind::Dir, digest: None, manifest_digest: None, ..artifact() };
    let written = Format::OpenVexJson.render(&of(directory.clone()));
    assert!(written.contains("\"statements\": []"), "{written}");
    assert_eq!(openvex::left_out(&of(directory.clone())), 3);
    assert_eq!(openvex::left_out(&of(artifact())), 0);
    // Of others' bills the manifest's digest is all that is known.
    let manifest_digest = Some(Digest::sha256([0x22; 32]));
    let written = Format::OpenVexJson.render(&of(Artifact { manifest_digest, ..directory }));
    assert!(written.contains("@sha256:2222"), "{written}");
}

/// A statement names a package and not a program: what one links and another does not is not said.
#[test]
fn no_statement_speaks_against_a_finding() {
    let counting = |name: &str| {
        let package = package(name, "3.0.11-1~deb12u2", Some(0));
        finding("CVE-2024-0005", Severity::Low, Status::Affected, package)
    };
    let of = |findings| Report { silenced: statements(), findings, ..report() };
    let analyses = |report: &Report| {
        let bills = [Format::CycloneDxJson, Format::CycloneDxXml].map(|it| it.render(report));
        bills.map(|it| it.matches("not reach").count() + it.matches("not_affected").count())
    };
    let plain = of(Vec::new());
    assert!(Format::OpenVexJson.render(&plain).contains("libssl3"));
    assert!(analyses(&plain).iter().all(|count| *count > 0));
    let both = of(vec![counting("libssl3")]);
    let written = Format::OpenVexJson.render(&both);
    assert!(!written.contains("libssl3") && written.contains("debian/openssl@"), "{written}");
    let all = of(vec![counting("libssl3"), counting("openssl")]);
    assert!(!Format::OpenVexJson.render(&all).contains("openssl"));
    assert_eq!(analyses(&all), [0, 0]);
    let alias = Finding {
        id: "X".to_owned(),
        aliases: vec!["CVE-2024-0005".to_owned()],
        ..counting("openssl")
    };
    assert!(!Format::OpenVexJson.render(&of(vec![alias])).contains("debian/openssl@"));
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

/// What is read back is what was written, apart from what a report does not carry.
#[test]
fn a_stored_report_is_read_back() {
    let hidden = Secret {
        kind: "jwt".to_owned(),
        title: "JSON Web Token".to_owned(),
        severity: Severity::High,
        place: SecretPlace::Label,
        location: Location { path: "token".to_owned(), layer: None },
        line: 1,
        excerpt: "hid…".to_owned(),
        removed: false,
        owner: None,
    };
    let report = Report {
        inventory: Inventory { secrets: vec![hidden], ..inventory() },
        left_out: BTreeMap::new(),
        silenced: Vec::new(),
        excepted: Vec::new(),
        upgrades: Vec::new(),
        data: Vec::new(),
        verdict: None,
        ..report()
    };
    let written = Format::Json.render(&report);
    assert!(!written.contains("hidden"), "a label that holds a secret");
    let back = json::read(written.as_bytes()).unwrap();
    assert_eq!(Format::Json.render(&back), written);

    let filtered = Report { left_out: BTreeMap::from([(Severity::Low, 2)]), ..report };
    let back = json::read(Format::Json.render(&filtered).as_bytes()).unwrap();
    assert!(back.problems.iter().any(|it| it.message.contains("leaves out 2")), "{back:?}");

    for broken in [
        "",
        "{}",
        "[]",
        &written.replace("\"1.0\"", "\"2.0\""),
        &written.replace("\"deb\"", "\"dob\""),
    ] {
        assert!(json::read(broken.as_bytes()).is_err(), "{broken}");
    }
}
