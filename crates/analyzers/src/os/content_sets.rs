//! Which Red Hat repositories an image was built from.
//!
//! Red Hat's builds leave a JSON document in each layer: `content_sets` names repositories
//! (`rhel-9-for-x86_64-baseos-rpms`), and the `labels.json` of newer builds gives the product's
//! `cpe`. Advisories that apply to one repository alone need them.

use model::ProblemKind;
use serde::Deserialize;

use crate::{Analyzer, File, FileFacts, Select};

/// The analyzer `content-sets`.
pub(crate) struct ContentSets;

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    content_sets: Vec<String>,
    #[serde(default)]
    cpe: Option<String>,
}

impl Analyzer for ContentSets {
    fn name(&self) -> &'static str {
        "content-sets"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::In { directory: "root/buildinfo/content_manifests", suffix: ".json" },
                // Where `root` itself is a link, as in images of bootable systems.
                Select::In {
                    directory: "var/roothome/buildinfo/content_manifests",
                    suffix: ".json",
                },
                Select::In { directory: "usr/share/buildinfo", suffix: ".json" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        16 << 20
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        match serde_json::from_slice::<Manifest>(file.bytes) {
            Ok(manifest) => {
                manifest.content_sets.iter().for_each(|name| facts.repository(name));
                manifest.cpe.iter().for_each(|cpe| facts.repository(cpe));
            }
            Err(error) => {
                facts.problem(ProblemKind::Damaged, format!("is not a content manifest: {error}"));
            }
        }
    }
}
