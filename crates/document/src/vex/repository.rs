//! The index of a VEX repository: which documents it holds, where, and which package each speaks for.
//!
//! In a repository everybody publishes for his own packages (aquasecurity/vex-repo-spec, 3.3): of
//! others a document there says nothing.

use std::collections::{BTreeMap, BTreeSet};

use model::{Purl, VexStatement};
use serde::Deserialize;

#[derive(Deserialize)]
struct Index {
    packages: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    id: String,
    location: String,
}

/// A document that an index lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Relative to the index.
    pub location: String,
    /// The package URLs for which it is listed.
    ids: BTreeSet<String>,
}

/// The documents that an `index.json` lists, by their place; None if it is no index. What would lead
/// out of the repository is left out.
pub fn listed(bytes: &[u8]) -> Option<Vec<Listed>> {
    let index: Index = serde_json::from_slice(bytes).ok()?;
    let is_inside = |location: &String| {
        let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
        location.split('/').all(is_plain) && !location.contains('\\')
    };
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for Entry { id, location } in index.packages.into_iter().filter(|it| is_inside(&it.location)) {
        all.entry(location).or_default().insert(id);
    }
    let all = all.into_iter().map(|(location, ids)| Listed { location, ids });
    Some(all.collect())
}

impl Listed {
    /// Takes from statements all products but the packages that the document is listed for, and says
    /// how many those were. Parts of such a package are its own business.
    pub fn keep_own(&self, statements: &mut Vec<VexStatement>) -> usize {
        let ids: Vec<Purl> = self.ids.iter().filter_map(|id| id.parse().ok()).collect();
        let is_own = |name: &String| {
            let purl = name.parse::<Purl>();
            purl.is_ok_and(|purl| ids.iter().any(|id| is_listed(id, &purl)))
        };
        let mut others = 0;
        for statement in statements.iter_mut() {
            let count = statement.products.len();
            // Other names of the same thing are the author's word only.
            statement.products.iter_mut().for_each(|product| product.names.retain(is_own));
            statement.products.retain(|product| !product.names.is_empty());
            others += count - statement.products.len();
        }
        statements.retain(|statement| !statement.products.is_empty());
        others
    }
}

/// Whether a package is the listed one. Versions and qualifiers stand in the document; those that the
/// index gives all the same (of images, whose names alone say little: where they are) count.
fn is_listed(id: &Purl, purl: &Purl) -> bool {
    id.is_same_package(purl)
        && id.qualifiers.iter().all(|(key, value)| purl.qualifier(key) == value)
}

#[cfg(test)]
mod tests {
    use model::{VexProduct, VexStatus};

    use super::*;

    fn index(id: &str, location: &str) -> Option<Vec<Listed>> {
        let packages = format!(r#"{{"packages": [{{"id": "{id}", "location": "{location}"}}]}}"#);
        listed(packages.as_bytes())
    }

    #[test]
    fn nothing_leads_out() {
        let found = index("pkg:npm/a", "pkg/npm/a/vex.json").unwrap();
        assert_eq!(found.first().unwrap().location, "pkg/npm/a/vex.json");
        for outside in ["../a", "/etc/passwd", "a/../../b", "a//b", "", "."] {
            assert_eq!(index("pkg:npm/a", outside), Some(Vec::new()), "{outside}");
        }
        assert_eq!(listed(b"{}"), None);
    }

    #[test]
    fn a_document_speaks_for_the_package_that_it_is_listed_for() {
        for (id, name, is_own) in [
            ("pkg:npm/leftpad", "pkg:npm/leftpad@1.0.0?arch=x", true),
            ("pkg:pypi/Py.YAML", "pkg:pypi/py-yaml@5.3", true),
            ("pkg:npm/leftpad", "pkg:pypi/pyyaml", false),
            ("pkg:npm/leftpad", "pkg:npm/%40other/leftpad", false),
            ("pkg:npm/leftpad", "leftpad", false),
            ("pkg:npm/leftpad", "sha256:11", false),
            ("leftpad", "leftpad", false),
            ("", "pkg:npm/leftpad", false),
            ("pkg:oci/a?repository_url=x.example/a", "pkg:oci/a?repository_url=x.example/a", true),
            ("pkg:oci/a?repository_url=x.example/a", "pkg:oci/a", false),
        ] {
            let parts = vec![vec!["pkg:npm/part".to_owned()]];
            let names = vec!["pkg:pypi/elsewhere".to_owned(), name.to_owned()];
            let product = VexProduct { names, parts, ..VexProduct::default() };
            let mut statements = vec![VexStatement {
                products: vec![product],
                ..crate::vex::statement(vec!["X".to_owned()], VexStatus::NotAffected)
            }];
            let others = index(id, "a").unwrap().first().unwrap().keep_own(&mut statements);
            assert_eq!(others, usize::from(!is_own), "{id} {name}");
            let kept = statements.first().map(|it| it.products.first().unwrap().names.clone());
            assert_eq!(kept, is_own.then(|| vec![name.to_owned()]), "{id} {name}");
        }
    }
}
