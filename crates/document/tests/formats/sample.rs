//! A report in which there is one of everything, and the same with any text in its place.

use std::collections::BTreeMap;

use document::{DataSource, Report, Upgrade};
use model::{
    Artifact, ArtifactKind, ConfigPlace, Cvss, Decision, Digest, Eol, Evidence, Excepted, Finding,
    Hit, Inventory, Layer, Location, Malware, MalwareEngine, Misconfiguration, Opinion, Os,
    Package, PackageKind, Problem, ProblemKind, Reason, Secret, SecretPlace, Severity, Silenced,
    SilencedBy, Source, Status, Verdict,
};

/// Texts that are as they should be.
pub(crate) fn report() -> Report {
    of(&|text| text.to_owned())
}

/// The same with another text in every place that an image, a feed or a user fills.
pub(crate) fn hostile(text: &str) -> Report {
    of(&|_| text.to_owned())
}

/// As many vulnerabilities as asked for, spread over packages, severities and layers.
pub(crate) fn many(count: usize) -> Report {
    let one = report();
    let template = one.findings.first().cloned().unwrap();
    let finding = |number: usize| {
        let severity = *Severity::ALL.get(number % 6).unwrap();
        let layer = u32::try_from(number % 3).ok();
        let mut package = template.package.clone();
        package.name = format!("package-{}", number % 400);
        package.location.layer = layer;
        Finding {
            id: format!("CVE-2024-{number:05}"),
            package,
            severity,
            kev: None,
            ..template.clone()
        }
    };
    Report { findings: (0..count).map(finding).collect(), ..one }
}

fn of(say: &dyn Fn(&str) -> String) -> Report {
    Report {
        artifact: artifact(say),
        inventory: Inventory {
            os: Some(Os {
                family: say("debian"),
                version: say("12"),
                codename: Some(say("bookworm")),
                pretty_name: Some(say("Debian GNU/Linux 12 (bookworm)")),
                derived_id: None,
            }),
            packages: vec![package(say, "libssl3"), package(say, "openssl"), library(say)],
            secrets: secrets(say),
            malware: malware(say),
            misconfigurations: misconfigurations(say),
            ..Inventory::default()
        },
        eol: Eol::Ended("2024-06-30".to_owned()),
        findings: findings(say),
        silenced: vec![Silenced {
            finding: finding(say, "CVE-2024-0009", Severity::High, Status::Affected, "openssl"),
            by: SilencedBy::Vex,
            source: say("vex/shop.json"),
            reason: say("vulnerable_code_not_present"),
            owner: say("security@example.org"),
            expires: Some("2025-01-01".to_owned()),
        }],
        excepted: vec![
            excepted(say, "misconfiguration", "image-no-healthcheck", ""),
            excepted(say, "secret", "jwt", "srv/test/token"),
        ],
        verdict: Some(verdict(say)),
        base: None,
        left_out: BTreeMap::from([(Severity::Unknown, 2)]),
        secrets_left_out: 1,
        malware_left_out: 0,
        misconfigurations_left_out: 0,
        upgrades: vec![Upgrade {
            package: say("openssl"),
            moves: vec![say("libssl3"), say("openssl")],
            to: say("3.0.15-1~deb12u1"),
            fixes: vec![say("CVE-2024-0002"), say("CVE-2024-0003")],
        }],
        problems: vec![
            Problem::new(
                ProblemKind::Damaged,
                say("var/lib/dpkg/status"),
                say("line 3 is cut off"),
            )
            .in_layer(0),
            Problem::new(ProblemKind::Notice, say("debian-12"), say("is past its end of life")),
        ],
        data: vec![DataSource {
            source: say("debian-tracker"),
            stream: say("debian-12"),
            built_at: "2024-06-01T00:00:00Z".to_owned(),
            modified: None,
            license: say("public domain"),
        }],
        checks: ["vuln", "secret", "malware", "config"].map(str::to_owned).into(),
        now: "2024-06-02T00:00:00Z".to_owned(),
    }
}

fn excepted(say: &dyn Fn(&str) -> String, kind: &str, id: &str, place: &str) -> Excepted {
    Excepted {
        kind: kind.to_owned(),
        id: say(id),
        place: say(place),
        severity: Severity::Low,
        source: say("policy.yaml"),
        reason: say("accepted for the tests"),
        owner: say("team-shop"),
        expires: None,
    }
}

fn verdict(say: &dyn Fn(&str) -> String) -> Verdict {
    let reason = |rule: &str, decision| Reason {
        rule: say(rule),
        title: say("No malware"),
        decision,
        because: say("it runs"),
        on: "malware".to_owned(),
        hits: vec![Hit { id: say("webshell"), place: say("srv/a.php"), severity: None }],
        remedies: vec![say("remove it")],
        ..Reason::default()
    };
    let unknown = Reason {
        hits: Vec::new(),
        unknown: vec![say("`image.signed` is not known")],
        ..reason("signed", Decision::Unknown)
    };
    Verdict {
        decision: Decision::Deny,
        policy: say("policy.yaml"),
        reasons: vec![reason("malware", Decision::Deny), unknown, reason("old", Decision::Warn)],
        notes: vec![say("an exception counts no more")],
    }
}

fn artifact(say: &dyn Fn(&str) -> String) -> Artifact {
    let layer = |index: u32, created_by: &str| Layer {
        index,
        diff_id: Some(Digest::sha256([u8::try_from(index).unwrap_or_default(); 32])),
        digest: None,
        size_bytes: Some(74_000_000),
        created_by: say(created_by),
    };
    Artifact {
        name: say("registry.example.org/shop/web:1.4"),
        kind: ArtifactKind::OciDir,
        references: Vec::new(),
        digest: Some(Digest::sha256([2; 32])),
        manifest_digest: Some(Digest::sha256([3; 32])),
        platform: "linux/amd64".parse().ok(),
        size_bytes: Some(222_000_000),
        created: Some("2024-01-01T00:00:00Z".to_owned()),
        config: None,
        layers: vec![
            layer(0, "ADD rootfs / # buildkit"),
            layer(1, "RUN /bin/sh -c apt-get install -y openssl curl # buildkit"),
            layer(2, "COPY . /srv # buildkit"),
        ],
    }
}

fn package(say: &dyn Fn(&str) -> String, name: &str) -> Package {
    Package {
        architecture: say("amd64"),
        source: Some(Source { name: say("openssl"), version: say("3.0.11-1~deb12u2") }),
        license: say("Apache-2.0"),
        vendor: say("Debian OpenSSL Team"),
        location: Location { path: say("var/lib/dpkg/status"), layer: Some(1) },
        ..Package::new(PackageKind::Deb, &say(name), &say("3.0.11-1~deb12u2"))
    }
}

fn library(say: &dyn Fn(&str) -> String) -> Package {
    Package {
        location: Location { path: say("srv/node_modules/lodash/package.json"), layer: Some(2) },
        ..Package::new(PackageKind::Npm, &say("lodash"), &say("4.17.20"))
    }
}

fn findings(say: &dyn Fn(&str) -> String) -> Vec<Finding> {
    let library = Finding {
        package: library(say),
        fixed_version: Some(say("4.17.21")),
        ..finding(say, "CVE-2021-23337", Severity::Medium, Status::Fixed, "lodash")
    };
    vec![
        finding(say, "CVE-2024-0001", Severity::Low, Status::Affected, "libssl3"),
        finding(say, "CVE-2024-0002", Severity::Critical, Status::Fixed, "libssl3"),
        Finding {
            kev: Some("2024-05-01".to_owned()),
            ..finding(say, "CVE-2024-0003", Severity::High, Status::Fixed, "openssl")
        },
        finding(say, "CVE-2024-0004", Severity::Unknown, Status::UnderInvestigation, "openssl"),
        library,
    ]
}

fn finding(
    say: &dyn Fn(&str) -> String,
    id: &str,
    severity: Severity,
    status: Status,
    name: &str,
) -> Finding {
    Finding {
        id: say(id),
        aliases: vec![say("GHSA-xxxx-yyyy-zzzz")],
        package: package(say, name),
        status,
        fixed_version: (status == Status::Fixed).then(|| say("3.0.15-1~deb12u1")),
        severity,
        severity_source: say("nvd"),
        opinions: vec![Opinion { source: say("nvd"), severity }],
        cvss: vec![Cvss {
            source: say("nvd"),
            version: say("3.1"),
            vector: say("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"),
            score: 9.8,
        }],
        epss: Some((0.125, 0.95)),
        kev: None,
        cwes: vec![say("CWE-416")],
        title: say("use after free in a handshake"),
        description: say("A fixture that\nhas two lines."),
        references: vec![say("https://example.org/advisory?id=1")],
        published: Some("2024-04-01T00:00:00Z".to_owned()),
        modified: None,
        evidence: vec![Evidence {
            source: say("debian-tracker"),
            stream: say("debian-12"),
            notices: vec![say("DSA-1-1")],
            advisory_package: say("openssl"),
            compared: say("3.0.11-1 < 3.0.15-1~deb12u1 (debian, source openssl)"),
        }],
    }
}

fn secrets(say: &dyn Fn(&str) -> String) -> Vec<Secret> {
    let secret = |place, path: &str, line, removed| Secret {
        kind: say("aws-access-key-id"),
        title: say("AWS access key ID"),
        severity: Severity::High,
        place,
        location: Location { path: say(path), layer: Some(2) },
        line,
        excerpt: say("AKIA… (20 characters)"),
        removed,
        owner: None,
    };
    vec![
        secret(SecretPlace::File, "srv/.env", 3, true),
        secret(SecretPlace::Environment, "AWS_ACCESS_KEY_ID", 0, false),
    ]
}

fn malware(say: &dyn Fn(&str) -> String) -> Vec<Malware> {
    vec![Malware {
        rule: say("webshell_php_eval"),
        family: say("webshell"),
        title: say("PHP webshell: evaluates what a request sends"),
        severity: Severity::Critical,
        engine: MalwareEngine::Rules,
        location: Location { path: say("srv/uploads/img.php"), layer: Some(2) },
        offset: Some(17),
        sha256: say("5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"),
        removed: false,
        owner: None,
        intact: None,
    }]
}

fn misconfigurations(say: &dyn Fn(&str) -> String) -> Vec<Misconfiguration> {
    let it = |check: &str, severity, place, path: &str, line| Misconfiguration {
        check: say(check),
        title: say("The image runs as root"),
        severity,
        why: say("Whoever breaks out of the program is root in the container."),
        remediation: say("Create a user and switch to it with USER."),
        benchmarks: vec![say("CIS Docker 1.6.0 4.1")],
        place,
        location: Location { path: say(path), layer: None },
        line,
        resource: String::new(),
        evidence: say("USER root"),
    };
    vec![
        it("image-root-user", Severity::Medium, ConfigPlace::Image, "", 0),
        it("dockerfile-root-user", Severity::Low, ConfigPlace::Dockerfile, "srv/Dockerfile", 7),
    ]
}
