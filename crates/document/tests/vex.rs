//! VEX documents of every format: what is read of them, and what is refused.

use document::vex::{BYTES_MAX, Said, VexError, read};
use model::VexStatus;

#[test]
fn every_format_comes_to_the_same_form() {
    for (name, text) in [
        ("openvex", include_str!("../testdata/vex/openvex.json")),
        ("csaf", include_str!("../testdata/vex/csaf.json")),
        ("cyclonedx", include_str!("../testdata/vex/cyclonedx.json")),
    ] {
        let said = read("a file", text.as_bytes()).unwrap();
        let shown = serde_json::to_string_pretty(&said.statements).unwrap();
        insta::assert_snapshot!(name, shown);
    }
}

/// Of each statement a line: the vulnerability, what is said, and of what: the whole, what lies between,
/// and the parts.
fn lines(said: &Said) -> Vec<String> {
    let names = |names: &[String]| names.join(" = ");
    let mut lines = Vec::new();
    for statement in &said.statements {
        for product in &statement.products {
            let around = std::iter::once(&product.names).chain(&product.within);
            let levels: Vec<String> = around.chain(&product.parts).map(|it| names(it)).collect();
            let vulnerability = statement.vulnerabilities.join(" = ");
            lines.push(format!("{vulnerability} {:?}: {}", statement.status, levels.join(" > ")));
        }
    }
    lines.extend(said.notes.iter().map(|note| format!("note: {note}")));
    lines
}

/// What narrows a product down: versions, what lies between the whole and its part, what the document
/// is about.
#[test]
fn a_product_is_no_more_than_what_is_meant() {
    for (text, expected) in [
        (
            include_str!("../testdata/vex/cyclonedx-versions.json"),
            &[
                "CVE-2024-0001 Affected: pkg:pypi/django?vers=vers:pypi/%3C3.2.10",
                "CVE-2024-0001 Affected: pkg:pypi/django?vers=vers:pypi/1.0",
                "CVE-2024-0001 Fixed: pkg:pypi/django?vers=vers:pypi/3.2.10",
                "CVE-2024-0001 UnderInvestigation: pkg:pypi/django?vers=vers:pypi/3.2.11",
                "CVE-2024-0002 NotAffected: pkg:pypi/pyyaml?vers=vers:pypi/6.0",
                "CVE-2024-0003 Affected: pkg:pypi/pyyaml?vers=vers:pypi/6.0&vers=vers:pypi/%3C6.1",
                "CVE-2024-0003 UnderInvestigation: \
                 pkg:pypi/pyyaml?vers=vers:pypi/6.0&vers=vers:pypi/6.2",
                "CVE-2024-0004 UnderInvestigation: pkg:pypi/pyyaml?vers=vers:pypi/6.0",
                "note: statuses that are none of the format's are taken for under investigation: \
                 `a guess`",
            ][..],
        ),
        (
            include_str!("../testdata/vex/cyclonedx-application.json"),
            &[
                "CVE-2024-0001 NotAffected: pkg:generic/shop?vers=vers:generic/1 > pkg:pypi/pyyaml@5.3",
                "CVE-2024-0001 NotAffected: pkg:generic/shop?vers=vers:generic/1",
                "CVE-2024-0001 NotAffected: pkg:generic/shop?vers=vers:generic/1 > pkg:pypi/other@1",
            ],
        ),
        (
            include_str!("../testdata/vex/csaf-versions.json"),
            &[
                "CVE-2024-0001 Fixed: pkg:pypi/django?vers=vers:pypi/%3E%3D3.2.11",
                "CVE-2024-0001 Fixed: pkg:pypi/django?vers=%3C4.0",
                "CVE-2024-0001 Fixed: pkg:pypi/django?vers=vers:pypi/4.0%2520beta",
                "CVE-2024-0001 Fixed: pkg:pypi/django@4.0.0",
                "CVE-2024-0001 Fixed: pkg:oci/django",
                "CVE-2024-0001 Fixed: pkg:pypi/django?vers=vers:pypi/5.0",
            ],
        ),
        (
            include_str!("../testdata/vex/csaf-nested.json"),
            &[
                "CVE-2024-0001 NotAffected: pkg:oci/shop > pkg:generic/tool@1 > pkg:pypi/pyyaml",
                "CVE-2024-0001 NotAffected: pkg:oci/shop > pkg:generic/tool@1 > pkg:pypi/pyyaml",
                "CVE-2024-0002 NotAffected: \
                 pkg:oci/shop > pkg:oci/shop > pkg:oci/shop > pkg:oci/shop > ",
                "CVE-2024-0002 NotAffected:  > pkg:pypi/pyyaml",
            ],
        ),
        (
            include_str!("../testdata/vex/csaf-draft.json"),
            &[
                "CVE-2024-0002 Affected: pkg:pypi/pyyaml",
                "note: it is a draft, which silences nothing",
            ],
        ),
    ] {
        let said = read("a file", text.as_bytes()).unwrap();
        assert_eq!(lines(&said), expected, "{text}");
    }
}

/// Of each format's statements of `not_affected`, with a reason or without, those that count.
#[test]
fn who_is_not_affected_says_why() {
    let cases = include_str!("../testdata/vex/reasons.txt");
    let mut count = 0;
    for line in cases.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (case, want) = line.split_once(" => ").unwrap();
        let (form, said) = case.split_once(' ').unwrap();
        let text = match form {
            "openvex" => format!(
                r#"{{"statements": [{{"vulnerability": {{"name": "CVE-2024-0001"}},
                "products": ["pkg:npm/a"], "status": "not_affected", {said}}}]}}"#
            ),
            "cyclonedx" => format!(
                r#"{{"bomFormat": "CycloneDX", "vulnerabilities": [{{"id": "CVE-2024-0001",
                "affects": [{{"ref": "pkg:npm/a"}}], "analysis": {{"state": "not_affected", {said}}}}}]}}"#
            ),
            category => format!(
                r#"{{"document": {{"category": "{category}"}}, "product_tree": {{"full_product_names":
                [{{"product_id": "A", "product_identification_helper": {{"purl": "pkg:npm/a"}}}}]}},
                "vulnerabilities": [{{"cve": "CVE-2024-0001", "product_status":
                {{"known_not_affected": ["A"]}}, {said}}}]}}"#
            ),
        };
        let said = read("a file", text.as_bytes()).unwrap();
        let (told, note) = (said.statements.len(), said.notes.first());
        let outcome = match (told, note) {
            (1, None) => "counts",
            (0, Some(note)) if note.contains("not valid") && note.contains("`CVE-2024-0001`") => {
                "is told"
            }
            _ => "?",
        };
        assert_eq!(outcome, want, "{case}: {said:?}");
        count += 1;
    }
    assert!(count >= 12, "{count}");
}

/// Somebody looks into it, whatever word he has for it.
#[test]
fn an_unknown_status_is_no_silence() {
    let said = read("a file", include_bytes!("../testdata/vex/openvex.json")).unwrap();
    let status = |statement: &model::VexStatement| statement.status;
    assert_eq!(said.statements.last().map(status), Some(VexStatus::UnderInvestigation));
    assert!(said.notes.iter().any(|note| note.contains("`a guess`")), "{:?}", said.notes);
}

#[test]
fn what_is_none_is_refused() {
    let refused = |bytes: &[u8]| read("a file", bytes).unwrap_err();
    assert_eq!(refused(b"{}"), VexError::Unknown);
    for damaged in ["", "[", "{\"statements\": [", "{\"statements\": 1}", "{\"document\": 1}"] {
        assert!(matches!(refused(damaged.as_bytes()), VexError::Damaged(_)), "{damaged}");
    }
    let deep = format!("{{\"product_tree\":{}", "{\"branches\":[".repeat(100_000));
    assert!(matches!(refused(deep.as_bytes()), VexError::Damaged(_)));
    let large = usize::try_from(BYTES_MAX).unwrap() + 1;
    assert_eq!(refused(&vec![b' '; large]), VexError::TooLarge);
}
