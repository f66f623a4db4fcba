//! From a report to the bill that all formats are written from.
//!
//! References are purls, made unique by a number and the path where the same purl stands twice.
//! The serial number is a name-based UUID of what is described, so that the same artifact gives
//! the same document.

use std::collections::{BTreeMap, BTreeSet};

use model::{Artifact, Basis, License, Os, Package, Problem};
use uuid::Uuid;

use super::{Bill, Component, ComponentKind, Property, graph, property};
use crate::{Report, purl};

impl Bill {
    pub(crate) fn of(report: &Report) -> Self {
        let os = report.inventory.os.as_ref();
        let mut components: Vec<Component> = os.map(os_component).into_iter().collect();
        let mut needed_by_subject: Vec<String> =
            components.iter().map(|component| component.reference.clone()).collect();
        let packages = packages(report);
        let needed: BTreeSet<&String> = packages.iter().flat_map(|it| &it.depends_on).collect();
        let is_root = |component: &&Component| !needed.contains(&component.reference);
        needed_by_subject
            .extend(packages.iter().filter(is_root).map(|component| component.reference.clone()));
        components.extend(packages);
        Self {
            serial: serial(report),
            created: report.now.clone(),
            subject: Component { depends_on: needed_by_subject, ..subject(report) },
            components,
            is_complete: Some(!report.is_partial()),
            problems: Vec::new(),
        }
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

fn packages(report: &Report) -> Vec<Component> {
    let packages = &report.inventory.packages;
    let mut seen = BTreeMap::<String, u32>::new();
    let mut components: Vec<Component> =
        packages.iter().map(|package| component(package, report, &mut seen)).collect();
    let references: Vec<String> = components.iter().map(|it| it.reference.clone()).collect();
    for (component, needed) in components.iter_mut().zip(graph::resolve(packages)) {
        let needed: BTreeSet<&String> =
            needed.iter().filter_map(|at| references.get(*at)).collect();
        component.depends_on = needed.into_iter().cloned().collect();
    }
    components
}

fn component(package: &Package, report: &Report, seen: &mut BTreeMap<String, u32>) -> Component {
    let purl = purl(package, report.inventory.os.as_ref());
    let count = seen.entry(purl.clone()).and_modify(|count| *count += 1).or_insert(1);
    let reference = match count {
        1 => purl.clone(),
        again => format!("{purl}#{again}-{}", package.location.path),
    };
    Component {
        reference,
        kind: ComponentKind::Library,
        group: String::new(),
        name: package.name.clone(),
        version: package.version.clone(),
        purl,
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
    if let Some(source) = &package.source {
        add(property::SOURCE_NAME, &source.name);
        add(property::SOURCE_VERSION, &source.version);
    }
    add(property::PACKAGE_ARCHITECTURE, &package.architecture);
    add(property::PACKAGE_MODULE, package.module.as_deref().unwrap_or_default());
    add(property::PACKAGE_MODULE_BUILD, package.module_build.as_deref().unwrap_or_default());
    add(property::PACKAGE_DECLARED, if package.declared { "true" } else { "" });
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
