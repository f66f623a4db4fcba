//! From a bill that was read to what is inside the artifact that it describes.
//!
//! What this program wrote is taken word for word from the properties; of what others wrote the
//! package URLs tell most. A component that cannot be matched is counted by the reason why not:
//! it must never pass for one without vulnerabilities.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::{Artifact, ArtifactKind, Inventory, Package, Problem, ProblemKind, Purl};

use super::package::{Unmatched, Writer, is_ours, package, says_sources};
use super::system::system;
use super::{Bill, Component, property};
use crate::Sbom;

impl Bill {
    /// What the bill says; `file` is what the user calls it.
    pub(crate) fn into_sbom(self, file: &str) -> Sbom {
        let artifact = artifact(&self.subject, file);
        let (packages, unmatched) = packages(&self.components);
        let mut problems = self.problems;
        let carried: Vec<Problem> = (values(&self.subject, property::ARTIFACT_PROBLEM))
            .filter_map(property::read_problem)
            .collect();
        if self.is_complete == Some(false) && carried.is_empty() {
            let message = "the bill of materials says of itself that it is incomplete";
            problems.push(Problem::new(ProblemKind::Unreadable, file, message));
        }
        problems.extend(carried);
        problems.extend(unmatched.iter().map(|(why, count)| why.problem(*count, file)));
        let (os, doubt) = system(&self.components, file);
        problems.extend(doubt);
        let mut repositories: Vec<String> =
            values(&self.subject, property::ARTIFACT_REPOSITORY).map(str::to_owned).collect();
        repositories.sort();
        let of_sources =
            self.subject.property(property::ARTIFACT_KIND) == Some(ArtifactKind::Dir.name());
        let inventory = Inventory { os, packages, repositories, problems, ..Inventory::default() };
        Sbom { artifact, inventory, of_sources }
    }
}

fn values<'a>(component: &'a Component, name: &'a str) -> impl Iterator<Item = &'a str> {
    let named = component.properties.iter().filter(move |property| property.name == name);
    named.map(|property| property.value.as_str())
}

/// What Trivy calls the digest of the image configuration.
const TRIVY_IMAGE: &str = "aquasecurity:trivy:ImageID";

fn artifact(subject: &Component, file: &str) -> Artifact {
    let own = subject.property(property::ARTIFACT_KIND).is_some();
    let digest = |text: &str| text.parse().ok();
    let purl: Option<Purl> = subject.purl.parse().ok();
    let purl_digest = purl.filter(|it| it.kind == "oci").and_then(|it| digest(&it.version));
    let version = digest(&subject.version);
    let (config, manifest) = match own {
        true => (version, None),
        false => (subject.property(TRIVY_IMAGE).and_then(digest), version.or(purl_digest)),
    };
    let stated = subject.property(property::ARTIFACT_MANIFEST).and_then(digest);
    Artifact {
        name: if subject.name.is_empty() { file } else { &subject.name }.to_owned(),
        kind: ArtifactKind::Sbom,
        references: Vec::new(),
        digest: config,
        manifest_digest: stated.or(manifest),
        platform: subject.property(property::ARTIFACT_PLATFORM).and_then(|it| it.parse().ok()),
        size_bytes: None,
        created: subject.property(property::ARTIFACT_CREATED).map(str::to_owned),
        config: None,
        layers: values(subject, property::ARTIFACT_LAYER)
            .filter_map(property::read_layer)
            .collect(),
    }
}

/// The packages, in the order of inventories, and how many components are none, by reason.
fn packages(components: &[Component]) -> (Vec<Package>, BTreeMap<Unmatched, usize>) {
    let mut unmatched = BTreeMap::new();
    let mut packages = Vec::new();
    let mut names: HashMap<&str, String> = HashMap::new();
    let mut needed: Vec<&[String]> = Vec::new();
    // Of which kinds who says what packages were built from, and packages of which nothing says it.
    let (mut told, mut unsaid) = (BTreeSet::new(), Vec::new());
    for component in components {
        match package(component) {
            Ok(package) => {
                let name = match package.version.as_str() {
                    "" => package.name.clone(),
                    version => format!("{}@{version}", package.name),
                };
                if package.version.is_empty() && !is_ours(component) {
                    *unmatched.entry(Unmatched::NoVersion).or_default() += 1;
                }
                names.entry(&component.reference).or_insert(name);
                if says_sources(component, &package) {
                    told.insert((package.kind, Writer::of(component)));
                }
                // What this program wrote says of itself that something is not said.
                if package.is_source_unsaid() && !is_ours(component) {
                    unsaid.push((packages.len(), component));
                }
                packages.push(package);
                needed.push(&component.depends_on);
            }
            Err(None) => {}
            Err(Some(why)) => *unmatched.entry(why).or_default() += 1,
        }
    }
    for (at, component) in unsaid {
        let Some(package) = packages.get_mut(at) else { continue };
        match told.contains(&(package.kind, Writer::of(component))) {
            true => package.source = None,
            false => *unmatched.entry(Unmatched::NoSource(package.kind)).or_default() += 1,
        }
    }
    for (package, needed) in packages.iter_mut().zip(needed) {
        let named = needed.iter().filter_map(|reference| names.get(reference.as_str()).cloned());
        package.dependencies = named.collect();
        package.dependencies.sort();
        package.dependencies.dedup();
    }
    packages.sort_by(|a, b| order(a).cmp(&order(b)));
    // A bill that lists the same twice says nothing more by it.
    packages.dedup();
    (packages, unmatched)
}

fn order(package: &Package) -> (model::PackageKind, &str, &str, &str, &str) {
    let Package { kind, name, version, architecture, location, .. } = package;
    (*kind, name, version, architecture, &location.path)
}
