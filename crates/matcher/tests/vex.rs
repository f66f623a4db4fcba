//! Which findings VEX statements silence: a table of products, and which of several counts.

use model::{
    Artifact, ArtifactKind, Digest, Finding, Inventory, Location, Os, Package, PackageKind,
    Platform, Severity, Silenced, SilencedBy, Source, Status, VexProduct, VexStatement, VexStatus,
};

const PRODUCTS: &str = include_str!("../testdata/vex/products.txt");

fn package(kind: PackageKind, name: &str, path: &str) -> Package {
    Package {
        architecture: "amd64".to_owned(),
        source: Some(Source { name: "openssl".to_owned(), version: "3.0.11-1".to_owned() }),
        // Debian has no modules: whether a part is of one is asked all the same.
        module: Some("ssl:3".to_owned()),
        module_build: Some("20240101".to_owned()),
        hashes: vec!["sha256:ab".to_owned()],
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
        platform: Some(Platform {
            os: "linux".to_owned(),
            architecture: "arm64".to_owned(),
            variant: None,
        }),
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
            ..VexProduct::default()
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
        let list = |text: &str| -> Vec<String> {
            text.split(", ").filter(|it| !it.is_empty()).map(str::to_owned).collect()
        };
        let mut levels = product.split(" > ").map(|it| list(it.trim())).collect::<Vec<_>>();
        let parts = if levels.len() > 1 { levels.pop().unwrap() } else { Vec::new() };
        let parts = parts.into_iter().map(|part| vec![part]).collect();
        let names = levels.remove(0);
        let products = vec![VexProduct { names, within: levels, parts }];
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
    assert!(count > 70, "{count}");
}

/// A path that looks like a name is none; what an archive is called by counts.
#[test]
fn an_image_is_called_what_somebody_said() {
    let (path, tagged) = ("registry.example/team/shop", "registry.example/team/shop:1");
    let products = [tagged, "pkg:oci/shop?repository_url=registry.example/team/shop&tag=1"];
    for (name, references, is_silenced) in
        [(path, vec![], false), ("shop.tar", vec![tagged.to_owned()], true)]
    {
        // A path that is called as the product is no image of that name.
        let named = VexProduct { names: vec!["app".to_owned()], ..VexProduct::default() };
        let named = VexStatement { products: vec![named], ..statement(VexStatus::NotAffected, "") };
        for kind in [ArtifactKind::Dir, ArtifactKind::OciDir] {
            let artifact = Artifact { name: "app".to_owned(), kind, ..artifact() };
            let (_, silenced) =
                silence(vec![finding()], std::slice::from_ref(&named), &artifact, &inventory());
            assert!(silenced.is_empty(), "{kind:?}");
        }
        let kind = ArtifactKind::OciDir;
        let artifact = Artifact { name: name.to_owned(), kind, references, ..artifact() };
        for product in products.into_iter().chain(["pkg:oci/shop"]) {
            let names = vec![product.to_owned()];
            let products = vec![VexProduct { names, ..VexProduct::default() }];
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
        let products = vec![VexProduct {
            names: vec![name("whole")],
            parts: vec![vec![name("part")]],
            ..VexProduct::default()
        }];
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
        ..VexProduct::default()
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
        // Without a zone, as Python writes it, and a day.
        (vec![(NotAffected, old), (Affected, "2024-06-01T00:00:00")], false),
        (vec![(NotAffected, old), (Affected, "2023-06-01T00:00:00.5")], true),
        (vec![(NotAffected, old), (Affected, "2024-06-01")], false),
        // Who can tell?
        (vec![(Affected, "yesterday"), (NotAffected, old)], false),
        (vec![(NotAffected, old), (UnderInvestigation, "")], false),
        (vec![(NotAffected, "tomorrow"), (Affected, old)], false),
        (vec![(NotAffected, "tomorrow")], true),
        (vec![(NotAffected, old), (Affected, old)], false),
        (vec![(Affected, old), (Fixed, old)], false),
    ] {
        let statements: Vec<VexStatement> =
            said.iter().map(|(status, time)| statement(*status, time)).collect();
        assert_eq!(silenced(&statements).is_some(), is_silenced, "{said:?}");
    }
}

/// A name, or a time, that says nothing here is no reason to silence, and none against silence's being
/// lifted.
#[test]
fn doubt_silences_nothing_and_keeps_nobody_from_objecting() {
    use VexStatus::{Affected, NotAffected};
    for (product, is_objection) in [
        ("pkg:deb/debian/libssl3?repository_url=https://example.org", true),
        ("pkg:deb/debian/libssl3?vers=vers:generic/<9", true),
        ("pkg:deb/debian/libssl3?checksum=sha512:ab", true),
        ("pkg:deb/debian/libssl3?checksum=sha256:cd", false),
        ("pkg:deb/debian/libssl3?vers=vers:deb/>=9", false),
        ("pkg:deb/debian/libssl3?arch=arm64", false),
    ] {
        let names = vec![product.to_owned()];
        let products = vec![VexProduct { names, ..VexProduct::default() }];
        let objection = VexStatement { products, ..statement(Affected, "2024-02-01T00:00:00Z") };
        let told = silenced(&[statement(NotAffected, "2024-01-01T00:00:00Z"), objection]);
        assert_eq!(told.is_none(), is_objection, "{product}");
    }
}

#[test]
fn a_time_that_cannot_be_read_is_said() {
    let statements = [statement(VexStatus::NotAffected, "tomorrow")];
    let told = matcher::silence(vec![finding()], &statements, &artifact(), &inventory(), &|| false);
    let [problem] = told.problems.as_slice() else { panic!("{:?}", told.problems) };
    assert!(problem.message.contains("1 statements about"), "{problem:?}");
}

/// A fork, a registry of one's own; and the registry that all packages come from.
#[test]
fn the_registry_that_everything_comes_from_says_nothing() {
    for (kind, product, is_silenced) in [
        (PackageKind::Pypi, "pkg:pypi/Py.YAML?repository_url=https://pypi.org/simple", true),
        (
            PackageKind::Pypi,
            "pkg:pypi/py-yaml?repository_url=https://internal.example/pypi.org",
            false,
        ),
        (
            PackageKind::Pypi,
            "pkg:pypi/py-yaml?repository_url=https://pypi.org.example/simple",
            false,
        ),
        (PackageKind::Pypi, "pkg:pypi/py-yaml?repository_url=https://registry.npmjs.org", false),
        (PackageKind::Npm, "pkg:npm/py-yaml?repository_url=https://registry.npmjs.org/", true),
        (PackageKind::Maven, "pkg:maven/py-yaml?type=jar", true),
        (PackageKind::Maven, "pkg:maven/py-yaml?type=war", false),
        (PackageKind::Nuget, "pkg:nuget/Py-YAML@1.0", true),
        (PackageKind::Golang, "pkg:golang/py-yaml@1.0.0", true),
        (PackageKind::Npm, "pkg:npm/Py-YAML", false),
    ] {
        let package = Package::new(kind, "py-yaml", "v1.0.0");
        let version = if kind == PackageKind::Golang { "v1.0.0" } else { "1.0.0" };
        let package = Package { version: version.to_owned(), ..package };
        let names = vec![product.to_owned()];
        let products = vec![VexProduct { names, ..VexProduct::default() }];
        let statement = VexStatement { products, ..statement(VexStatus::NotAffected, "") };
        let findings = vec![Finding { package, ..finding() }];
        let inventory = Inventory { os: None, ..inventory() };
        let (_, silenced) = silence(findings, &[statement], &artifact(), &inventory);
        assert_eq!(silenced.len() == 1, is_silenced, "{product}");
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
    // Another CVE id is another vulnerability, whatever name a record gives to both.
    assert!(silenced(&[of(&["CVE-2024-0002", "GHSA-aaaa-bbbb-cccc"])]).is_none());
    assert!(silenced(&[of(&["CVE-2024-0002", "CVE-2024-0001"])]).is_some());
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
    assert_eq!(told(NotAffected, "", ""), "not affected, no reason given");
    assert_eq!(told(NotAffected, "component_not_present", ""), "component_not_present");
    assert_eq!(told(NotAffected, "component_not_present", "see"), "component_not_present: see");
    assert_eq!(told(Fixed, "", "in our build"), "fixed: in our build");
}
