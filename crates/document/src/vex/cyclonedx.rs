//! CycloneDX read as VEX: vulnerabilities with an analysis, in a document of their own or in the
//! bill of materials that they are about.
//!
//! An analysis is about what the document is about: that an application reaches no vulnerable code says
//! nothing of another that has the same library. Of versions that are listed apart each counts by its
//! own status; what silences is only what is said to be unaffected.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use model::{Purl, VexProduct, VexStatement, VexStatus};
use serde::Deserialize;

use super::reason::Justification;
use super::{Said, exactly, narrowed, silences, statement, unknown_statuses};
use crate::bill::{Property, property};

#[derive(Deserialize)]
struct Document {
    metadata: Option<Metadata>,
    components: Option<Vec<Component>>,
    vulnerabilities: Option<Vec<Vulnerability>>,
}

#[derive(Deserialize)]
struct Metadata {
    timestamp: Option<String>,
    component: Option<Component>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(rename = "bom-ref")]
    reference: Option<String>,
    #[serde(default)]
    name: String,
    version: Option<String>,
    purl: Option<String>,
    properties: Option<Vec<Property>>,
    components: Option<Vec<Self>>,
}

#[derive(Deserialize)]
struct Vulnerability {
    #[serde(default)]
    id: String,
    references: Option<Vec<Reference>>,
    updated: Option<String>,
    analysis: Option<Analysis>,
    affects: Option<Vec<Affects>>,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(default)]
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Analysis {
    #[serde(default)]
    state: String,
    #[serde(default)]
    justification: String,
    #[serde(default)]
    detail: String,
    first_issued: Option<String>,
    last_updated: Option<String>,
}

#[derive(Deserialize)]
struct Affects {
    #[serde(rename = "ref")]
    reference: String,
    versions: Option<Vec<Versions>>,
}

/// Of one version, or of a range in the terms of VERS.
#[derive(Deserialize)]
struct Versions {
    version: Option<String>,
    range: Option<String>,
    status: Option<String>,
}

pub(super) fn read(bytes: &[u8]) -> serde_json::Result<Said> {
    let Document { metadata, components, vulnerabilities } = serde_json::from_slice(bytes)?;
    let Metadata { timestamp, component } =
        metadata.unwrap_or(Metadata { timestamp: None, component: None });
    let mut purls = HashMap::new();
    gather(components.unwrap_or_default(), &mut purls);
    let names = Names { purls, subject: component.map(Subject::of) };
    let time = timestamp.unwrap_or_default();
    let mut unknown = BTreeSet::new();
    let read = vulnerabilities.into_iter().flatten();
    let statements = read.flat_map(|it| it.read(&names, &time, &mut unknown)).collect();
    Ok(Said { statements, notes: unknown_statuses(&unknown).into_iter().collect() })
}

/// Package URLs by reference. How deep components nest is bounded by the parser.
fn gather(components: Vec<Component>, purls: &mut HashMap<String, String>) {
    for mut component in components {
        let inner = component.components.take().unwrap_or_default();
        if let Some((reference, purl)) = component.reference.take().zip(purl(&component)) {
            purls.insert(reference, purl);
        }
        gather(inner, purls);
    }
}

/// The package URL of a component: of its version, where the URL has none itself.
fn purl(component: &Component) -> Option<String> {
    let text = component.purl.clone()?;
    let version = component.version.as_deref().unwrap_or_default();
    match text.parse::<Purl>() {
        Ok(purl) if purl.version.is_empty() && purl.kind != "oci" && !version.is_empty() => {
            let range = exactly(&purl.kind, version);
            Some(narrowed(purl, &range))
        }
        _ => Some(text),
    }
}

/// What a document is about.
struct Subject {
    reference: Option<String>,
    /// By which it can be recognised; none if it cannot.
    names: Vec<String>,
}

impl Subject {
    fn of(component: Component) -> Self {
        let manifest = component.properties.iter().flatten();
        let manifest =
            manifest.filter(|it| it.name == property::ARTIFACT_MANIFEST).map(|it| &it.value);
        let is_image = |name: &&String| name.starts_with("sha256:") || name.starts_with("pkg:oci/");
        let all = component.purl.iter().chain(&component.version).chain(manifest);
        let mut names: Vec<String> = all.filter(is_image).cloned().collect();
        if names.is_empty() && component.kind == "container" {
            names.extend(called(&component));
        } else if names.is_empty() {
            names.extend(purl(&component));
        }
        Self { reference: component.reference, names }
    }
}

/// What an image without a digest is called. A bill that this program wrote calls so what it was made
/// from, which need not be an image.
fn called(component: &Component) -> Option<String> {
    let is_ours =
        component.properties.iter().flatten().any(|it| it.name == property::ARTIFACT_KIND);
    let name = Some(component.name.clone()).filter(|name| !name.is_empty() && !is_ours)?;
    Some(match component.version.as_deref() {
        None | Some("") => name,
        Some(version) => format!("{name}:{version}"),
    })
}

/// What references of the document mean.
struct Names {
    purls: HashMap<String, String>,
    /// None if the document is about nothing in particular.
    subject: Option<Subject>,
}

impl Names {
    /// What the document is about, a part of it, or a package wherever it is, of a range of versions if
    /// one is given.
    fn product(&self, reference: &str, range: Option<&Range<'_>>) -> VexProduct {
        // A link into another document: what it is about there stands behind the `#`.
        let linked = reference.strip_prefix("urn:cdx:").and_then(|link| link.split_once('#'));
        let is_subject = |it: &&Subject| {
            linked.is_none() && it.reference.as_deref().is_some_and(|name| name == reference)
        };
        if let Some(Subject { names, .. }) = self.subject.as_ref().filter(is_subject) {
            let names = names.iter().map(|name| within(name, range)).collect();
            return VexProduct { names, ..VexProduct::default() };
        }
        let reference = linked.map_or_else(|| reference.to_owned(), |(_, name)| decoded(name));
        let purl = self.purls.get(&reference).cloned();
        let purl = purl.or_else(|| reference.parse::<Purl>().is_ok().then_some(reference));
        let Some(purl) = purl.map(|it| within(&it, range)) else { return VexProduct::default() };
        match &self.subject {
            None => VexProduct { names: vec![purl], ..VexProduct::default() },
            Some(Subject { names, .. }) => VexProduct {
                names: names.clone(),
                parts: vec![vec![purl]],
                ..VexProduct::default()
            },
        }
    }
}

/// Versions that are spoken of apart.
enum Range<'a> {
    One(&'a str),
    Of(&'a str),
}

/// A name, of these versions alone. What is no package URL is the thing itself, of whatever version.
fn within(name: &str, range: Option<&Range<'_>>) -> String {
    match (name.parse::<Purl>(), range) {
        (Ok(purl), Some(Range::One(version))) => {
            let range = exactly(&purl.kind, version);
            narrowed(purl, &range)
        }
        (Ok(purl), Some(Range::Of(range))) => narrowed(purl, range),
        _ => name.to_owned(),
    }
}

/// Links escape what references hold.
fn decoded(name: &str) -> String {
    match name.strip_prefix("pkg%3A").or_else(|| name.strip_prefix("pkg%3a")) {
        Some(rest) => Purl::unescape(&format!("pkg:{rest}")),
        None => name.to_owned(),
    }
}

impl Vulnerability {
    /// A statement for each status that is said of a version; nothing without an analysis.
    fn read(self, names: &Names, time: &str, unknown: &mut BTreeSet<String>) -> Vec<VexStatement> {
        let Some(analysis) = self.analysis else { return Vec::new() };
        let status = match analysis.state.as_str() {
            "" => return Vec::new(),
            "resolved" | "resolved_with_pedigree" => VexStatus::Fixed,
            "exploitable" => VexStatus::Affected,
            "in_triage" => VexStatus::UnderInvestigation,
            "false_positive" | "not_affected" => VexStatus::NotAffected,
            other => {
                unknown.insert(other.to_owned());
                VexStatus::UnderInvestigation
            }
        };
        let mut said: BTreeMap<VexStatus, Vec<VexProduct>> = BTreeMap::new();
        for affects in self.affects.iter().flatten() {
            let Affects { reference, versions } = affects;
            let listed = versions.as_deref().unwrap_or_default();
            if listed.is_empty() {
                said.entry(status).or_default().push(names.product(reference, None));
            }
            for (status, range) in listed.iter().filter_map(|it| it.said(status)) {
                said.entry(status).or_default().push(names.product(reference, Some(&range)));
            }
        }
        if self.affects.iter().flatten().next().is_none() {
            said.insert(status, Vec::new());
        }
        let others = self.references.into_iter().flatten().map(|reference| reference.id);
        let ids = std::iter::once(self.id).chain(others).filter(|id| !id.is_empty());
        let ids: Vec<String> = ids.collect();
        let justification = Justification::of_cyclonedx(&analysis.justification);
        let justification = justification.map_or_else(String::new, |it| it.name().to_owned());
        let times = [analysis.last_updated, analysis.first_issued, self.updated];
        let time = times.into_iter().flatten().next().unwrap_or_else(|| time.to_owned());
        let read = |(status, products)| VexStatement {
            justification: justification.clone(),
            statement: analysis.detail.clone(),
            timestamp: time.clone(),
            products,
            ..statement(ids.clone(), status)
        };
        said.into_iter().map(read).collect()
    }
}

impl Versions {
    /// What is said of these versions, given the analysis of the whole: nothing, where that says more
    /// than the list takes back.
    fn said(&self, of_all: VexStatus) -> Option<(VexStatus, Range<'_>)> {
        let range = match (self.version.as_deref(), self.range.as_deref()) {
            (Some(version), _) => Range::One(version),
            (None, Some(range)) => Range::Of(range),
            (None, None) => return None,
        };
        let status = match (self.status.as_deref().unwrap_or("affected"), of_all) {
            ("unaffected", of_all) => Some(of_all).filter(|it| silences(*it)),
            ("affected", of_all) if !silences(of_all) => Some(of_all),
            ("affected", _) => Some(VexStatus::Affected),
            _ => Some(VexStatus::UnderInvestigation),
        };
        Some((status?, range))
    }
}
