//! CSAF 2.0 and 2.1 (OASIS), the profiles that state the status of products: VEX, and advisories
//! alike.
//!
//! Products stand in a tree and have identifiers; a component within a product is a product of its
//! own by way of a relationship, which may be part of another. A branch says which versions are meant
//! where an identifier does not. What nothing identifies keeps its place without a name, so that
//! somebody can say of it that it matches nothing. A draft silences nothing, and neither does a product of
//! the VEX profile that is not affected for no reason.

use std::collections::{BTreeMap, HashMap};

use model::{Purl, VexProduct, VexStatement, VexStatus};
use serde::Deserialize;

use super::{NAMES_MAX, Said, narrowed, silences, statement, without_groundless};

/// Relationships of relationships of more than this are nobody's: Red Hat has two (a package of a
/// module of a repository).
const DEPTH_MAX: usize = 4;

#[derive(Deserialize)]
struct Document {
    document: Head,
    #[serde(default)]
    product_tree: ProductTree,
    #[serde(default)]
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    category: String,
    #[serde(default)]
    publisher: Publisher,
    #[serde(default)]
    tracking: Tracking,
}

#[derive(Default, Deserialize)]
struct Publisher {
    #[serde(default)]
    name: String,
}

#[derive(Default, Deserialize)]
struct Tracking {
    #[serde(default)]
    current_release_date: String,
    #[serde(default)]
    status: String,
}

#[derive(Default, Deserialize)]
struct ProductTree {
    #[serde(default)]
    branches: Vec<Branch>,
    #[serde(default)]
    full_product_names: Vec<Product>,
    #[serde(default)]
    relationships: Vec<Relationship>,
    #[serde(default)]
    product_groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(default)]
    category: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    branches: Vec<Self>,
    product: Option<Product>,
}

#[derive(Deserialize)]
struct Product {
    product_id: String,
    #[serde(default)]
    product_identification_helper: Helper,
}

#[derive(Default, Deserialize)]
struct Helper {
    purl: Option<String>,
    #[serde(default)]
    purls: Vec<String>,
    cpe: Option<String>,
    #[serde(default)]
    hashes: Vec<Hashes>,
}

#[derive(Deserialize)]
struct Hashes {
    #[serde(default)]
    file_hashes: Vec<Hash>,
}

#[derive(Deserialize)]
struct Hash {
    algorithm: String,
    value: String,
}

#[derive(Deserialize)]
struct Relationship {
    full_product_name: Product,
    product_reference: String,
    relates_to_product_reference: String,
}

#[derive(Deserialize)]
struct Group {
    group_id: String,
    #[serde(default)]
    product_ids: Vec<String>,
}

#[derive(Deserialize)]
struct Vulnerability {
    cve: Option<String>,
    #[serde(default)]
    ids: Vec<Id>,
    #[serde(default)]
    product_status: HashMap<String, Vec<String>>,
    #[serde(default)]
    flags: Vec<Flag>,
    #[serde(default)]
    threats: Vec<Threat>,
}

#[derive(Deserialize)]
struct Id {
    text: String,
}

#[derive(Deserialize)]
struct Flag {
    label: String,
    #[serde(default)]
    product_ids: Vec<String>,
    #[serde(default)]
    group_ids: Vec<String>,
}

#[derive(Deserialize)]
struct Threat {
    category: String,
    #[serde(default)]
    details: String,
    #[serde(default)]
    product_ids: Vec<String>,
    #[serde(default)]
    group_ids: Vec<String>,
}

/// The lists of `product_status` and what they mean. `recommended` says nothing of exposure.
const STATUSES: [(&str, VexStatus); 7] = [
    ("first_affected", VexStatus::Affected),
    ("first_fixed", VexStatus::Fixed),
    ("fixed", VexStatus::Fixed),
    ("known_affected", VexStatus::Affected),
    ("known_not_affected", VexStatus::NotAffected),
    ("last_affected", VexStatus::Affected),
    ("under_investigation", VexStatus::UnderInvestigation),
];

pub(super) fn read(bytes: &[u8]) -> serde_json::Result<Said> {
    let Document { document, product_tree, vulnerabilities } = serde_json::from_slice(bytes)?;
    let groups: HashMap<&str, &[String]> = (product_tree.product_groups.iter())
        .map(|group| (group.group_id.as_str(), group.product_ids.as_slice()))
        .collect();
    let products = products(&product_tree);
    let mut statements: Vec<VexStatement> = Vec::new();
    let mut names = 0;
    for vulnerability in &vulnerabilities {
        statements.extend(vulnerability.read(&products, &groups, &mut names));
    }
    for statement in &mut statements {
        statement.timestamp.clone_from(&document.tracking.current_release_date);
        statement.author.clone_from(&document.publisher.name);
    }
    let mut notes = Vec::new();
    // "Profile 5: VEX": whoever is not affected has a flag or a threat of the category `impact` that says
    // why (test 6.1.27.9). Other profiles do not ask for it.
    if document.category == "csaf_vex" {
        let wanted = "a flag or a threat of the category `impact`";
        notes.extend(without_groundless(&mut statements, wanted));
    }
    // "Document Property - Tracking - Status": for the issuing party's own use, or to ask what others
    // think of it.
    if document.tracking.status == "draft" {
        let count = statements.len();
        statements.retain(|statement| !silences(statement.status));
        if statements.len() < count {
            notes.push("it is a draft, which silences nothing".to_owned());
        }
    }
    Ok(Said { statements, notes })
}

impl Vulnerability {
    /// One statement for all products of which the same is said. `count` is of the names so far; no more
    /// products are read once there are too many.
    fn read(
        &self,
        products: &HashMap<&str, VexProduct>,
        groups: &HashMap<&str, &[String]>,
        count: &mut usize,
    ) -> Vec<VexStatement> {
        let ids = self.ids.iter().map(|id| id.text.clone());
        let names: Vec<String> = self.cve.clone().into_iter().chain(ids).collect();
        let labels = spread(
            groups,
            self.flags.iter().map(|it| (it.label.as_str(), &it.product_ids, &it.group_ids)),
        );
        let impacts = self.threats.iter().filter(|threat| threat.category == "impact");
        let details =
            spread(groups, impacts.map(|it| (it.details.as_str(), &it.product_ids, &it.group_ids)));
        let mut said: BTreeMap<(VexStatus, &str, &str), Vec<VexProduct>> = BTreeMap::new();
        for (list, status) in STATUSES {
            for id in self.product_status.get(list).into_iter().flatten() {
                let Some(product) = products.get(id.as_str()) else { continue };
                if *count > NAMES_MAX {
                    break;
                }
                let levels = std::iter::once(&product.names).chain(&product.within);
                *count += levels.chain(&product.parts).map(Vec::len).sum::<usize>().max(1);
                let label = labels.get(id.as_str()).copied().unwrap_or_default();
                let detail = details.get(id.as_str()).copied().unwrap_or_default();
                said.entry((status, label, detail)).or_default().push(product.clone());
            }
        }
        let read =
            |((status, label, detail), products): ((VexStatus, &str, &str), _)| VexStatement {
                justification: label.to_owned(),
                statement: detail.to_owned(),
                products,
                ..statement(names.clone(), status)
            };
        said.into_iter().map(read).collect()
    }
}

/// What is said of products and groups of them, by product.
fn spread<'a>(
    groups: &HashMap<&'a str, &'a [String]>,
    said: impl Iterator<Item = (&'a str, &'a Vec<String>, &'a Vec<String>)>,
) -> HashMap<&'a str, &'a str> {
    let mut by_product = HashMap::new();
    for (text, products, named) in said {
        let grouped =
            named.iter().filter_map(|group| groups.get(group.as_str())).copied().flatten();
        for product in products.iter().chain(grouped) {
            by_product.insert(product.as_str(), text);
        }
    }
    by_product
}

/// Every product by its name in the document.
fn products(tree: &ProductTree) -> HashMap<&str, VexProduct> {
    let mut plain: HashMap<&str, Vec<String>> = HashMap::new();
    for product in &tree.full_product_names {
        plain.insert(&product.product_id, product.product_identification_helper.names());
    }
    let mut open: Vec<(&Branch, Option<Versions<'_>>)> =
        tree.branches.iter().map(|branch| (branch, None)).collect();
    while let Some((branch, around)) = open.pop() {
        let versions = Versions::of(branch).or(around);
        if let Some(product) = &branch.product {
            let names = product.product_identification_helper.names();
            let names = names.into_iter().filter_map(|name| match versions {
                Some(versions) => versions.narrow(name),
                None => Some(name),
            });
            plain.insert(&product.product_id, names.collect());
        }
        open.extend(branch.branches.iter().map(|it| (it, versions)));
    }
    let links = (tree.relationships.iter())
        .map(|it| (it.full_product_name.product_id.as_str(), it))
        .collect::<HashMap<_, _>>();
    let mut room = NAMES_MAX;
    let related = tree.relationships.iter().map(|it| {
        let id = it.full_product_name.product_id.as_str();
        let mut chain = chain(id, &plain, &links, 0);
        room = room.saturating_sub(chain.iter().map(|names| names.len()).sum());
        if room == 0 {
            chain.fill(&[]);
        }
        // The last is the part; the whole comes first. Without a name it is some product, and not any.
        let part = chain.pop().unwrap_or_default().to_vec();
        let mut around = chain.into_iter().map(<[String]>::to_vec);
        let names = around.next().unwrap_or_default();
        (id, VexProduct { names, within: around.collect(), parts: vec![part] })
    });
    let related: Vec<(&str, VexProduct)> = related.collect();
    let whole = |names| VexProduct { names, ..VexProduct::default() };
    let mut all: HashMap<&str, VexProduct> =
        plain.into_iter().map(|(id, names)| (id, whole(names))).collect();
    all.extend(related);
    all
}

/// The names of a product and of what is around it, the outermost first.
fn chain<'a>(
    id: &str,
    plain: &'a HashMap<&str, Vec<String>>,
    links: &HashMap<&str, &'a Relationship>,
    depth: usize,
) -> Vec<&'a [String]> {
    match links.get(id) {
        Some(link) if depth < DEPTH_MAX => {
            let mut all = chain(&link.relates_to_product_reference, plain, links, depth + 1);
            all.extend(chain(&link.product_reference, plain, links, depth + 1));
            all
        }
        // Nobody knows how far it goes on, or what is meant.
        Some(_) => vec![&[]],
        None => vec![plain.get(id).map(Vec::as_slice).unwrap_or_default()],
    }
}

/// Which versions a branch says that it holds ("Branches Type - Category").
#[derive(Clone, Copy)]
enum Versions<'a> {
    One(&'a str),
    Range(&'a str),
}

impl<'a> Versions<'a> {
    fn of(branch: &'a Branch) -> Option<Self> {
        match branch.category.as_str() {
            "product_version" => Some(Self::One(&branch.name)),
            "product_version_range" => Some(Self::Range(&branch.name)),
            _ => None,
        }
    }

    /// The name of a product of these versions alone; None if it cannot be narrowed so: a CPE is
    /// compared with releases of distributions, which are no ranges.
    fn narrow(self, name: String) -> Option<String> {
        let purl = name.parse::<Purl>().ok();
        match (self, purl) {
            (Self::Range(_), None) if name.starts_with("cpe:") => None,
            (Self::Range(range), Some(purl)) => Some(narrowed(purl, range)),
            // An identifier that has a version needs no other. Red Hat calls a component without one
            // its own version.
            (Self::One(version), Some(purl))
                if purl.version.is_empty()
                    && !version.to_lowercase().contains(&purl.name.to_lowercase()) =>
            {
                let range = super::exactly(&purl.kind, version);
                Some(narrowed(purl, &range))
            }
            _ => Some(name),
        }
    }
}

impl Helper {
    fn names(&self) -> Vec<String> {
        let hashes = self.hashes.iter().flat_map(|it| &it.file_hashes);
        let hashes =
            hashes.map(|hash| format!("{}:{}", hash.algorithm.replace('-', ""), hash.value));
        self.purl.iter().chain(&self.purls).chain(&self.cpe).cloned().chain(hashes).collect()
    }
}
