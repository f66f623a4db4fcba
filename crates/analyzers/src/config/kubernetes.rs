//! The analyzer `kubernetes`: manifests of Kubernetes, in YAML or JSON, object by object.
//!
//! Whatever makes pods is brought to the one form that checks look at (`pod.rs`). Templates of Helm
//! charts are not rendered here: where nothing but a template says what an object is, that is said.

mod object;
mod pod;

use memchr::memmem;
use model::ProblemKind;

use super::yaml::{self, Node, YAML_BYTES_MAX};
use crate::file::Check;
use crate::{Analyzer, File, FileFacts, Select};

pub(crate) use self::object::{Object, Rule};
pub(crate) use self::pod::{Container, Pod};

/// The analyzer `kubernetes`.
pub(crate) struct Kubernetes;

/// Objects of one file; the largest bundles of operators have some 200.
const OBJECTS_MAX: usize = 2000;

/// Lists within lists; nothing makes them.
const LISTS_MAX: usize = 4;

impl Analyzer for Kubernetes {
    fn name(&self) -> &'static str {
        "kubernetes"
    }

    fn version(&self) -> u32 {
        1
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
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        // As much as readers hand over: what is no manifest is not parsed, whatever its size.
        1 << 30
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        // Most YAML and JSON is something else.
        let holds = |word: &str| memmem::find(file.bytes, word.as_bytes()).is_some();
        if !holds("apiVersion") || !holds("kind") {
            return;
        }
        let size = file.bytes.len() as u64;
        if size > YAML_BYTES_MAX {
            let message = format!("{size} bytes, more than the {YAML_BYTES_MAX} that are read");
            return facts.problem(ProblemKind::LimitReached, message);
        }
        if holds("{{") && is_template(file.path) {
            let message = "a template of a Helm chart that is not rendered, so it is not checked; \
                           hint: scan what `helm template` writes";
            return facts.problem(ProblemKind::Unsupported, message);
        }
        let mut objects = Vec::new();
        let documents = yaml::documents(&file.text(), facts);
        for document in &documents {
            gather(document, LISTS_MAX, &mut objects);
        }
        if objects.len() > OBJECTS_MAX {
            let message = format!("more than {OBJECTS_MAX} objects; the rest is not checked");
            facts.problem(ProblemKind::LimitReached, message);
            objects.truncate(OBJECTS_MAX);
        }
        for node in objects {
            object::things(node).into_iter().for_each(|thing| facts.thing(thing));
        }
    }
}

/// Whether the file stands where charts keep their templates.
fn is_template(path: &str) -> bool {
    path.split('/').any(|part| part == "templates")
}

/// Every object, those in lists included.
fn gather<'n>(node: &'n Node, lists: usize, objects: &mut Vec<&'n Node>) {
    let kind = node.get("kind").text();
    if kind.is_empty() || node.get("apiVersion").text().is_empty() {
        return;
    }
    match lists.checked_sub(1) {
        Some(lists) if kind.ends_with("List") && !node.get("items").items().is_empty() => {
            node.get("items").items().iter().for_each(|item| gather(item, lists, objects));
        }
        _ => objects.push(node),
    }
}
