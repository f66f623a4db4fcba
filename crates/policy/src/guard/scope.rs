//! A scope: whom an entry is for, by container, image, pod and user, or by what an API server was
//! asked.
//!
//! What a runtime has not said of a container is not known, and what is not known holds of no scope,
//! nor of what a scope leaves out.

use std::collections::BTreeMap;

use model::ImageRef;
use model::event::{Container, Pod, Process, RunningImage};
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::check::{Check, Word};
use super::request::{Request, Subject};
use crate::glob::Glob;

/// A scope as the file has it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ScopeFile {
    #[serde(rename = "where")]
    place: Option<Place>,
    images: Vec<Spanned<String>>,
    digests: Vec<Spanned<String>>,
    labels: BTreeMap<String, Spanned<String>>,
    namespaces: Vec<Spanned<String>>,
    pods: Vec<Spanned<String>>,
    workloads: Vec<Spanned<String>>,
    containers: Vec<Spanned<String>>,
    pub(super) users: Vec<Spanned<String>>,
    pub(super) resources: Vec<Spanned<String>>,
    except: Vec<Self>,
}

/// On which side of a container's wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Place {
    Containers,
    Host,
    Anywhere,
}

/// Who did something, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whom<'a> {
    /// A process of the host; none where the host is meant as a whole.
    Host(Option<&'a Process>),
    Container(&'a Container, Option<&'a Process>),
    /// Not on this machine: what an API server audited.
    Request(&'a Request),
}

/// A checked scope: everything in it has to hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    pub(super) place: Option<Place>,
    conditions: Vec<Condition>,
    /// It is not for whom one of these holds.
    except: Vec<Self>,
}

/// One setting: one of its patterns has to hold.
#[derive(Clone, Debug)]
enum Condition {
    Images(Vec<Glob>),
    Digests(Vec<String>),
    Label(String, Glob),
    Namespaces(Vec<Glob>),
    Pods(Vec<Glob>),
    Workloads(Vec<Glob>),
    Containers(Vec<Glob>),
    Users(Vec<Glob>),
    Resources(Vec<Glob>),
}

impl ScopeFile {
    pub(super) fn check(&self, check: &mut Check) -> Scope {
        let mut conditions = Vec::new();
        let mut patterns = |texts: &[Spanned<String>], of: fn(Vec<Glob>) -> Condition| {
            if !texts.is_empty() {
                conditions.push(of(check.names(texts)));
            }
        };
        patterns(&self.images, Condition::Images);
        patterns(&self.namespaces, Condition::Namespaces);
        patterns(&self.pods, Condition::Pods);
        patterns(&self.workloads, Condition::Workloads);
        patterns(&self.containers, Condition::Containers);
        patterns(&self.users, Condition::Users);
        patterns(&self.resources, Condition::Resources);
        if !self.digests.is_empty() {
            conditions.push(Condition::Digests(digests(&self.digests, check)));
        }
        let labels = self.labels.iter();
        conditions.extend(labels.filter_map(|(name, pattern)| {
            Some(Condition::Label(name.clone(), check.name(pattern)?))
        }));
        let except = self.except.iter().map(|scope| scope.check(check)).collect();
        Scope { place: self.place, conditions, except }
    }
}

fn digests(texts: &[Spanned<String>], check: &mut Check) -> Vec<String> {
    let words = check.words(texts);
    let is_digest = |word: &&Word| {
        let is = word.text.parse::<model::Digest>().is_ok();
        if !is {
            let message = format!("`{}` is no digest like `sha256:…`", word.text);
            check.errors.push(word.mistake(message));
        }
        is
    };
    words.iter().filter(is_digest).map(|word| word.text.clone()).collect()
}

impl Scope {
    /// Whether it names nobody in particular.
    pub(super) fn is_open(&self) -> bool {
        self.conditions.is_empty() && self.except.is_empty()
    }

    /// Whether it is for this one; None where that is not known. `usual` is where it is meant for if
    /// it does not say.
    pub(super) fn holds(&self, whom: &Whom<'_>, usual: Place) -> Option<bool> {
        let is_there = match (self.place.unwrap_or(usual), whom) {
            (Place::Anywhere, _) | (Place::Host, Whom::Host(_)) => true,
            (Place::Containers, Whom::Container(..)) => true,
            (Place::Containers | Place::Host, _) => false,
        };
        let conditions = self.conditions.iter().map(|condition| condition.holds(whom));
        let except = self
            .except
            .iter()
            .map(|scope| scope.holds(whom, Place::Anywhere).map(|is_excepted| !is_excepted));
        all(std::iter::once(Some(is_there)).chain(conditions).chain(except))
    }
}

/// Whether everything holds: false as soon as one thing does not, whatever is not known beside it.
pub(super) fn all(answers: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut known = Some(true);
    for answer in answers {
        match answer {
            Some(false) => return Some(false),
            None => known = None,
            Some(true) => {}
        }
    }
    known
}

impl Condition {
    fn holds(&self, whom: &Whom<'_>) -> Option<bool> {
        if let Self::Users(patterns) = self
            && let Some(process) = whom.process()
        {
            return Some(is_user(process, patterns));
        }
        let container = match whom {
            Whom::Container(container, _) => *container,
            // It has neither image nor pod.
            Whom::Host(Some(_)) => return Some(false),
            Whom::Host(None) => return (!matches!(self, Self::Users(_))).then_some(false),
            Whom::Request(request) => return self.holds_of(request),
        };
        // What the runtime did not say is absent only if it said anything.
        let unless_said =
            |holds: Option<bool>| holds.or_else(|| container.described.then_some(false));
        let of_pod = |holds: &dyn Fn(&Pod) -> bool| unless_said(container.pod.as_ref().map(holds));
        let is_like = |patterns: &[Glob], name: &str| patterns.iter().any(|it| it.matches(name));
        match self {
            Self::Images(patterns) => {
                let image = container.image.as_ref();
                unless_said(image.map(|image| is_named(image, patterns)))
            }
            Self::Digests(digests) => unless_said(container.image.as_ref().map(|image| {
                let of_image = [&image.digest, &image.id].into_iter().flatten();
                of_image.into_iter().any(|it| digests.contains(it))
            })),
            Self::Label(name, pattern) => {
                let label = container.labels.get(name);
                unless_said(label.map(|value| pattern.matches(value)))
            }
            Self::Namespaces(patterns) => of_pod(&|pod| is_like(patterns, &pod.namespace)),
            Self::Pods(patterns) => of_pod(&|pod| is_like(patterns, &pod.name)),
            Self::Workloads(patterns) => of_pod(&|pod| is_like(patterns, workload(&pod.name))),
            Self::Containers(patterns) => {
                unless_said(container.name.as_ref().map(|name| is_like(patterns, name)))
            }
            Self::Users(_) => None,
            Self::Resources(_) => Some(false),
        }
    }

    /// Of what an API server was asked: it says neither container nor image.
    fn holds_of(&self, request: &Request) -> Option<bool> {
        let is_like = |patterns: &[Glob], name: &String| patterns.iter().any(|it| it.matches(name));
        match self {
            Self::Users(patterns) => request.user.as_ref().map(|user| is_like(patterns, user)),
            Self::Namespaces(patterns) => {
                Some(request.namespace.as_ref().is_some_and(|name| is_like(patterns, name)))
            }
            Self::Resources(patterns) => {
                Some(request.resource.as_ref().is_some_and(|name| is_like(patterns, name)))
            }
            _ => None,
        }
    }
}

impl<'a> Whom<'a> {
    pub(super) fn of(subject: Subject<'a>) -> Self {
        match subject {
            Subject::Request(request) => Self::Request(request),
            Subject::Event(event) => match &event.container {
                None => Self::Host(Some(&event.process)),
                Some(container) => Self::Container(container, Some(&event.process)),
            },
        }
    }

    fn process(&self) -> Option<&'a Process> {
        match self {
            Self::Host(process) | Self::Container(_, process) => *process,
            Self::Request(_) => None,
        }
    }
}

/// By its name in the process' own root, or its number.
fn is_user(process: &Process, patterns: &[Glob]) -> bool {
    let credentials = &process.credentials;
    let number = credentials.uid.to_string();
    let name = credentials.user.as_ref().map(|user| user.name.to_string());
    let names = std::iter::once(number).chain(name);
    names.into_iter().any(|name| patterns.iter().any(|it| it.matches(&name)))
}

/// As the container was started, as its runtime spells it, and in full.
fn is_named(image: &RunningImage, patterns: &[Glob]) -> bool {
    let in_full = image.reference.parse::<ImageRef>().map(|it| it.to_string()).ok();
    let tagged = image.tag.as_ref().map(|tag| format!("{}:{tag}", image.repository));
    let names =
        [Some(&image.reference), Some(&image.repository), in_full.as_ref(), tagged.as_ref()];
    let mut names = names.into_iter().flatten().filter(|name| !name.is_empty());
    names.any(|name| patterns.iter().any(|it| it.matches(name)))
}

/// What a pod's controller is called: the name without what Deployments (`-7d9f8b6c5d-x2x4z`),
/// DaemonSets and Jobs (`-x2x4z`) and StatefulSets (`-0`) add.
pub(crate) fn workload(pod: &str) -> &str {
    /// Letters and digits of which Kubernetes makes suffixes: no vowels, so that no words come out.
    const SUFFIX: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let is_made = |part: &str| part.bytes().all(|byte| SUFFIX.contains(&byte));
    let Some((rest, last)) = pod.rsplit_once('-') else { return pod };
    if !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()) {
        return rest;
    }
    if last.len() != 5 || !is_made(last) {
        return pod;
    }
    match rest.rsplit_once('-') {
        Some((name, hash)) if matches!(hash.len(), 8..=10) && is_made(hash) => name,
        _ => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_tells_its_workload() {
        let table = [
            ("shop-7d9f8b6c5d-x2x4z", "shop"),
            ("shop-api-7d9f8b6c5d-x2x4z", "shop-api"),
            ("node-agent-x2x4z", "node-agent"),
            ("database-0", "database"),
            ("alone", "alone"),
            ("shop-admin", "shop-admin"),
            ("", ""),
            ("-", "-"),
        ];
        for (pod, name) in table {
            assert_eq!(workload(pod), name, "{pod}");
        }
    }
}
