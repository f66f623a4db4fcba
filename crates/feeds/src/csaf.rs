//! CSAF 2.0 (docs.oasis-open.org/csaf), the JSON advisory format of Red Hat, SUSE, openEuler and
//! others, in both profiles: one document a notice, or (VEX) one document a vulnerability.
//!
//! A product tree lists platforms and components; relationships make products of them ("this
//! component of that platform"), perhaps in several steps (package in module in repository); every
//! vulnerability then sorts products by status. The reader resolves all that into [`Claim`]s; what
//! a platform's or component's name means is the publisher's own file's matter.

mod document;

use std::collections::HashMap;

use model::{Cvss, Details, Severity};

use self::document::{Branch, ProductName, Scores, Threat};
pub(crate) use self::document::{Csaf, Header, Remediation, Vulnerability, header};
use crate::{FeedError, json, time};

/// How many remediations are kept of one product; Red Hat gives up to three.
const REMEDIATIONS_LIMIT: usize = 16;
/// How many steps of relationships lead from a product to its parts; Red Hat uses two.
const RELATION_STEPS: usize = 8;

/// A node of the product tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product<'t> {
    pub(crate) id: &'t str,
    pub(crate) cpe: &'t str,
    pub(crate) purl: &'t str,
    /// The architecture that it stands under in the tree; empty if under none.
    pub(crate) architecture: &'t str,
}

/// Under which of the lists of a vulnerability a product stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listed {
    Fixed,
    Affected,
    NotAffected,
    UnderInvestigation,
}

/// What one vulnerability says of one product.
#[derive(Debug)]
pub(crate) struct Claim<'t, 'c> {
    pub(crate) listed: Listed,
    /// From the innermost component to the platform; one entry if the product has no parts.
    pub(crate) parts: Vec<Product<'t>>,
    pub(crate) remediations: &'c [&'t Remediation<'t>],
    pub(crate) severity: Severity,
}

impl<'a> Csaf<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, FeedError> {
        Ok(json::read(bytes)?)
    }

    /// The product tree, ready to look products up.
    pub(crate) fn products(&self) -> Products<'_> {
        let mut products = Products { nodes: HashMap::new(), relations: HashMap::new() };
        for product in &self.product_tree.full_product_names {
            products.enter(product, "");
        }
        for branch in &self.product_tree.branches {
            products.descend(branch, "");
        }
        for relation in &self.product_tree.relationships {
            let parts = (&*relation.product_reference, &*relation.relates_to_product_reference);
            products.relations.insert(&relation.full_product_name.product_id, parts);
        }
        products
    }

    /// The vulnerability's texts and scores; `source` names the publisher (`redhat`).
    pub(crate) fn details(&self, vulnerability: &Vulnerability<'_>, source: &str) -> Details {
        // Texts and rating of a notice are about all its vulnerabilities together.
        let alone = self.vulnerabilities.len() == 1;
        let title = match &*vulnerability.title {
            "" if alone => &*self.document.title,
            title => title,
        };
        let note = |category: &str| {
            let mut notes = vulnerability.notes.iter();
            notes.find(|note| &*note.category == category).map(|note| note.text.to_string())
        };
        let overall = self.document.aggregate_severity.as_ref().filter(|_| alone);
        let overall = Severity::from_publisher(overall.map_or("", |severity| &severity.text));
        let severity = severities(&vulnerability.threats).into_values().max().unwrap_or(overall);
        let mut references: Vec<String> = Vec::new();
        let document = self.document.references.iter();
        for reference in vulnerability.references.iter().chain(document) {
            if !references.iter().any(|known| **known == *reference.url) {
                references.push(reference.url.to_string());
            }
        }
        let released = time::utc(&vulnerability.release_date);
        Details {
            id: vulnerability.cve.to_string(),
            title: title.to_owned(),
            description: note("description").or_else(|| note("general")).unwrap_or_default(),
            severity,
            cvss: cvss(&vulnerability.scores, source),
            cwes: vulnerability.cwe.iter().map(|cwe| cwe.id.to_string()).collect(),
            references,
            published: released.or_else(|| time::utc(&self.document.tracking.initial_release_date)),
            modified: self.document.modified(),
            withdrawn: None,
        }
    }
}

fn cvss(scores: &[Scores<'_>], source: &str) -> Vec<Cvss> {
    let mut found: Vec<Cvss> = Vec::new();
    let all = scores.iter().flat_map(|s| [&s.cvss_v2, &s.cvss_v3, &s.cvss_v4]);
    for score in all.flatten() {
        if !score.vector.is_empty() && !found.iter().any(|known| known.vector == *score.vector) {
            found.push(Cvss {
                source: source.to_owned(),
                version: score.version.to_string(),
                vector: score.vector.to_string(),
                score: score.base,
            });
        }
    }
    found
}

/// Nodes and relationships by product id.
#[derive(Debug)]
pub(crate) struct Products<'t> {
    nodes: HashMap<&'t str, Product<'t>>,
    relations: HashMap<&'t str, (&'t str, &'t str)>,
}

impl<'t> Products<'t> {
    fn descend(&mut self, branch: &'t Branch<'_>, architecture: &'t str) {
        let architecture =
            if &*branch.category == "architecture" { &*branch.name } else { architecture };
        if let Some(product) = &branch.product {
            self.enter(product, architecture);
        }
        for branch in &branch.branches {
            self.descend(branch, architecture);
        }
    }

    fn enter(&mut self, product: &'t ProductName<'_>, architecture: &'t str) {
        let helper = product.product_identification_helper.as_ref();
        let node = Product {
            id: &product.product_id,
            cpe: helper.map_or("", |helper| &helper.cpe),
            purl: helper.map_or("", |helper| &helper.purl),
            architecture,
        };
        self.nodes.insert(node.id, node);
    }

    /// The parts of a product, the innermost component first; empty if it is not in the tree.
    fn parts(&self, id: &str) -> Vec<Product<'t>> {
        let mut parts = Vec::with_capacity(3);
        let mut open = vec![id];
        let mut steps = 0;
        while let Some(id) = open.pop() {
            match self.relations.get(id) {
                Some((component, platform)) if steps < RELATION_STEPS => {
                    steps += 1;
                    open.push(platform);
                    open.push(component);
                }
                _ => parts.extend(self.nodes.get(id)),
            }
        }
        parts
    }

    /// Calls `each` for every product that the vulnerability lists. Returns how many claims could
    /// not be made whole: products that are not in the tree, remediations beyond the limit.
    pub(crate) fn claims(
        &self,
        vulnerability: &'t Vulnerability<'t>,
        each: &mut dyn FnMut(&Claim<'t, '_>),
    ) -> u64 {
        let mut broken = 0;
        let mut remediations: HashMap<&str, Vec<&'t Remediation<'t>>> = HashMap::new();
        for remediation in &vulnerability.remediations {
            for id in &remediation.product_ids {
                let known = remediations.entry(id).or_default();
                match known.len() < REMEDIATIONS_LIMIT {
                    true => known.push(remediation),
                    false => broken += 1,
                }
            }
        }
        let severities = severities(&vulnerability.threats);
        let overall = severities.get("").copied().unwrap_or_default();
        let status = &vulnerability.product_status;
        let lists = [
            (Listed::Fixed, &status.fixed),
            (Listed::Fixed, &status.first_fixed),
            (Listed::Fixed, &status.recommended),
            (Listed::Affected, &status.known_affected),
            // Of an affected release the first version, and the last (CSAF 2.0, 3.2.3.9).
            (Listed::Affected, &status.first_affected),
            (Listed::Affected, &status.last_affected),
            (Listed::NotAffected, &status.known_not_affected),
            (Listed::UnderInvestigation, &status.under_investigation),
        ];
        for (listed, id) in lists.iter().flat_map(|(l, ids)| ids.iter().map(move |id| (*l, id))) {
            let parts = self.parts(id);
            if parts.is_empty() {
                broken += 1;
                continue;
            }
            let remediations = remediations.get(&**id).map_or(&[][..], Vec::as_slice);
            let severity = severities.get(&**id).copied().unwrap_or(overall);
            each(&Claim { listed, parts, remediations, severity });
        }
        broken
    }
}

/// The publisher's rating by product id; that of all products under the empty id.
fn severities<'t>(threats: &'t [Threat<'_>]) -> HashMap<&'t str, Severity> {
    let mut severities = HashMap::new();
    for threat in threats.iter().filter(|threat| &*threat.category == "impact") {
        let severity = Severity::from_publisher(&threat.details);
        if threat.product_ids.is_empty() {
            severities.insert("", severity);
        }
        severities.extend(threat.product_ids.iter().map(|id| (&**id, severity)));
    }
    severities
}
