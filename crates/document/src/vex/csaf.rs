//! CSAF 2.0 and 2.1 (OASIS), the profiles that state the status of products: VEX, and advisories
//! alike.
//!
//! Products stand in a tree and have identifiers; a component within a product is a product of its
//! own by way of a relationship. What nothing identifies keeps its place without a name, so that
//! somebody can say of it that it matches nothing.

use std::collections::{BTreeMap, HashMap};

use model::{VexProduct, VexStatement, VexStatus};
use serde::Deserialize;

use super::statement;

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

pub(super) fn read(bytes: &[u8]) -> serde_json::Result<Vec<VexStatement>> {
    let Document { document, product_tree, vulnerabilities } = serde_json::from_slice(bytes)?;
    let groups: HashMap<&str, &[String]> = (product_tree.product_groups.iter())
        .map(|group| (group.group_id.as_str(), group.product_ids.as_slice()))
        .collect();
    let products = products(&product_tree);
    let mut statements: Vec<VexStatement> =
        vulnerabilities.iter().flat_map(|it| it.read(&products, &groups)).collect();
    for statement in &mut statements {
        statement.timestamp.clone_from(&document.tracking.current_release_date);
        statement.author.clone_from(&document.publisher.name);
    }
    Ok(statements)
}

impl Vulnerability {
    /// One statement for all products of which the same is said.
    fn read(
        &self,
        products: &HashMap<&str, VexProduct>,
        groups: &HashMap<&str, &[String]>,
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
    let mut all: HashMap<&str, VexProduct> = HashMap::new();
    let mut open: Vec<&Branch> = tree.branches.iter().collect();
    let mut plain: Vec<&Product> = tree.full_product_names.iter().collect();
    while let Some(branch) = open.pop() {
        plain.extend(&branch.product);
        open.extend(&branch.branches);
    }
    for product in plain {
        let names = product.product_identification_helper.names();
        all.insert(&product.product_id, VexProduct { names, parts: Vec::new() });
    }
    for relationship in &tree.relationships {
        let Relationship { full_product_name, product_reference, relates_to_product_reference } =
            relationship;
        let names = |id: &str| all.get(id).map(|it| it.names.clone()).unwrap_or_default();
        // The whole without a name that is known here is some product, and not any: no match.
        let whole = names(relates_to_product_reference);
        let product = VexProduct { names: whole, parts: vec![names(product_reference)] };
        all.insert(&full_product_name.product_id, product);
    }
    all
}

impl Helper {
    fn names(&self) -> Vec<String> {
        let hashes = self.hashes.iter().flat_map(|it| &it.file_hashes);
        let hashes =
            hashes.map(|hash| format!("{}:{}", hash.algorithm.replace('-', ""), hash.value));
        self.purl.iter().chain(&self.purls).chain(&self.cpe).cloned().chain(hashes).collect()
    }
}
