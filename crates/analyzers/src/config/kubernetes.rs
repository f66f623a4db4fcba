//! The analyzer `kubernetes`: manifests of Kubernetes, in YAML or JSON, object by object.
//!
//! Whatever makes pods is brought to the one form that checks look at (`pod.rs`). Templates of Helm
//! charts are not rendered here, nor are charts in archives opened: of each file that is said. The
//! values of a chart, and other files that are no manifests, may hold objects; those are checked.

mod object;
mod pod;

use std::borrow::Cow;

use memchr::memmem;
use model::ProblemKind;

use super::yaml::{self, Node};
use crate::file::Check;
use crate::{Analyzer, File, FileFacts, Select};

pub(crate) use self::object::{Object, Rule};
pub(crate) use self::pod::{Container, Pod};

/// The analyzer `kubernetes`.
pub(crate) struct Kubernetes;

/// Objects of one file; the largest bundles of operators have some 200.
const OBJECTS_MAX: usize = 2000;

/// The largest file that is read, document by document; the largest bundles of operators have 5 MB.
const MANIFESTS_BYTES_MAX: u64 = 16 << 20;

/// Lists within lists; nothing makes them.
const LISTS_MAX: usize = 4;

/// How deep objects stand in files that are none; playbooks have them in the fifth level.
const DEPTH_MAX: usize = 8;

/// What only a template of Helm says.
const HELM: [&str; 5] = [".Values", ".Release", ".Chart", "include \"", "template \""];

impl Analyzer for Kubernetes {
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    fn version(&self) -> u32 {
        5
    }

    fn check(&self) -> Option<Check> {
        Some(Check::Sources)
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Anywhere { directory: "*", name: "*.yaml" },
                Select::Anywhere { directory: "*", name: "*.yml" },
                Select::Anywhere { directory: "*", name: "*.json" },
                Select::Anywhere { directory: "*", name: "*.YAML" },
                Select::Anywhere { directory: "*", name: "*.YML" },
                Select::Anywhere { directory: "*", name: "*.JSON" },
                Select::Anywhere { directory: "charts", name: "*.tgz" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        // As much as readers hand over: what is no manifest is not parsed, whatever its size.
        1 << 30
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        if file.name().ends_with(".tgz") {
            let message = "a chart in an archive that is not opened, so it is not checked; \
                           hint: scan what `helm template` writes";
            return facts.problem(ProblemKind::Unsupported, message);
        }
        // Most YAML and JSON is something else.
        let is_small = file.bytes.len() as u64 <= MANIFESTS_BYTES_MAX;
        let text = if is_small { yaml::text(file) } else { Cow::Borrowed("") };
        let bytes = if is_small { text.as_bytes() } else { file.bytes };
        let holds = |word: &str| memmem::find(bytes, word.as_bytes()).is_some();
        let is_manifest = holds("apiVersion") && holds("kind");
        let is_helm = || HELM.iter().any(|word| holds(word));
        if is_template(file.path) && holds("{{") && (is_manifest || is_helm()) {
            let message = "a template of a Helm chart that is not rendered, so it is not checked; \
                           hint: scan what `helm template` writes";
            return facts.problem(ProblemKind::Unsupported, message);
        }
        if !is_manifest {
            return;
        }
        let size = file.bytes.len() as u64;
        if size > MANIFESTS_BYTES_MAX {
            let message =
                format!("{size} bytes, more than the {MANIFESTS_BYTES_MAX} that are read");
            return facts.problem(ProblemKind::LimitReached, message);
        }
        let mut left = OBJECTS_MAX;
        let mut is_cut = false;
        yaml::each_document(&text, facts, |document, facts| {
            let mut objects = Vec::new();
            match is_object(&document) {
                true => gather(&document, LISTS_MAX, &mut objects),
                false => gather_within(&document, DEPTH_MAX, &mut objects),
            }
            is_cut |= objects.len() > left;
            objects.truncate(left);
            left = left.saturating_sub(objects.len());
            for node in objects {
                object::things(node).into_iter().for_each(|thing| facts.thing(thing));
            }
        });
        if is_cut {
            let message = format!("more than {OBJECTS_MAX} objects; the rest is not checked");
            facts.problem(ProblemKind::LimitReached, message);
        }
    }
}

/// Whether the file stands where charts keep their templates.
fn is_template(path: &str) -> bool {
    path.split('/').any(|part| part == "templates")
}

fn is_object(node: &Node) -> bool {
    !node.get("kind").text().is_empty() && !node.get("apiVersion").text().is_empty()
}

/// Every object of a document that is none. What has no `metadata` only names one.
fn gather_within<'n>(node: &'n Node, depth: usize, objects: &mut Vec<&'n Node>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    if is_object(node) && !node.get("metadata").entries().is_empty() {
        return gather(node, LISTS_MAX, objects);
    }
    let inner = node.items().iter().chain(node.entries().iter().map(|(_, inner)| inner));
    inner.for_each(|inner| gather_within(inner, depth, objects));
}

/// Every object, those in lists included.
fn gather<'n>(node: &'n Node, lists: usize, objects: &mut Vec<&'n Node>) {
    if !is_object(node) {
        return;
    }
    let kind = node.get("kind").text();
    match lists.checked_sub(1) {
        Some(lists) if kind.ends_with("List") && !node.get("items").items().is_empty() => {
            node.get("items").items().iter().for_each(|item| gather(item, lists, objects));
        }
        _ => objects.push(node),
    }
}
