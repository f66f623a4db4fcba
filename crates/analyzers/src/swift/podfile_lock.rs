//! CocoaPods' lock file, `Podfile.lock`: YAML.
//!
//! Digests there are those of specifications and not of what was published, so they are left out.

use std::collections::BTreeMap;

use model::{PackageKind, ProblemKind};
use serde::Deserialize;
use serde_json::Value;

use crate::lock::{self, LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `podfile-lock`.
pub(crate) struct PodfileLock;

#[derive(Deserialize)]
struct Lock {
    #[serde(rename = "PODS", default)]
    pods: Vec<Pod>,
    #[serde(rename = "EXTERNAL SOURCES", default)]
    external: BTreeMap<String, Value>,
}

/// `Rope (1.0)`, alone or with what it needs: `Knot (= 2.0)`.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a pod is neither a text nor one with a list")]
enum Pod {
    Alone(String),
    Needing(BTreeMap<String, Vec<String>>),
}

impl Analyzer for PodfileLock {
    fn name(&self) -> &'static str {
        "podfile-lock"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "Podfile.lock" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        for lock in lock::yaml::<Lock>(&file.text(), facts) {
            list(&lock, facts);
        }
    }
}

fn list(lock: &Lock, facts: &mut FileFacts) {
    let pods: Vec<(&str, &[String])> = lock
        .pods
        .iter()
        .flat_map(|pod| match pod {
            Pod::Alone(pod) => vec![(pod.as_str(), [].as_slice())],
            Pod::Needing(pods) => {
                pods.iter().map(|(pod, needed)| (pod.as_str(), needed.as_slice())).collect()
            }
        })
        .collect();
    let versions: BTreeMap<&str, &str> = pods.iter().filter_map(|(pod, _)| named(pod)).collect();
    let odd = pods.iter().filter(|(pod, _)| named(pod).is_none()).count();
    if odd > 0 {
        facts.problem(ProblemKind::Damaged, format!("{odd} pods have no version"));
    }
    let mut listing = Listing::new(facts);
    for (pod, needed) in pods {
        let Some((name, version)) = named(pod) else { continue };
        if is_local(name, lock) {
            continue;
        }
        let mut installed = Installed::declared(PackageKind::Cocoapods, name, version);
        let needed = needed.iter().filter_map(|needed| needed.split(' ').next());
        installed.package.dependencies = needed
            .map(|name| lock::dependency(name, versions.get(name).copied().unwrap_or_default()))
            .collect();
        listing.add(installed);
    }
}

/// Name and version in `Name (1.0)`.
fn named(pod: &str) -> Option<(&str, &str)> {
    let (name, version) = pod.split_once(" (")?;
    Some((name, version.strip_suffix(')')?))
}

/// Whether the pod stands in a folder beside.
fn is_local(name: &str, lock: &Lock) -> bool {
    let pod = name.split('/').next().unwrap_or_default();
    lock.external.get(pod).is_some_and(|source| source.get(":path").is_some())
}
