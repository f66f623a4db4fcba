//! A suite file → its cases, and every mistake in it with its place.

mod chain;
mod resource;
mod step;

use std::collections::BTreeSet;

use detect::yaml::{self, Node};
use detect::{Diagnostic, Level, Place, Priority};

use crate::case::{Case, Wanted, Work};
use crate::form::{Form, Mistakes};
use crate::outcome::Outcome;
use crate::template;

/// The largest of Falco's has 4 000.
pub const FILE_BYTES_MAX: usize = 1 << 20;

const KEYS: [&str; 12] = [
    "name",
    "rule",
    "description",
    "runIf",
    "runner",
    "context",
    "before",
    "after",
    "resources",
    "steps",
    "expectedOutcome",
    "cases",
];

/// How messages call the machine; Falco's suites use Go's names.
const MACHINE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };

/// The cases of one file, in its order. With a mistake in it, it is not to be run.
pub fn read(file: &str, bytes: &[u8]) -> (Vec<Case>, Vec<Diagnostic>) {
    let mut mistakes = Mistakes::new(file);
    let mut cases = Vec::new();
    match tests(bytes) {
        Err((line, column, message)) => {
            let place = Place { file: file.to_owned(), line, column };
            mistakes.add(Diagnostic::new(Level::Error, place, "", message));
        }
        Ok(document) => {
            let mut names = BTreeSet::new();
            let Some(mut form) = Form::of(&document, "", &["tests"], &mut mistakes) else {
                return (cases, mistakes.told);
            };
            let tests = form.items("tests");
            if tests.is_empty() {
                form.mistake(&document, "there are no `tests` here");
            }
            for node in tests {
                of_test(node, &mut names, &mut mistakes, &mut cases);
            }
        }
    }
    (cases, mistakes.told)
}

/// The one document of a file.
fn tests(bytes: &[u8]) -> Result<Node, (usize, usize, String)> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err((0, 0, format!("it is larger than {FILE_BYTES_MAX} bytes")));
    }
    let text = std::str::from_utf8(bytes);
    let text = text.map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        (line, 1, "this is not UTF-8".to_owned())
    })?;
    let (mut documents, mut error) = yaml::documents(text);
    if error.is_some() {
        (documents, error) = yaml::documents(&template::quoted(text));
    }
    if let Some(error) = error {
        return Err((error.line, error.column, error.message));
    }
    match documents.len() {
        0 => Err((0, 0, "it is empty".to_owned())),
        1 => Ok(documents.remove(0)),
        _ => Err((0, 0, "it holds more than one document".to_owned())),
    }
}

/// The cases of one test, one if it is no template.
fn of_test(
    node: &Node,
    names: &mut BTreeSet<String>,
    mistakes: &mut Mistakes<'_>,
    cases: &mut Vec<Case>,
) {
    let name = node.get("name").and_then(Node::scalar).unwrap_or_default().to_owned();
    if !name.is_empty() && !names.insert(name.clone()) {
        mistakes.at(node, &name, "another test has this name");
    }
    let Some(mut form) = Form::of(node, &name, &KEYS, mistakes) else { return };
    let is_template = form.get("cases").is_some();
    let items = form.items("cases");
    if !is_template {
        cases.extend(of_filled(node, &name, mistakes));
        return;
    }
    let values = template::cases(items, &name, mistakes);
    let test = template::without_cases(node);
    if values.is_empty() {
        mistakes.at(node, &name, "its `cases` come to none");
    }
    if cases.len().saturating_add(values.len()) > template::CASES_MAX {
        mistakes.at(node, &name, format!("more than {} cases", template::CASES_MAX));
        return;
    }
    for (number, values) in values.iter().enumerate() {
        let filled = template::fill(&test, values, &name, mistakes);
        let Some(mut case) = of_filled(&filled, &name, mistakes) else { continue };
        case.name = format!("{name}#{number}");
        let shown = values.iter().map(|(name, value)| format!("{name}={}", template::shown(value)));
        case.values = shown.collect();
        cases.push(case);
    }
}

fn of_filled(node: &Node, name: &str, mistakes: &mut Mistakes<'_>) -> Option<Case> {
    let place = mistakes.place(node);
    let mut form = Form::of(node, name, &KEYS, mistakes)?;
    form.required("name");
    let rule = form.required("rule");
    let runner = form.required("runner");
    if runner.is_some_and(|runner| runner != "HostRunner") {
        form.mistake(node, "`runner` can only be `HostRunner`");
    }
    let (before, after) = (form.text("before"), form.text("after"));
    let (context, run_if) = (form.get("context"), form.get("runIf"));
    let outcome = form.get("expectedOutcome");
    let (resources, steps) = (form.items("resources"), form.items("steps"));
    let resources = resource::read(resources, name, mistakes);
    let steps = step::read(steps, &resources, name, mistakes);
    let (container, processes) = match context {
        Some(context) => chain::read(context, name, mistakes),
        None => (None, Vec::new()),
    };
    Some(Case {
        name: name.to_owned(),
        values: Vec::new(),
        rule: rule?,
        place,
        elsewhere: run_if.is_some_and(|node| is_elsewhere(node, name, mistakes)),
        container,
        processes,
        work: Work { before, resources, steps, after },
        outcome: outcome.map(|node| expected(node, name, mistakes)).unwrap_or_default(),
    })
}

/// Whether the machine is of a kind for which the test is not meant.
fn is_elsewhere(node: &Node, name: &str, mistakes: &mut Mistakes<'_>) -> bool {
    let Some(form) = Form::of(node, name, &["arch"], mistakes) else { return false };
    let Some(arch) = form.get("arch") else { return false };
    let Some(mut form) = Form::of(arch, name, &["op", "val"], mistakes) else { return false };
    let (operator, value) = (form.required("op"), form.required("val"));
    match operator.as_deref() {
        Some("eq") => value.is_some_and(|value| value != MACHINE),
        Some("ne") => value.is_some_and(|value| value == MACHINE),
        Some(other) => {
            form.mistake(arch, format!("`{other}` is neither `eq` nor `ne`"));
            false
        }
        None => false,
    }
}

fn expected(node: &Node, name: &str, mistakes: &mut Mistakes<'_>) -> Outcome {
    let keys = ["source", "priority", "hostname", "outputFields"];
    let Some(mut form) = Form::of(node, name, &keys, mistakes) else { return Outcome::default() };
    let priority = form.text("priority").and_then(|text| {
        let known = Priority::of_name(&text);
        if known.is_none() {
            form.mistake(node, format!("there is no priority `{text}`"));
        }
        known
    });
    Outcome {
        source: form.text("source"),
        priority,
        hostname: form.text("hostname"),
        fields: form.texts("outputFields").into_iter().collect(),
    }
}

impl Wanted {
    fn read(node: &Node, name: &str, mistakes: &mut Mistakes<'_>) -> Option<Self> {
        let mut form = Form::of(node, name, &["image", "name", "env"], mistakes)?;
        let (image, container) = (form.text("image"), form.text("name"));
        let environment = chain::environment(&mut form);
        Some(Self { image, name: container, environment })
    }
}

#[cfg(test)]
mod tests;
