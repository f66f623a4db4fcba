//! A CSAF document as JSON: the parts of it that are kept, in the words of the standard.
//!
//! Texts borrow from the document. Parts that are left out read as empty; publishers leave out
//! more than the standard allows.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};

use crate::text::Text;
use crate::time;

/// A document.
#[derive(Debug, Deserialize)]
pub(crate) struct Csaf<'a> {
    #[serde(borrow)]
    pub(crate) document: Header<'a>,
    #[serde(borrow, default)]
    pub(super) product_tree: Tree<'a>,
    #[serde(borrow, default, deserialize_with = "vulnerabilities")]
    pub(crate) vulnerabilities: Vec<Vulnerability<'a>>,
}

/// The most that one document is about; notices on kernels list some hundred. One that says nothing of
/// itself has 3 bytes, and takes 350 once it is read.
const VULNERABILITIES_MAX: usize = 1 << 16;

fn vulnerabilities<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Vulnerability<'a>>, D::Error> {
    struct Few<'a>(PhantomData<Vulnerability<'a>>);

    impl<'de: 'a, 'a> Visitor<'de> for Few<'a> {
        type Value = Vec<Vulnerability<'a>>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a list of vulnerabilities")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(one) = list.next_element()? {
                if all.len() == VULNERABILITIES_MAX {
                    let message = format!(
                        "a document is about more than {VULNERABILITIES_MAX} vulnerabilities"
                    );
                    return Err(A::Error::custom(message));
                }
                all.push(one);
            }
            Ok(all)
        }
    }

    deserializer.deserialize_seq(Few(PhantomData))
}

/// What the document says about itself.
#[derive(Debug, Deserialize)]
pub(crate) struct Header<'a> {
    #[serde(borrow, default)]
    pub(crate) title: Text<'a>,
    #[serde(borrow, default)]
    pub(super) publisher: Publisher<'a>,
    #[serde(borrow, default)]
    pub(crate) tracking: Tracking<'a>,
    #[serde(borrow, default)]
    pub(super) aggregate_severity: Option<AggregateSeverity<'a>>,
    #[serde(borrow, default)]
    pub(super) references: Vec<Reference<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Publisher<'a> {
    #[serde(borrow, default)]
    pub(super) namespace: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Tracking<'a> {
    #[serde(borrow, default)]
    pub(crate) id: Text<'a>,
    #[serde(borrow, default)]
    pub(super) initial_release_date: Text<'a>,
    #[serde(borrow, default)]
    pub(super) current_release_date: Text<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct AggregateSeverity<'a> {
    #[serde(borrow, default)]
    pub(super) text: Text<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Reference<'a> {
    #[serde(borrow, default)]
    pub(super) url: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Tree<'a> {
    #[serde(borrow, default)]
    pub(super) branches: Vec<Branch<'a>>,
    #[serde(borrow, default)]
    pub(super) full_product_names: Vec<ProductName<'a>>,
    #[serde(borrow, default)]
    pub(super) relationships: Vec<Relationship<'a>>,
}

/// Nested as deep as `serde_json` allows (128).
#[derive(Debug, Deserialize)]
pub(super) struct Branch<'a> {
    #[serde(borrow, default)]
    pub(super) category: Text<'a>,
    #[serde(borrow, default)]
    pub(super) name: Text<'a>,
    #[serde(borrow, default)]
    pub(super) product: Option<Box<ProductName<'a>>>,
    #[serde(borrow, default)]
    pub(super) branches: Vec<Self>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ProductName<'a> {
    #[serde(borrow)]
    pub(super) product_id: Text<'a>,
    #[serde(borrow, default)]
    pub(super) product_identification_helper: Option<Helper<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Helper<'a> {
    #[serde(borrow, default)]
    pub(super) cpe: Text<'a>,
    #[serde(borrow, default)]
    pub(super) purl: Text<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Relationship<'a> {
    #[serde(borrow)]
    pub(super) product_reference: Text<'a>,
    #[serde(borrow)]
    pub(super) relates_to_product_reference: Text<'a>,
    #[serde(borrow)]
    pub(super) full_product_name: ProductName<'a>,
}

/// One vulnerability and what holds of which product.
#[derive(Debug, Deserialize)]
pub(crate) struct Vulnerability<'a> {
    #[serde(borrow, default)]
    pub(crate) cve: Text<'a>,
    #[serde(borrow, default)]
    pub(super) title: Text<'a>,
    #[serde(borrow, default)]
    pub(super) notes: Vec<Note<'a>>,
    #[serde(borrow, default)]
    pub(super) cwe: Option<Cwe<'a>>,
    #[serde(borrow, default)]
    pub(super) references: Vec<Reference<'a>>,
    #[serde(borrow, default)]
    pub(super) release_date: Text<'a>,
    #[serde(borrow, default)]
    pub(super) product_status: ProductStatus<'a>,
    #[serde(borrow, default)]
    pub(super) remediations: Vec<Remediation<'a>>,
    #[serde(borrow, default)]
    pub(super) scores: Vec<Scores<'a>>,
    #[serde(borrow, default)]
    pub(super) threats: Vec<Threat<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Note<'a> {
    #[serde(borrow, default)]
    pub(super) category: Text<'a>,
    #[serde(borrow, default)]
    pub(super) text: Text<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Cwe<'a> {
    #[serde(borrow, default)]
    pub(super) id: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ProductStatus<'a> {
    #[serde(borrow, default)]
    pub(super) fixed: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) first_fixed: Vec<Text<'a>>,
    /// SUSE's word for the fixed build.
    #[serde(borrow, default)]
    pub(super) recommended: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) known_affected: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) first_affected: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) last_affected: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) known_not_affected: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) under_investigation: Vec<Text<'a>>,
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
    pub(super) product_ids: Vec<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Scores<'a> {
    #[serde(borrow, default)]
    pub(super) cvss_v2: Option<Score<'a>>,
    #[serde(borrow, default)]
    pub(super) cvss_v3: Option<Score<'a>>,
    #[serde(borrow, default)]
    pub(super) cvss_v4: Option<Score<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Score<'a> {
    #[serde(borrow, default, rename = "vectorString")]
    pub(super) vector: Text<'a>,
    #[serde(default, rename = "baseScore")]
    pub(super) base: f64,
    #[serde(borrow, default)]
    pub(super) version: Text<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Threat<'a> {
    #[serde(borrow, default)]
    pub(super) category: Text<'a>,
    #[serde(borrow, default)]
    pub(super) details: Text<'a>,
    #[serde(borrow, default)]
    pub(super) product_ids: Vec<Text<'a>>,
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
        time::utc(&self.tracking.current_release_date)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vulnerabilities_are_bounded() {
        let document = |count: usize| {
            let list = vec!["{}"; count].join(",");
            format!(r#"{{"document": {{}}, "vulnerabilities": [{list}]}}"#)
        };
        let most = document(VULNERABILITIES_MAX);
        let read = Csaf::parse(most.as_bytes()).unwrap();
        assert_eq!(read.vulnerabilities.len(), VULNERABILITIES_MAX);
        let more = document(VULNERABILITIES_MAX + 1);
        let error = Csaf::parse(more.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("more than 65536 vulnerabilities"), "{error}");
    }
}
