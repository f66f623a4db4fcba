//! From a report to the bill that all formats are written from.
//!
//! References are purls, made unique by a number and the path where the same purl stands twice.
//! The serial number is a name-based UUID of what is described, so that the same artifact gives
//! the same document.

use std::collections::{BTreeSet, HashMap, HashSet};

use model::{Artifact, Basis, License, Os, Package, Problem};
use uuid::Uuid;

use super::{Component, ComponentKind, Property, graph, property};
use crate::{Report, purl};

/// The bill of a report. Its components are made as they are written: all at once they would take
/// more than the inventory that they are made of.
pub(crate) struct Draft<'a> {
    report: &'a Report,
    /// A UUID; the same for the same artifact.
    pub(crate) serial: String,
    /// What the bill is about.
    pub(crate) subject: Component,
    pub(crate) os: Option<Component>,
    /// Of the packages, in the order of the inventory.
    references: Vec<String>,
    /// For each package the positions of those that it needs, by the order of their references.
    needed: Vec<Vec<usize>>,
    /// The positions of those that no other needs.
    roots: Vec<usize>,
}

impl<'a> Draft<'a> {
    pub(crate) fn of(report: &'a Report) -> Self {
        let packages = &report.inventory.packages;
        let references = references(report);
        let in_order = |needed: BTreeSet<usize>| {
            let mut needed: Vec<usize> = needed.into_iter().collect();
            needed.sort_unstable_by_key(|at| references.get(*at));
            needed
        };
        let needed: Vec<Vec<usize>> = graph::resolve(packages).into_iter().map(in_order).collect();
        let by_others: HashSet<usize> = needed.iter().flatten().copied().collect();
        let roots = (0..packages.len()).filter(|at| !by_others.contains(at)).collect();
        Self {
            report,
            serial: serial(report),
            subject: subject(report),
            os: report.inventory.os.as_ref().map(os_component),
            references,
            needed,
            roots,
        }
    }

    /// RFC 3339.
    pub(crate) fn created(&self) -> &'a str {
        &self.report.now
    }

    pub(crate) fn is_complete(&self) -> bool {
        !self.report.is_partial()
    }

    /// The packages with their references, in the order of the inventory.
    pub(crate) fn packages(&self) -> impl Iterator<Item = (&str, &'a Package)> + Clone {
        self.references.iter().map(String::as_str).zip(&self.report.inventory.packages)
    }

    /// The operating system first, then packages.
    pub(crate) fn components(&self) -> impl Iterator<Item = Component> + Clone {
        let packages = self.packages().map(|(reference, it)| component(it, reference, self.report));
        self.os.iter().cloned().chain(packages)
    }

    /// What needs what, by reference: the subject, then each component.
    pub(crate) fn needs(&self) -> impl Iterator<Item = (&str, Vec<&str>)> + Clone {
        let os = self.os.as_ref().map(|os| os.reference.as_str());
        let named = |at: &usize| self.references.get(*at).map(String::as_str);
        let by_subject = os.into_iter().chain(self.roots.iter().filter_map(named)).collect();
        let by_packages =
            self.references.iter().zip(&self.needed).map(move |(reference, needed)| {
                (reference.as_str(), needed.iter().filter_map(named).collect())
            });
        std::iter::once((self.subject.reference.as_str(), by_subject))
            .chain(os.map(|os| (os, Vec::new())))
            .chain(by_packages)
    }
}

/// The same for the same artifact: from the image's digest, else from the packages found.
fn serial(report: &Report) -> String {
    let described = match &report.artifact.digest {
        Some(digest) => digest.to_string(),
        None => {
            let os = report.inventory.os.as_ref();
            let purls = report.inventory.packages.iter().map(|package| purl(package, os));
            purls.fold(report.artifact.name.clone(), |all, purl| all + "\n" + &purl)
        }
    };
    Uuid::new_v5(&Uuid::NAMESPACE_OID, described.as_bytes()).to_string()
}

fn subject(report: &Report) -> Component {
    let artifact = &report.artifact;
    let digest = artifact.digest.as_ref().map(ToString::to_string).unwrap_or_default();
    Component {
        reference: if digest.is_empty() { "artifact".to_owned() } else { digest.clone() },
        kind: match artifact.kind.has_layers() {
            true => ComponentKind::Container,
            false => ComponentKind::File,
        },
        name: artifact.name.clone(),
        version: digest,
        properties: subject_properties(artifact, report),
        ..Component::default()
    }
}

fn subject_properties(artifact: &Artifact, report: &Report) -> Vec<Property> {
    let mut properties = vec![Property::new(property::ARTIFACT_KIND, artifact.kind.name())];
    let mut add = |name, value: Option<String>| {
        properties.extend(value.map(|value| Property::new(name, value)));
    };
    add(property::ARTIFACT_MANIFEST, artifact.manifest_digest.as_ref().map(ToString::to_string));
    add(property::ARTIFACT_PLATFORM, artifact.platform.as_ref().map(ToString::to_string));
    add(property::ARTIFACT_CREATED, artifact.created.clone());
    for layer in artifact.layers.iter().filter(|_| artifact.kind.has_layers()) {
        add(property::ARTIFACT_LAYER, Some(property::write_layer(layer)));
    }
    for repository in &report.inventory.repositories {
        add(property::ARTIFACT_REPOSITORY, Some(repository.clone()));
    }
    // What is wrong with advisories is not wrong with the artifact.
    let is_of_advisories =
        |problem: &Problem| report.data.iter().any(|data| data.stream == problem.subject);
    for problem in report.problems.iter().filter(|it| property::CARRIED.contains(&it.kind)) {
        if !is_of_advisories(problem) {
            add(property::ARTIFACT_PROBLEM, Some(property::write_problem(problem)));
        }
    }
    properties
}

fn os_component(os: &Os) -> Component {
    let properties = [
        (property::OS_CODENAME, os.codename.as_ref()),
        (property::OS_DERIVED_ID, os.derived_id.as_ref()),
    ];
    let property = |(name, value): (_, Option<&String>)| Some(Property::new(name, value?));
    Component {
        reference: format!("os:{}@{}", os.family, os.version),
        kind: ComponentKind::OperatingSystem,
        name: os.family.clone(),
        version: os.version.clone(),
        description: os.pretty_name.clone().unwrap_or_default(),
        properties: properties.into_iter().filter_map(property).collect(),
        ..Component::default()
    }
}

/// Of each package a name that no other has.
fn references(report: &Report) -> Vec<String> {
    let mut seen = HashMap::<String, u32>::new();
    let mut reference = |package: &Package| {
        let purl = purl(package, report.inventory.os.as_ref());
        match seen.entry(purl.clone()).and_modify(|count| *count += 1).or_insert(1) {
            1 => purl,
            again => format!("{purl}#{again}-{}", package.location.path),
        }
    };
    report.inventory.packages.iter().map(&mut reference).collect()
}

fn component(package: &Package, reference: &str, report: &Report) -> Component {
    Component {
        reference: reference.to_owned(),
        kind: ComponentKind::Library,
        group: String::new(),
        name: package.name.clone(),
        version: package.version.clone(),
        purl: purl(package, report.inventory.os.as_ref()),
        publisher: package.vendor.clone(),
        description: String::new(),
        license: package.license.clone(),
        hashes: package.hashes.clone(),
        properties: package_properties(package, report),
        depends_on: Vec::new(),
    }
}

fn package_properties(package: &Package, report: &Report) -> Vec<Property> {
    let mut properties = vec![Property::new(property::LOCATION_PATH, &package.location.path)];
    let mut add = |name, value: &str| {
        if !value.is_empty() {
            properties.push(Property::new(name, value));
        }
    };
    if let Some(layer) = package.location.layer {
        add(property::LOCATION_LAYER, &layer.to_string());
        let described = report.artifact.layers.iter().find(|it| it.index == layer);
        if let Some(diff_id) = described.and_then(|layer| layer.diff_id.as_ref()) {
            add(property::LOCATION_DIFF_ID, &diff_id.to_string());
        }
    }
    if let Some(source) = package.other_source() {
        add(property::SOURCE_NAME, &source.name);
        add(property::SOURCE_VERSION, &source.version);
    }
    add(property::PACKAGE_ARCHITECTURE, &package.architecture);
    add(property::PACKAGE_MODULE, package.module.as_deref().unwrap_or_default());
    add(property::PACKAGE_MODULE_BUILD, package.module_build.as_deref().unwrap_or_default());
    add(property::PACKAGE_DECLARED, if package.declared { "true" } else { "" });
    let development = package.development.map(|it| if it { "true" } else { "false" });
    add(property::PACKAGE_DEVELOPMENT, development.unwrap_or_default());
    if package.basis != Basis::Record {
        add(property::PACKAGE_BASIS, package.basis.name());
    }
    add(property::PACKAGE_OWNER, package.owner.as_deref().unwrap_or_default());
    if !package.symbols.is_empty() {
        let symbols = serde_json::to_string(&package.symbols);
        add(property::PACKAGE_SYMBOLS, &symbols.expect("numbers always serialize"));
    }
    let license = License::of(&package.license);
    if license.is_some_and(|license| license.as_str() != package.license) {
        add(property::LICENSE_DECLARED, &package.license);
    }
    properties
}
