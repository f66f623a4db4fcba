//! Filters and gates over findings that differ only in what they look at.

use model::{
    Finding, Inventory, Location, Malware, MalwareEngine, Package, PackageKind, Secret,
    SecretPlace, Severity, Status,
};
use policy::{Filter, gate};

/// `high` is a finding without a fix, `high+` one with a fix.
fn finding(text: &str) -> Finding {
    let (severity, fixed) = match text.strip_suffix('+') {
        Some(severity) => (severity, Some("2".to_owned())),
        None => (text, None),
    };
    let severity: Severity = severity.parse().expect("the table names severities");
    Finding {
        id: format!("CVE-{text}"),
        aliases: Vec::new(),
        package: Package::new(PackageKind::Deb, "a", "1"),
        status: if fixed.is_some() { Status::Fixed } else { Status::Affected },
        fixed_version: fixed,
        severity,
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
        evidence: Vec::new(),
    }
}

fn findings(text: &str) -> Vec<Finding> {
    text.split_whitespace().map(finding).collect()
}

#[test]
fn a_threshold_fails_what_is_at_or_above_it() {
    // findings, threshold, reasons, unrated
    let table = [
        ("", "unknown", "", 0),
        ("high", "high", "high 1 CVE-high", 0),
        ("critical high high+ low", "high", "critical 1 CVE-critical, high 2 CVE-high", 0),
        ("medium low", "high", "", 0),
        ("negligible", "low", "", 0),
        ("unknown unknown low", "high", "", 2),
        ("unknown high", "low", "high 1 CVE-high", 1),
        ("unknown", "unknown", "unknown 1 CVE-unknown", 0),
        ("negligible unknown", "negligible", "negligible 1 CVE-negligible", 1),
    ];
    for (given, threshold, reasons, unrated) in table {
        let verdict = gate(
            &findings(given),
            &Inventory::default(),
            &Filter::default(),
            threshold.parse().unwrap(),
        );
        let shown: Vec<String> = verdict
            .reasons
            .iter()
            .map(|r| format!("{} {} {}", r.severity, r.count, r.example.0))
            .collect();
        assert_eq!(shown.join(", "), reasons, "`{given}` against {threshold}");
        assert_eq!(verdict.unrated, unrated, "`{given}` against {threshold}");
        assert_eq!(verdict.passes(), reasons.is_empty(), "`{given}` against {threshold}");
    }
}

/// A list of severities hides what nobody rated from the report, not from the gate's doubt.
#[test]
fn a_gate_judges_what_the_filter_keeps() {
    let filter = Filter { severities: vec![Severity::High], ignore_unfixed: true };
    let given = findings("critical+ high high+ unknown unknown+");
    let verdict = gate(&given, &Inventory::default(), &filter, Severity::Low);
    let judged: Vec<&str> = verdict.reasons.iter().map(|r| r.example.0.as_str()).collect();
    assert_eq!(judged, ["CVE-high+"]);
    assert_eq!(verdict.unrated, 1, "without a fix it was not asked about");
}

#[test]
fn a_filter_keeps_what_is_asked_for() {
    // findings, severities, ignore_unfixed, kept
    let table = [
        ("high low+ unknown", "", false, "high low+ unknown"),
        ("high low+ unknown", "high unknown", false, "high unknown"),
        ("high low+ unknown", "", true, "low+"),
        ("high high+ low+", "high", true, "high+"),
    ];
    for (given, severities, ignore_unfixed, kept) in table {
        let severities = severities.split_whitespace().map(|s| s.parse().unwrap()).collect();
        let filter = Filter { severities, ignore_unfixed };
        let all = findings(given);
        let left: Vec<&str> = all
            .iter()
            .filter(|finding| filter.keeps(finding))
            .map(|finding| finding.id.strip_prefix("CVE-").unwrap())
            .collect();
        assert_eq!(left.join(" "), kept, "`{given}`");
    }
}

#[test]
fn a_gate_judges_secrets_but_for_those_that_packages_publish() {
    let secret = |severity, owner: Option<&str>| Secret {
        kind: "private-key".to_owned(),
        title: String::new(),
        severity,
        place: SecretPlace::File,
        location: Location { path: "srv/key".to_owned(), layer: None },
        line: 1,
        excerpt: String::new(),
        removed: false,
        owner: owner.map(str::to_owned),
    };
    let secrets = vec![
        secret(Severity::High, None),
        secret(Severity::Low, None),
        secret(Severity::Critical, Some("openssl")),
    ];
    let inventory = Inventory { secrets, ..Inventory::default() };
    let verdict = gate(&findings("high"), &inventory, &Filter::default(), Severity::Medium);
    let judged: Vec<_> = verdict.reasons.iter().map(|r| (r.severity, r.count)).collect();
    assert_eq!(judged, [(Severity::High, 2)]);
    assert_eq!(verdict.reasons[0].example, ("private-key".to_owned(), "srv/key".to_owned()));
}

#[test]
fn a_gate_judges_malware_even_where_a_layer_above_removes_it() {
    let malware = Malware {
        rule: "webshell_php".to_owned(),
        family: "webshell".to_owned(),
        title: String::new(),
        severity: Severity::Critical,
        engine: MalwareEngine::Rules,
        location: Location { path: "srv/a.php".to_owned(), layer: Some(1) },
        offset: Some(0),
        sha256: String::new(),
        removed: true,
        owner: None,
        intact: None,
    };
    let inventory = Inventory { malware: vec![malware], ..Inventory::default() };
    for (threshold, passes) in [(Severity::High, false), (Severity::Critical, false)] {
        let verdict = gate(&[], &inventory, &Filter::default(), threshold);
        assert_eq!(verdict.passes(), passes, "{threshold}");
    }
    let only_low = Filter { severities: vec![Severity::Low], ignore_unfixed: false };
    assert!(gate(&[], &inventory, &only_low, Severity::Low).passes());
}
