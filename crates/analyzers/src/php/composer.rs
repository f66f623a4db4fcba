//! A package as Composer writes it, into its lock file and into the list of what it installed
//! (getcomposer.org, "The composer.json schema").

use std::collections::BTreeMap;

use model::PackageKind;
use serde::Deserialize;
use serde_json::Value;

use crate::lock::{self, Listing};
use crate::{FileFacts, Installed, integrity};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Package {
    name: String,
    /// As tagged, often with a `v`.
    version: String,
    /// Texts of which one may be chosen; older Composers wrote one text.
    license: Value,
    /// PHP writes an empty object as a list.
    require: Value,
    dist: Option<Dist>,
    /// As the list that it stands in says.
    #[serde(skip)]
    development: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Dist {
    #[serde(rename = "type")]
    kind: String,
    /// SHA-1; empty where the host makes archives on the fly.
    shasum: Option<String>,
}

impl Package {
    /// The same, of a list for development or not.
    pub(super) fn of(self, development: Option<bool>) -> Self {
        Self { development, ..self }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a folder of the repository.
    pub(super) fn is_local(&self) -> bool {
        self.dist.as_ref().is_some_and(|dist| dist.kind == "path")
    }

    fn license(&self) -> String {
        match &self.license {
            Value::Array(texts) => {
                texts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" OR ")
            }
            text => text.as_str().unwrap_or_default().to_owned(),
        }
    }
}

/// Lists the packages that have a name, made by `new`.
pub(super) fn list(
    packages: &[Package],
    new: fn(PackageKind, &str, &str) -> Installed,
    facts: &mut FileFacts,
) {
    let versions: BTreeMap<String, &str> =
        packages.iter().map(|p| (p.name.to_lowercase(), p.version.as_str())).collect();
    let mut listing = Listing::new(facts);
    for package in packages {
        let name = package.name.to_lowercase();
        let mut installed = new(PackageKind::Composer, &name, &package.version);
        installed.package.development = package.development;
        installed.package.license = package.license();
        let digest = package.dist.as_ref().and_then(|dist| dist.shasum.as_deref());
        let digest = digest.and_then(|digest| integrity::hexadecimal("sha1", digest));
        installed.package.hashes.extend(digest);
        let needed = package.require.as_object().into_iter().flat_map(|object| object.keys());
        // Others are the platform: PHP itself and its extensions.
        let needed = needed.filter(|name| name.contains('/')).map(|name| name.to_lowercase());
        installed.package.dependencies = needed
            .map(|name| lock::dependency(&name, versions.get(&name).copied().unwrap_or_default()))
            .collect();
        listing.add(installed);
    }
}
