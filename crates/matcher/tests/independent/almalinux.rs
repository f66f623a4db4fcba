//! The AlmaLinux 9 micro image, AlmaLinux's errata as OSV records, and Red Hat's CVE documents for
//! what those leave open.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::judges::{self, Rpm};
use crate::{Expected, assert_same, files, found, inventory, shared, unpacked};

const IMAGE: &str = "images/almalinux-9-micro-20231124-aarch64.tar.xz";
const ERRATA: &str = "feeds/almalinux-osv.tar.zst";
const STATES: &str = "feeds/redhat-cve-api-2024-10.tar.zst";
const DATABASE: &str = "var/lib/rpm/rpmdb.sqlite";

#[test]
fn micro_image() {
    let (Some(image), Some(errata), Some(states)) = (shared(IMAGE), shared(ERRATA), shared(STATES))
    else {
        return;
    };
    if !judges::is_here("rpm") {
        return;
    }
    let root = unpacked(&image);
    let installed = installed(root.path());
    let said = Said {
        errata: read_errata(unpacked(&errata).path()),
        red_hat: read_red_hat(unpacked(&states).path()),
    };
    let expected = said.expected(&installed);
    let paths = [DATABASE, "etc/os-release"];
    let found = found(&inventory(&files(root.path(), &paths)), &[errata, states]);
    assert_same("AlmaLinux 9 micro", &found, &expected);
}

/// A package as `rpm -qa` lists it.
struct Installed {
    name: String,
    /// With its epoch, where it has one.
    version: String,
    source: String,
    /// Without an epoch: a source package's file name has none.
    source_version: String,
}

fn installed(root: &Path) -> Vec<Installed> {
    let format = "%{NAME} [%{EPOCH}:]%{VERSION}-%{RELEASE} %{SOURCERPM}\\n";
    let output = Command::new("rpm")
        .arg("--dbpath")
        .arg(root.join("var/lib/rpm"))
        .args(["-qa", "--qf", format])
        .output()
        .expect("rpm runs");
    let text = String::from_utf8(output.stdout).expect("rpm speaks UTF-8");
    let package = |line: &str| {
        let mut fields = line.split(' ');
        let mut field = || fields.next().expect("three fields a line").to_owned();
        let (name, version, source) = (field(), field(), field());
        let mut parts = source.strip_suffix(".src.rpm")?.rsplitn(3, '-');
        let (release, upstream) = (parts.next()?, parts.next()?);
        Some(Installed {
            name,
            version,
            source: parts.next()?.to_owned(),
            source_version: format!("{upstream}-{release}"),
        })
    };
    text.lines().filter_map(package).collect()
}

/// What both publishers say about RHEL 9 and its rebuild.
struct Said {
    /// Fixed versions by package and CVE.
    errata: BTreeMap<(String, String), Vec<String>>,
    red_hat: BTreeMap<(String, String), RedHat>,
}

/// What Red Hat says of one source package and CVE.
#[derive(Default)]
struct RedHat {
    fixes: Vec<String>,
    /// Fixes for subscribers of a minor release.
    extended: Vec<String>,
    states: BTreeSet<String>,
}

fn documents(dir: &Path) -> Vec<Value> {
    let mut documents = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                let text = std::fs::read_to_string(&path).expect("a document");
                // Most are about other products; parsing those takes a minute.
                if text.contains(":9") {
                    documents.push(serde_json::from_str(&text).expect("JSON"));
                }
            }
        }
    }
    documents
}

fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value[key].as_array().into_iter().flatten()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn read_errata(dir: &Path) -> BTreeMap<(String, String), Vec<String>> {
    let mut errata: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for record in documents(dir) {
        let cves: BTreeSet<&str> = ["upstream", "aliases", "related"]
            .iter()
            .flat_map(|key| list(&record, key))
            .filter_map(Value::as_str)
            .filter(|name| name.starts_with("CVE-"))
            .collect();
        for affected in list(&record, "affected") {
            if text(&affected["package"], "ecosystem") != "AlmaLinux:9" {
                continue;
            }
            let events = list(affected, "ranges").flat_map(|range| list(range, "events"));
            for fixed in events.filter_map(|event| event["fixed"].as_str()) {
                for cve in &cves {
                    let name = text(&affected["package"], "name").to_owned();
                    errata.entry((name, (*cve).to_owned())).or_default().push(fixed.to_owned());
                }
            }
        }
    }
    errata
}

fn read_red_hat(dir: &Path) -> BTreeMap<(String, String), RedHat> {
    let mut said: BTreeMap<_, RedHat> = BTreeMap::new();
    for document in documents(dir) {
        let cve = text(&document, "name");
        for release in list(&document, "affected_release") {
            let Some(product) = product(text(release, "cpe")) else { continue };
            // `name-epoch:version-release`
            let parts: Vec<&str> = text(release, "package").rsplitn(3, '-').collect();
            let [release, version, name] = parts[..] else { continue };
            let version = version.split_once(':').map_or(version, |(_, version)| version);
            let said = said.entry((name.to_owned(), cve.to_owned())).or_default();
            let fixes = if product { &mut said.fixes } else { &mut said.extended };
            fixes.push(format!("{version}-{release}"));
        }
        for state in list(&document, "package_state") {
            if product(text(state, "cpe")) == Some(true) {
                let name = text(state, "package_name").to_owned();
                let said = said.entry((name, cve.to_owned())).or_default();
                said.states.insert(text(state, "fix_state").to_owned());
            }
        }
    }
    said
}

/// True for RHEL 9 itself, false for a minor release of it that is supported longer.
fn product(cpe: &str) -> Option<bool> {
    let fields: Vec<&str> = cpe.split(':').collect();
    match fields.get(3..)? {
        ["enterprise_linux", "9", rest @ ..] if !rest.contains(&"fastdatapath") => Some(true),
        ["rhel_eus" | "rhel_e4s" | "rhel_aus" | "rhel_tus", minor, ..]
            if minor.starts_with("9.") =>
        {
            Some(false)
        }
        _ => None,
    }
}

impl Said {
    fn expected(&self, installed: &[Installed]) -> Expected {
        let rpm = Rpm::ask(self.questions(installed));
        let mut expected = Expected::default();
        for package in installed {
            for (cve, outcome) in self.outcomes(package, &rpm) {
                expected.held += 1;
                if let Some((status, fixed)) = outcome {
                    let row = [cve, &package.name, status, fixed].map(str::to_owned);
                    expected.rows.insert(row.into());
                }
            }
        }
        expected
    }

    /// Every pair of versions that will be compared.
    fn questions(&self, installed: &[Installed]) -> BTreeSet<(String, String)> {
        let mut pairs = BTreeSet::new();
        for package in installed {
            let own = self.errata.iter().filter(|((name, _), _)| *name == package.name);
            for (_, fixes) in own {
                add_pairs(&mut pairs, &package.version, fixes);
            }
            let origin = self.red_hat.iter().filter(|((name, _), _)| *name == package.source);
            for (_, said) in origin {
                add_pairs(&mut pairs, &package.source_version, &said.fixes);
                add_pairs(&mut pairs, &package.source_version, &said.extended);
            }
        }
        pairs
    }

    /// By CVE: AlmaLinux's word, else Red Hat's; None for what is clean.
    fn outcomes<'s>(
        &'s self,
        package: &Installed,
        rpm: &Rpm,
    ) -> BTreeMap<&'s str, Option<(&'static str, &'s str)>> {
        let mut outcomes = BTreeMap::new();
        for ((name, cve), said) in &self.red_hat {
            if *name == package.source {
                outcomes.insert(cve.as_str(), said.outcome(&package.source_version, rpm));
            }
        }
        for ((name, cve), fixes) in &self.errata {
            if *name == package.name {
                outcomes.insert(cve.as_str(), open_fix(&package.version, fixes, rpm));
            }
        }
        outcomes
    }
}

fn add_pairs(pairs: &mut BTreeSet<(String, String)>, installed: &str, fixes: &[String]) {
    for fix in fixes {
        pairs.insert((installed.to_owned(), fix.clone()));
        pairs.extend(fixes.iter().map(|other| (fix.clone(), other.clone())));
    }
}

impl RedHat {
    fn outcome(&self, installed: &str, rpm: &Rpm) -> Option<(&'static str, &str)> {
        let same_minor = |fix: &&String| minor(fix).is_some() && minor(fix) == minor(installed);
        let extended = self.extended.iter().filter(same_minor);
        let mut extended = extended.map(|fix| rpm.is_older(installed, fix)).peekable();
        if extended.peek().is_some() && !extended.any(|older| older) {
            return None;
        }
        if !self.fixes.is_empty() {
            return open_fix(installed, &self.fixes, rpm);
        }
        let says = |word: &str| self.states.contains(word);
        let words = [
            ("Affected", "affected"),
            ("Will not fix", "will_not_fix"),
            ("Fix deferred", "fix_deferred"),
            ("Out of support scope", "end_of_life"),
            ("Under investigation", "under_investigation"),
        ];
        words.into_iter().find(|(word, _)| says(word)).map(|(_, status)| (status, "-"))
    }
}

/// The highest fix that the installed version lacks, of those for its own minor release if there
/// are any.
fn open_fix<'f>(
    installed: &str,
    fixes: &'f [String],
    rpm: &Rpm,
) -> Option<(&'static str, &'f str)> {
    let same_minor: Vec<&String> =
        fixes.iter().filter(|fix| minor(fix).is_some() && minor(fix) == minor(installed)).collect();
    let counted = if same_minor.is_empty() { fixes.iter().collect() } else { same_minor };
    let lacking: Vec<&String> =
        counted.into_iter().filter(|fix| rpm.is_older(installed, fix)).collect();
    let highest = lacking.iter().find(|fix| !lacking.iter().any(|other| rpm.is_older(fix, other)));
    highest.map(|fix| ("fixed", fix.as_str()))
}

/// `9_2` of `.el9_2.1`.
fn minor(version: &str) -> Option<&str> {
    let tag = version.split(".el").nth(1)?;
    let end = tag.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(tag.len());
    tag.get(..end).filter(|tag| tag.contains('_'))
}
