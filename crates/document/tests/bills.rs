//! Bills of materials read back: what this program wrote, whatever packages are called, and what others
//! leave unsaid.

use document::{Format, Report, Sbom};
use model::{Artifact, ArtifactKind, Eol, Inventory, Package, PackageKind, ProblemKind};

const BILLS: [Format; 4] =
    [Format::CycloneDxJson, Format::CycloneDxXml, Format::SpdxJson, Format::SpdxTagValue];

fn report(inventory: Inventory) -> Report {
    let artifact = Artifact {
        name: "app".to_owned(),
        kind: ArtifactKind::Dir,
        references: Vec::new(),
        digest: None,
        manifest_digest: None,
        platform: None,
        size_bytes: None,
        created: None,
        config: None,
        layers: Vec::new(),
    };
    Report::of(artifact, inventory, Eol::Unknown, "2024-01-01T00:00:00Z".to_owned())
}

/// Formats have no signs for all that a package may be called. Two that differ by those alone are two.
#[test]
fn no_package_is_lost_for_its_name() {
    let names = [
        "a\u{1}b",
        "a\u{2}b",
        "a\u{202e}b",
        "a b",
        "a  b",
        "a\nb",
        "a\tb",
        "a\u{b}b",
        "a\u{85}b",
        "a\u{ffff}b",
        "a\u{fffd}b",
        " a",
        "a",
        "<a>",
        "a&b",
        "é",
    ];
    let mut packages: Vec<Package> =
        names.iter().map(|name| Package::new(PackageKind::Npm, name, "1")).collect();
    packages.extend(["1\u{1}", "1\u{2}"].map(|it| Package::new(PackageKind::Npm, "version", it)));
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    let written = report(Inventory { packages, ..Inventory::default() });
    for format in BILLS {
        let text = format.render(&written);
        let mut read = Sbom::read("a bill", text.as_bytes()).unwrap().inventory.packages;
        read.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        let of = |packages: &[Package]| -> Vec<(String, String)> {
            packages.iter().map(|it| (it.name.clone(), it.version.clone())).collect()
        };
        assert_eq!(of(&read), of(&written.inventory.packages), "{format:?}");
    }
}

fn cyclonedx(components: &str) -> String {
    format!(r#"{{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{components}]}}"#)
}

/// Where nobody says which sources packages are built from, advisories cannot be held against them.
#[test]
fn a_source_that_is_not_said_is_not_the_package_itself() {
    let lone = r#"{"type": "library", "name": "libssl3", "purl": "pkg:deb/ubuntu/libssl3@3.0.2-0ubuntu1.1"}"#;
    let other = r#"{"type": "library", "name": "x", "purl": "pkg:deb/ubuntu/x@1?upstream=y"}"#;
    let of_rpm = r#"{"type": "library", "name": "z", "purl": "pkg:rpm/redhat/z@1-2?upstream=y-1-2.src.rpm"}"#;
    let own = r#"{"type": "library", "name": "x", "purl": "pkg:deb/ubuntu/x@1?upstream=x"}"#;
    let syft = r#"{"type": "library", "name": "x", "purl": "pkg:deb/ubuntu/x@1",
        "properties": [{"name": "syft:package:type", "value": "deb"}]}"#;
    let syft_own = r#"{"type": "library", "name": "w", "purl": "pkg:deb/ubuntu/w@1",
        "properties": [{"name": "syft:package:foundBy", "value": "dpkg"}]}"#;
    let other_release = r#"{"type": "library", "name": "x", "purl": "pkg:deb/ubuntu/x@1?distro=ubuntu-22.04&upstream=y"}"#;
    let trivy = r#"{"type": "library", "name": "x", "purl": "pkg:deb/ubuntu/x@1", "properties": [
        {"name": "aquasecurity:trivy:SrcName", "value": "y"}, {"name": "aquasecurity:trivy:SrcVersion", "value": "1"}]}"#;
    let language = r#"{"type": "library", "name": "x", "purl": "pkg:npm/x@1"}"#;
    for (components, unsaid) in [
        (vec![lone], 1),
        (vec![lone, of_rpm], 1),
        (vec![lone, language], 1),
        (vec![lone, lone.replace("libssl3", "b").leak()], 2),
        (vec![lone, other], 0),
        (vec![lone, own], 0),
        (vec![syft, syft_own], 0),
        // What another tool says of its packages says nothing of these.
        (vec![lone, syft], 1),
        (vec![lone, syft, syft_own], 1),
        (vec![lone, other_release], 1),
        (vec![lone, trivy], 1),
        (vec![language], 0),
    ] {
        let text = cyclonedx(&components.join(","));
        let sbom = Sbom::read("a bill", text.as_bytes()).unwrap();
        let is_unsaid = |it: &&model::Problem| it.message.contains("by their own names only");
        let told = sbom.inventory.problems.iter().find(is_unsaid);
        assert_eq!(told.is_some(), unsaid > 0, "{text}: {:?}", sbom.inventory.problems);
        assert!(told.is_none_or(|it| it.kind == ProblemKind::Unsupported), "{told:?}");
        assert!(told.is_none_or(|it| it.message.starts_with(&format!("{unsaid} deb"))), "{told:?}");
        let counted = sbom.inventory.packages.iter().filter(|it| it.is_source_unsaid()).count();
        assert_eq!(counted, unsaid, "{text}");
    }
}

/// An rpm's purl names the file it was built from: nobody said which, so nothing is made up, however
/// often the bill is written anew.
#[test]
fn no_source_is_made_up() {
    let rpm = r#"{"type": "library", "name": "openssl-libs", "purl": "pkg:rpm/redhat/openssl-libs@1.1.1k-5.el8"}"#;
    let mut text = cyclonedx(rpm);
    for format in BILLS {
        let sbom = Sbom::read("a bill", text.as_bytes()).unwrap();
        assert!(sbom.inventory.packages.iter().all(Package::is_source_unsaid), "{text}");
        let problems = sbom.inventory.problems.clone();
        assert_eq!(problems.len(), 1, "{problems:?}");
        let again = Report { problems, ..report(sbom.inventory) };
        text = format.render(&again);
        assert!(text.contains("openssl-libs@1.1.1k-5.el8"), "{text}");
        assert!(!text.contains("upstream="), "{text}");
    }
}

/// Forms of others: the type of a reference as RDF writes it, several package URLs of one package, a
/// version beside a URL that has none, and where Trivy says the source in SPDX.
#[test]
fn forms_of_others_are_read() {
    let json = r#"{"spdxVersion": "SPDX-2.3", "name": "x", "packages": [
        {"SPDXID": "SPDXRef-1", "name": "jinja2", "versionInfo": "2.10", "externalRefs": [
            {"referenceType": "http://spdx.org/rdf/references/purl", "referenceLocator": "pkg:pypi/jinja2"}]},
        {"SPDXID": "SPDXRef-2", "name": "two", "versionInfo": "1", "externalRefs": [
            {"referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:x:x:1:*:*:*:*:*:*:*"},
            {"referenceType": "purl", "referenceLocator": "pkg:npm/a@1"},
            {"referenceType": "purl", "referenceLocator": "pkg:npm/a@1"},
            {"referenceType": "purl", "referenceLocator": "pkg:pypi/b"}]},
        {"SPDXID": "SPDXRef-3", "name": "libssl1.1", "sourceInfo": "built package from: openssl 1.1.1n-1",
         "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:deb/debian/libssl1.1@1.1.1n-1"}]}]}"#;
    let tags = "SPDXVersion: SPDX-2.3\nDocumentName: x\n\
        PackageName: jinja2\nSPDXID: SPDXRef-1\nPackageVersion: 2.10\n\
        ExternalRef: PACKAGE-MANAGER http://spdx.org/rdf/references/purl pkg:pypi/jinja2\n\
        PackageName: two\nSPDXID: SPDXRef-2\nPackageVersion: 1\n\
        ExternalRef: SECURITY cpe23Type cpe:2.3:a:x:x:1:*:*:*:*:*:*:*\n\
        ExternalRef: PACKAGE-MANAGER purl pkg:npm/a@1\n\
        ExternalRef: PACKAGE-MANAGER purl pkg:npm/a@1\n\
        ExternalRef: PACKAGE-MANAGER purl pkg:pypi/b\n\
        PackageName: libssl1.1\nSPDXID: SPDXRef-3\n\
        PackageSourceInfo: <text>built package from: openssl 1.1.1n-1</text>\n\
        ExternalRef: PACKAGE-MANAGER purl pkg:deb/debian/libssl1.1@1.1.1n-1\n";
    for text in [json, tags] {
        let Inventory { packages, problems, .. } =
            Sbom::read("a bill", text.as_bytes()).unwrap().inventory;
        let mut found: Vec<String> = packages
            .iter()
            .map(|it| format!("{} {} {}", it.kind.name(), it.name, it.version))
            .collect();
        found.sort();
        let expected = ["deb libssl1.1 1.1.1n-1", "npm a 1", "pypi b 1", "pypi jinja2 2.10"];
        assert_eq!(found, expected, "{problems:?}");
        assert!(packages.iter().any(|it| it.source_name() == "openssl"), "{packages:?}");
        assert_eq!(problems, [], "{text}");
    }
}
