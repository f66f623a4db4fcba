//! CSAF 2.0 (docs.oasis-open.org/csaf), the JSON advisory format of Red Hat, SUSE, openEuler and
//! others, in both profiles: one document a notice, or (VEX) one document a vulnerability.
//!
//! A product tree lists platforms and components; relationships make products of them ("this
//! component of that platform"), perhaps in several steps (package in module in repository); every
//! vulnerability then sorts products by status. The reader resolves all that into [`Claim`]s; what
//! a platform's or component's name means is the publisher's own file's matter.

use std::collections::HashMap;

use model::{Cvss, Details, Severity};
use serde::Deserialize;

use crate::FeedError;
use crate::text::Text;

/// How many remediations are kept of one product; Red Hat gives up to three.
const REMEDIATIONS_LIMIT: usize = 16;
/// How many steps of relationships lead from a product to its parts; Red Hat uses two.
const RELATION_STEPS: usize = 8;

/// A document.
#[derive(Debug, Deserialize)]
pub(crate) struct Csaf<'a> {
    #[serde(borrow)]
    pub(crate) document: Header<'a>,
    #[serde(borrow, default)]
    product_tree: Tree<'a>,
    #[serde(borrow, default)]
    pub(crate) vulnerabilities: Vec<Vulnerability<'a>>,
}

/// What the document says about itself.
#[derive(Debug, Deserialize)]
pub(crate) struct Header<'a> {
    #[serde(borrow, default)]
    pub(crate) title: Text<'a>,
    #[serde(borrow, default)]
    publisher: Publisher<'a>,
    #[serde(borrow, default)]
    pub(crate) tracking: Tracking<'a>,
    #[serde(borrow, default)]
    aggregate_severity: Option<AggregateSeverity<'a>>,
    #[serde(borrow, default)]
    references: Vec<Reference<'a>>,
}

#[derive(Debug, Default, Deserialize)]
struct Publisher<'a> {
    #[serde(borrow, default)]
    namespace: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Tracking<'a> {
    #[serde(borrow, default)]
    pub(crate) id: Text<'a>,
    #[serde(borrow, default)]
    initial_release_date: Text<'a>,
    #[serde(borrow, default)]
    current_release_date: Text<'a>,
}

#[derive(Debug, Deserialize)]
struct AggregateSeverity<'a> {
    #[serde(borrow, default)]
    text: Text<'a>,
}

#[derive(Debug, Deserialize)]
struct Reference<'a> {
    #[serde(borrow, default)]
    url: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
struct Tree<'a> {
    #[serde(borrow, default)]
    branches: Vec<Branch<'a>>,
    #[serde(borrow, default)]
    full_product_names: Vec<ProductName<'a>>,
    #[serde(borrow, default)]
    relationships: Vec<Relationship<'a>>,
}

/// Nested as deep as `serde_json` allows (128).
#[derive(Debug, Deserialize)]
struct Branch<'a> {
    #[serde(borrow, default)]
    category: Text<'a>,
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    product: Option<ProductName<'a>>,
    #[serde(borrow, default)]
    branches: Vec<Self>,
}

#[derive(Debug, Deserialize)]
struct ProductName<'a> {
    #[serde(borrow)]
    product_id: Text<'a>,
    #[serde(borrow, default)]
    product_identification_helper: Option<Helper<'a>>,
}

#[derive(Debug, Deserialize)]
struct Helper<'a> {
    #[serde(borrow, default)]
    cpe: Text<'a>,
    #[serde(borrow, default)]
    purl: Text<'a>,
}

#[derive(Debug, Deserialize)]
struct Relationship<'a> {
    #[serde(borrow)]
    product_reference: Text<'a>,
    #[serde(borrow)]
    relates_to_product_reference: Text<'a>,
    #[serde(borrow)]
    full_product_name: ProductName<'a>,
}

/// One vulnerability and what holds of which product.
#[derive(Debug, Deserialize)]
pub(crate) struct Vulnerability<'a> {
    #[serde(borrow, default)]
    pub(crate) cve: Text<'a>,
    #[serde(borrow, default)]
    title: Text<'a>,
    #[serde(borrow, default)]
    notes: Vec<Note<'a>>,
    #[serde(borrow, default)]
    cwe: Option<Cwe<'a>>,
    #[serde(borrow, default)]
    references: Vec<Reference<'a>>,
    #[serde(borrow, default)]
    release_date: Text<'a>,
    #[serde(borrow, default)]
    product_status: ProductStatus<'a>,
    #[serde(borrow, default)]
    remediations: Vec<Remediation<'a>>,
    #[serde(borrow, default)]
    scores: Vec<Scores<'a>>,
    #[serde(borrow, default)]
    threats: Vec<Threat<'a>>,
}

#[derive(Debug, Deserialize)]
struct Note<'a> {
    #[serde(borrow, default)]
    category: Text<'a>,
    #[serde(borrow, default)]
    text: Text<'a>,
}

#[derive(Debug, Deserialize)]
struct Cwe<'a> {
    #[serde(borrow, default)]
    id: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
struct ProductStatus<'a> {
    #[serde(borrow, default)]
    fixed: Vec<Text<'a>>,
    #[serde(borrow, default)]
    first_fixed: Vec<Text<'a>>,
    /// SUSE's word for the fixed build.
    #[serde(borrow, default)]
    recommended: Vec<Text<'a>>,
    #[serde(borrow, default)]
    known_affected: Vec<Text<'a>>,
    #[serde(borrow, default)]
    known_not_affected: Vec<Text<'a>>,
    #[serde(borrow, default)]
    under_investigation: Vec<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Remediation<'a> {
    #[serde(borrow, default)]
    pub(crate) category: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) details: Text<'a>,
    #[serde(borrow, default)]
    pub(crate) url: Text<'a>,
    #[serde(borrow, default)]
    product_ids: Vec<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct Scores<'a> {
    #[serde(borrow, default)]
    cvss_v2: Option<Score<'a>>,
    #[serde(borrow, default)]
    cvss_v3: Option<Score<'a>>,
    #[serde(borrow, default)]
    cvss_v4: Option<Score<'a>>,
}

#[derive(Debug, Deserialize)]
struct Score<'a> {
    #[serde(borrow, default, rename = "vectorString")]
    vector: Text<'a>,
    #[serde(default, rename = "baseScore")]
    base: f64,
    #[serde(borrow, default)]
    version: Text<'a>,
}

#[derive(Debug, Deserialize)]
struct Threat<'a> {
    #[serde(borrow, default)]
    category: Text<'a>,
    #[serde(borrow, default)]
    details: Text<'a>,
    #[serde(borrow, default)]
    product_ids: Vec<Text<'a>>,
}

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

/// The document's own header, without reading what lies behind it; None if there is none.
pub(crate) fn header(bytes: &[u8]) -> Option<Header<'_>> {
    let at = memchr::memmem::find(bytes, b"\"document\"")?;
    let rest = bytes.get(at + b"\"document\"".len()..)?.trim_ascii_start().strip_prefix(b":")?;
    serde_json::Deserializer::from_slice(rest).into_iter().next()?.ok()
}

impl Header<'_> {
    /// Whether the publisher's namespace is below this site: `redhat.com`.
    pub(crate) fn is_from(&self, site: &str) -> bool {
        let host = self.publisher.namespace.split('/').nth(2).unwrap_or("");
        host.strip_suffix(site).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// When the document was last changed (RFC 3339, UTC).
    pub(crate) fn modified(&self) -> Option<String> {
        utc(&self.tracking.current_release_date)
    }
}

impl<'a> Csaf<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, FeedError> {
        Ok(serde_json::from_slice(bytes)?)
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
        let released = utc(&vulnerability.release_date);
        Details {
            id: vulnerability.cve.to_string(),
            title: title.to_owned(),
            description: note("description").or_else(|| note("general")).unwrap_or_default(),
            severity,
            cvss: cvss(&vulnerability.scores, source),
            cwes: vulnerability.cwe.iter().map(|cwe| cwe.id.to_string()).collect(),
            references,
            published: released.or_else(|| utc(&self.document.tracking.initial_release_date)),
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

/// A time with any offset, in UTC; None if it is none.
pub(crate) fn utc(time: &str) -> Option<String> {
    time.parse::<jiff::Timestamp>().ok().map(|time| time.to_string())
}
