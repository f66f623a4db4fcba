//! Which findings VEX statements silence: a table of products, and which of several counts.

use model::{
    Artifact, ArtifactKind, Digest, Finding, Inventory, Location, Os, Package, PackageKind,
    Severity, Silenced, SilencedBy, Source, Status, VexProduct, VexStatement, VexStatus,
};

const PRODUCTS: &str = include_str!("../testdata/vex/products.txt");

fn package(kind: PackageKind, name: &str, path: &str) -> Package {
    Package {
        architecture: "amd64".to_owned(),
        source: Some(Source { name: "openssl".to_owned(), version: "3.0.11-1".to_owned() }),
        location: Location { path: path.to_owned(), layer: Some(0) },
        ..Package::new(kind, name, "3.0.11-1")
    }
}

fn inventory() -> Inventory {
    let status = "var/lib/dpkg/status";
    Inventory {
        os: Some(Os {
            family: "debian".to_owned(),
            version: "12".to_owned(),
            codename: None,
            pretty_name: None,
            derived_id: None,
        }),
        packages: vec![
            package(PackageKind::Deb, "libssl3", status),
            package(PackageKind::Deb, "openssl", status),
            package(PackageKind::Npm, "app", "app/package.json"),
        ],
        ..Inventory::default()
    }
}

fn artifact() -> Artifact {
    Artifact {
        name: "registry.example/team/shop:1".to_owned(),
        kind: ArtifactKind::Registry,
        references: Vec::new(),
        digest: Some(Digest::sha256([0x11; 32])),
        manifest_digest: Some(Digest::sha256([0x22; 32])),
        platform: None,
        size_bytes: None,
        created: None,
        config: None,
        layers: Vec::new(),
    }
}

fn finding() -> Finding {
    Finding {
        id: "CVE-2024-0001".to_owned(),
        aliases: vec!["GHSA-aaaa-bbbb-cccc".to_owned()],
        package: package(PackageKind::Deb, "libssl3", "var/lib/dpkg/status"),
        status: Status::Affected,
        fixed_version: None,
        severity: Severity::High,
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

fn statement(status: VexStatus, time: &str) -> VexStatement {
    VexStatement {
        vulnerabilities: vec!["CVE-2024-0001".to_owned()],
        status,
        justification: String::new(),
        statement: String::new(),
        timestamp: time.to_owned(),
        author: "the builder".to_owned(),
        source: "a.json".to_owned(),
        products: vec![VexProduct {
            names: vec!["pkg:deb/debian/libssl3".to_owned()],
            parts: Vec::new(),
        }],
    }
}

fn silence(
    findings: Vec<Finding>,
    statements: &[VexStatement],
    artifact: &Artifact,
    inventory: &Inventory,
) -> (Vec<Finding>, Vec<Silenced>) {
    let told = matcher::silence(findings, statements, artifact, inventory, &|| false);
    (told.kept, told.silenced)
}

/// The silenced finding, if it is; it is always either silenced or kept.
fn silenced(statements: &[VexStatement]) -> Option<Silenced> {
    let findings = vec![finding()];
    let (kept, mut silenced) = silence(findings, statements, &artifact(), &inventory());
    assert_eq!(kept.len() + silenced.len(), 1);
    silenced.pop()
}

#[test]
fn products_mean_what_they_name() {
    let mut count = 0;
    for line in PRODUCTS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (product, want) = line.split_once(" => ").unwrap();
        let (names, parts) = product.split_once(" > ").unwrap_or((product, ""));
        let list =
            |text: &str| text.split(", ").filter(|it| !it.is_empty()).map(str::to_owned).collect();
        let names: Vec<String> = list(names);
        let parts: Vec<String> = list(parts);
        let products =
            vec![VexProduct { names, parts: parts.into_iter().map(|part| vec![part]).collect() }];
        let statement = VexStatement { products, ..statement(VexStatus::NotAffected, "") };
        let told =
            matcher::silence(vec![finding()], &[statement], &artifact(), &inventory(), &|| false);
        let outcome = match (told.silenced.is_empty(), told.problems.first()) {
            (false, _) => "silenced",
            (true, Some(problem)) if problem.message.contains("cannot be compared") => "unclear",
            (true, _) => "kept",
        };
        assert_eq!(outcome, want, "{product}");
        count += 1;
    }
    assert!(count > 30, "{count}");
}

/// A path that looks like a name is none; what an archive is called by counts.
#[test]
fn an_image_is_called_what_somebody_said() {
    let (path, tagged) = ("registry.example/team/shop", "registry.example/team/shop:1");
    let products = [tagged, "pkg:oci/shop?repository_url=registry.example/team/shop&tag=1"];
    for (name, references, is_silenced) in
        [(path, vec![], false), ("shop.tar", vec![tagged.to_owned()], true)]
    {
        let kind = ArtifactKind::OciDir;
        let artifact = Artifact { name: name.to_owned(), kind, references, ..artifact() };
        for product in products.into_iter().chain(["pkg:oci/shop"]) {
            let names = vec![product.to_owned()];
            let products = vec![VexProduct { names, parts: Vec::new() }];
            let statement = VexStatement { products, ..statement(VexStatus::NotAffected, "") };
            let (_, silenced) = silence(vec![finding()], &[statement], &artifact, &inventory());
            assert_eq!(silenced.len() == 1, is_silenced, "{name}: {product}");
        }
    }
}

/// A package holds what was found in its file, if that is a program or an archive.
#[test]
fn parts_are_of_the_package_that_holds_them() {
    use PackageKind::{Composer, Deb, Golang, Maven};
    let of = |kind, path: &str, declared| Package { declared, ..package(kind, "part", path) };
    for (kind, whole, part, declared, is_silenced) in [
        (Golang, "usr/bin/app", "usr/bin/app", false, true),
        (Golang, "usr/bin/app", "usr/bin/other", false, false),
        (Golang, "go.mod", "go.mod", true, false),
        (Maven, "opt/a.war", "opt/a.war!/WEB-INF/lib/b.jar", false, true),
        (Maven, "opt/a.war", "opt/a.warm!/b.jar", false, false),
        (Maven, "opt/a.war!/b.jar", "opt/a.war", false, false),
        (
            Composer,
            "vendor/composer/installed.json",
            "vendor/composer/installed.json",
            false,
            false,
        ),
        (Deb, "var/lib/dpkg/status", "var/lib/dpkg/status", false, false),
    ] {
        let part = of(kind, part, declared);
        let whole = Package { name: "whole".to_owned(), ..of(kind, whole, declared) };
        let packages = vec![whole, part.clone()];
        let inventory = Inventory { os: None, packages, ..Inventory::default() };
        let name = |name: &str| format!("pkg:{}/{name}", kind.name());
        let products =
            vec![VexProduct { names: vec![name("whole")], parts: vec![vec![name("part")]] }];
        let statement = VexStatement { products, ..statement(VexStatus::NotAffected, "") };
        let findings = vec![Finding { package: part, ..finding() }];
        let (_, silenced) = silence(findings, &[statement], &artifact(), &inventory);
        assert_eq!(silenced.len() == 1, is_silenced, "{kind:?} {inventory:?}");
    }
}

/// What a document within the limits can cost: hundreds of thousands of products, on as many
/// packages as a large image has. Looked up one by one for each package, they take minutes.
#[test]
fn many_products_of_many_packages_take_no_time() {
    let finding = |number: usize| {
        let package = package(PackageKind::Deb, &format!("n{number}"), "var/lib/dpkg/status");
        Finding { package, ..finding() }
    };
    let findings: Vec<Finding> = (0..2000).map(finding).collect();
    let product = |number: usize| VexProduct {
        names: vec![format!("pkg:deb/debian/n{number}")],
        parts: Vec::new(),
    };
    let products = (0..100_000).filter(|it| it % 2 == 0).map(product).collect();
    let statement = VexStatement { products, ..statement(VexStatus::NotAffected, "") };
    let begin = std::time::Instant::now();
    let (kept, silenced) = silence(findings, &[statement], &artifact(), &inventory());
    assert_eq!((kept.len(), silenced.len()), (1000, 1000));
    assert!(begin.elapsed().as_secs() < 20, "{:?}", begin.elapsed());
}

/// Half of what was said is not what was said.
#[test]
fn who_is_stopped_silences_nothing() {
    let statements = [statement(VexStatus::NotAffected, "")];
    for (is_stopped, count) in [(false, 1), (true, 0)] {
        let told =
            matcher::silence(vec![finding()], &statements, &artifact(), &inventory(), &|| {
                is_stopped
            });
        assert_eq!((told.silenced.len(), told.kept.len()), (count, 1 - count));
        assert_eq!(told.problems.len(), 1 - count, "{:?}", told.problems);
    }
}

#[test]
fn the_latest_statement_counts() {
    use VexStatus::{Affected, Fixed, NotAffected, UnderInvestigation};
    let (old, new) = ("2024-01-01T00:00:00Z", "2024-01-01T01:00:00+00:30");
    for (said, is_silenced) in [
        (vec![(NotAffected, "")], true),
        (vec![(Fixed, old)], true),
        (vec![(Affected, old)], false),
        (vec![(UnderInvestigation, old)], false),
        (vec![(NotAffected, old), (Affected, new)], false),
        (vec![(Affected, new), (NotAffected, old)], false),
        (vec![(Affected, old), (NotAffected, new)], true),
        (vec![(Affected, "yesterday"), (NotAffected, old)], true),
        // Who can tell?
        (vec![(NotAffected, old), (Affected, old)], false),
        (vec![(Affected, old), (Fixed, old)], false),
    ] {
        let statements: Vec<VexStatement> =
            said.iter().map(|(status, time)| statement(*status, time)).collect();
        assert_eq!(silenced(&statements).is_some(), is_silenced, "{said:?}");
    }
}

#[test]
fn aliases_are_the_same_vulnerability_and_others_are_not() {
    let of = |names: &[&str]| VexStatement {
        vulnerabilities: names.iter().map(|&name| name.to_owned()).collect(),
        ..statement(VexStatus::NotAffected, "")
    };
    assert!(silenced(&[of(&["GHSA-aaaa-bbbb-cccc"])]).is_some());
    assert!(silenced(&[of(&["DSA-1", "CVE-2024-0001"])]).is_some());
    assert!(silenced(&[of(&["CVE-2024-00011"])]).is_none());
    assert!(silenced(&[]).is_none());
}

#[test]
fn the_reason_is_told_in_its_words() {
    let told = |status, justification: &str, words: &str| {
        let statement = VexStatement {
            justification: justification.to_owned(),
            statement: words.to_owned(),
            ..statement(status, "")
        };
        let Silenced { by, source, reason, owner, .. } = silenced(&[statement]).unwrap();
        assert_eq!((by, &*source, &*owner), (SilencedBy::Vex, "a.json", "the builder"));
        reason
    };
    use VexStatus::{Fixed, NotAffected};
    assert_eq!(told(NotAffected, "", ""), "not affected");
    assert_eq!(told(NotAffected, "component_not_present", ""), "component_not_present");
    assert_eq!(told(NotAffected, "component_not_present", "see"), "component_not_present: see");
    assert_eq!(told(Fixed, "", "in our build"), "fixed: in our build");
}
