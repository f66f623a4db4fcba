//! A bill while it is read: components and edges as they come, within limits.

use std::collections::{HashMap, HashSet};

use model::{Problem, ProblemKind};

use super::Form;
use crate::bill::{Bill, Component, ComponentKind, property};

/// More components than this are not read; the largest real images have some 20 000 packages.
const COMPONENTS_MAX: usize = 100_000;

/// More dependencies than this are not read: they decide nothing about vulnerabilities.
const EDGES_MAX: usize = 400_000;

/// More license texts than this are not read.
const LICENSES_MAX: usize = 10_000;

/// What has been read so far.
#[derive(Debug)]
pub(crate) struct Reading {
    /// What the user calls the file.
    name: String,
    bill: Bill,
    /// Once it is certain.
    form: Option<Form>,
    /// What the bill calls the version of its form; empty if it does not.
    version: String,
    has_begun: bool,
    /// References of what is described, where that is told apart from the description.
    described: HashSet<String>,
    /// Who needs, and what.
    edges: Vec<(String, String)>,
    /// SPDX: texts of licenses by their names.
    licenses: HashMap<String, String>,
    left_out: [Excess; 3],
}

/// What there was too much of.
#[derive(Debug)]
struct Excess {
    what: &'static str,
    limit: usize,
    count: usize,
}

const fn excess(what: &'static str, limit: usize) -> Excess {
    Excess { what, limit, count: 0 }
}

impl Reading {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            bill: Bill::default(),
            form: None,
            version: String::new(),
            has_begun: false,
            described: HashSet::new(),
            edges: Vec::new(),
            licenses: HashMap::new(),
            left_out: [
                excess("components", COMPONENTS_MAX),
                excess("dependencies", EDGES_MAX),
                excess("licenses", LICENSES_MAX),
            ],
        }
    }

    /// That the format is certain.
    pub(crate) fn recognize(&mut self, form: Form) {
        self.form.get_or_insert(form);
    }

    pub(crate) fn of_version(&mut self, version: &str) {
        version.trim().clone_into(&mut self.version);
    }

    pub(super) fn form(&self) -> Option<Form> {
        self.form
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    pub(super) fn notice(&mut self, message: String) {
        self.bill.problems.push(Problem::new(ProblemKind::Notice, &self.name, message));
    }

    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    pub(crate) fn created(&mut self, time: String) {
        self.bill.created = time;
    }

    /// What the bill calls what it describes, if it has no better name for it.
    pub(crate) fn title(&mut self, name: String) {
        if self.bill.subject.name.is_empty() {
            self.bill.subject.name = name;
        }
    }

    pub(crate) fn subject(&mut self, component: Component) {
        self.bill.subject = component;
    }

    pub(crate) fn incomplete(&mut self) {
        self.bill.is_complete = Some(false);
    }

    pub(crate) fn component(&mut self, component: Component) {
        self.has_begun = true;
        let [components, ..] = &mut self.left_out;
        if has_room(components, self.bill.components.len()) {
            self.bill.components.push(component);
        }
    }

    /// That `from` needs `to`.
    pub(crate) fn edge(&mut self, from: &str, to: &str) {
        let [_, edges, _] = &mut self.left_out;
        if has_room(edges, self.edges.len()) {
            self.edges.push((from.to_owned(), to.to_owned()));
        }
    }

    pub(crate) fn described(&mut self, reference: &str) {
        // Documents that describe more than this describe everything they list.
        const DESCRIBED_MAX: usize = 1000;
        if self.described.len() < DESCRIBED_MAX {
            self.described.insert(reference.to_owned());
        }
    }

    pub(crate) fn license(&mut self, id: String, text: String) {
        let [.., licenses] = &mut self.left_out;
        if has_room(licenses, self.licenses.len()) {
            self.licenses.insert(id, text);
        }
    }

    /// Properties of a component that was read before; annotations stand apart from packages.
    pub(crate) fn annotate(&mut self, by_reference: HashMap<String, Vec<property::Property>>) {
        let mut by_reference = by_reference;
        for component in &mut self.bill.components {
            component
                .properties
                .extend(by_reference.remove(&component.reference).unwrap_or_default());
        }
    }

    /// The bill; `why` says why it ends before its end.
    pub(super) fn finish(self, why: Option<String>) -> Bill {
        let Self { name, mut bill, described, edges, licenses, left_out, .. } = self;
        let mut positions = HashMap::new();
        for (position, component) in bill.components.iter_mut().enumerate() {
            positions.entry(component.reference.clone()).or_insert(position);
            if let Some(text) = licenses.get(&component.license) {
                component.license.clone_from(text);
            }
        }
        for (from, to) in edges {
            let from = positions.get(&from).and_then(|at| bill.components.get_mut(*at));
            from.into_iter().for_each(|component| component.depends_on.push(to.clone()));
        }
        tell_subject(&mut bill, &described);
        let limits = left_out.iter().filter(|excess| excess.count > 0).map(|excess| {
            let Excess { what, limit, count } = excess;
            let message = format!("{count} {what} beyond the first {limit} were not read");
            let decides = *limit == COMPONENTS_MAX;
            let kind = if decides { ProblemKind::LimitReached } else { ProblemKind::Notice };
            Problem::new(kind, &name, message)
        });
        bill.problems.extend(limits);
        let end = |why| format!("the bill of materials breaks off, what precedes counts: {why}");
        bill.problems.extend(why.map(|why| Problem::new(ProblemKind::Damaged, &name, end(why))));
        bill
    }
}

fn has_room(excess: &mut Excess, held: usize) -> bool {
    let fits = held < excess.limit;
    excess.count += usize::from(!fits);
    fits
}

/// SPDX lists what is described among the packages. An image is no package of its own; a program
/// that is described may well be one with advisories.
fn tell_subject(bill: &mut Bill, described: &HashSet<String>) {
    let is_described = |component: &Component| described.contains(&component.reference);
    let is_whole = |component: &Component| {
        component.property(property::ARTIFACT_KIND).is_some()
            || component.kind == ComponentKind::Container
    };
    let Some(position) = bill.components.iter().position(is_described) else { return };
    if bill.components.get(position).is_some_and(is_whole) {
        bill.subject = bill.components.remove(position);
    } else if let Some(component) = bill.components.get(position) {
        bill.subject = component.clone();
    }
}
