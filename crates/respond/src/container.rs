//! A running container, found by what a user or the guard calls it.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use model::event::ContainerRuntime;
use sensor::containers::{Containers, Named, Places};
use sensor::kernel::Hierarchy;
use sensor::record::ProcessId;

use crate::freezer::Freezer;
use crate::groups::{self, Group, Trees};
use crate::process::Process;
use crate::refusal::Refusal;

/// What a response needs of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Container {
    pub(crate) id: String,
    pub(crate) runtime: ContainerRuntime,
    pub(crate) name: Option<String>,
    /// Of its pod.
    pub(crate) namespace: Option<String>,
    /// Whose rootless runtime it is of.
    pub(crate) user: Option<u32>,
    /// Its groups, in the hierarchies where it has one.
    pub(crate) freezer: Option<PathBuf>,
    pub(crate) unified: Option<PathBuf>,
}

/// Runtimes are asked no longer than this; who hangs costs names, not the response.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(5);
/// Ids are matched by their beginning as runtimes do; fewer characters would be a guess.
const ID_CHARS_MIN: usize = 4;

/// By its whole id, its name, or the beginning of its id: in this order.
///
/// # Errors
/// If none runs, or more than one may be meant.
pub(crate) fn find(name: &str, places: &Places) -> Result<Container, Refusal> {
    let trees = Trees::find();
    let tree = trees
        .any()
        .ok_or_else(|| Refusal::NotFound { what: "mounted hierarchy", name: "cgroup".into() })?;
    let running: Vec<Group> = groups::of_containers(tree)
        .into_iter()
        .filter(|group| groups::processes(&group.folder).is_ok_and(|pids| !pids.is_empty()))
        .collect();
    let is_whole = running.iter().any(|group| group.named.id == name);
    let mut known = described(&running, is_whole.then_some(name), places);
    let is_begin = |id: &str| name.len() >= ID_CHARS_MIN && id.starts_with(name);
    known.retain(|it| it.id == name || it.name.as_deref() == Some(name) || is_begin(&it.id));
    // A name is meant before a part of an id is.
    if known.iter().any(|it| it.name.as_deref() == Some(name)) {
        known.retain(|it| it.name.as_deref() == Some(name));
    }
    let mut found = match <[Container; 1]>::try_from(known) {
        Ok([found]) => found,
        Err(none) if none.is_empty() => {
            return Err(Refusal::NotFound { what: "running container", name: name.to_owned() });
        }
        Err(many) => {
            let found = many.iter().map(Container::title).collect();
            return Err(Refusal::Ambiguous { name: name.to_owned(), found });
        }
    };
    found.freezer = only(trees.freezer.as_ref().map(|tree| groups::of(tree, &found.id)), &found)?;
    found.unified = only(trees.unified.as_ref().map(|tree| groups::of(tree, &found.id)), &found)?;
    Ok(found)
}

/// A user who may make groups can give one the name of another's container.
fn only(groups: Option<Vec<PathBuf>>, of: &Container) -> Result<Option<PathBuf>, Refusal> {
    let groups = groups.unwrap_or_default();
    match groups.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        many => {
            let found = many.iter().map(|group| group.display().to_string()).collect();
            Err(Refusal::Ambiguous { name: of.id.clone(), found })
        }
    }
}

/// What their runtimes say of them, or of the one with this id alone.
fn described(running: &[Group], id: Option<&str>, places: &Places) -> Vec<Container> {
    let hierarchy = Hierarchy::find();
    let Some(mounted) = hierarchy.mounted.clone() else { return Vec::new() };
    let all = groups::of_containers(&mounted);
    let mut asked = Containers::new(hierarchy, places.clone());
    let mut met = Vec::new();
    for Group { named, .. } in running.iter().filter(|it| id.is_none_or(|id| it.named.id == id)) {
        // A group in the hierarchy that the sensor tells containers apart by.
        let group = all.iter().find(|group| group.named == *named);
        let inode = group.and_then(|group| std::fs::metadata(&group.folder).ok());
        let seen = inode.and_then(|inode| asked.of_group(inode.ino(), ProcessId::default()));
        met.push((named.clone(), seen));
    }
    let since = Instant::now();
    let waits = |asked: &Containers| {
        met.iter().any(|(_, seen)| seen.as_ref().is_some_and(|seen| asked.awaits(&seen.place)))
    };
    while waits(&asked) && since.elapsed() < PATIENCE {
        thread::sleep(LOOK);
        asked.news();
    }
    let told = met.into_iter().map(|(Named { id, runtime, .. }, seen)| {
        let user = seen.as_ref().and_then(|seen| seen.place.user());
        let told = seen.and_then(|seen| asked.latest(&seen.place)).unwrap_or_default();
        let runtime = if told.runtime == ContainerRuntime::Other { runtime } else { told.runtime };
        let namespace = told.pod.as_ref().map(|pod| pod.namespace.clone());
        let name = told.name.clone();
        Container { id, runtime, name, namespace, user, ..Container::default() }
    });
    told.collect()
}

impl Container {
    /// As people know it: its name with a part of its id.
    pub(crate) fn title(&self) -> String {
        let short: String = self.id.chars().take(12).collect();
        match &self.name {
            Some(name) if *name != self.id => format!("{name} ({short})"),
            Some(_) | None => short,
        }
    }

    /// Whether kubelet made its group, whatever is known of it beside.
    pub(crate) fn is_of_pod(&self) -> bool {
        let mut groups = self.freezer.iter().chain(&self.unified);
        groups.any(|group| group.to_string_lossy().contains("kubepods"))
    }

    /// Version 1 where it is mounted: runtimes pause there then.
    pub(crate) fn freezer(&self) -> Result<Freezer, Refusal> {
        let freezer = match (&self.freezer, &self.unified) {
            (Some(group), _) => Freezer::one(group),
            (None, Some(group)) => Freezer::two(group),
            (None, None) => {
                return Err(Refusal::NotFound { what: "freezer of", name: self.title() });
            }
        };
        freezer.map_err(|error| Refusal::failed("freezing", self.title(), &error))
    }

    pub(crate) fn processes(&self) -> Result<Vec<u32>, Refusal> {
        let group = self.freezer.as_ref().or(self.unified.as_ref());
        let pids = group.map(|group| groups::processes(group)).transpose();
        let pids = pids.map_err(|error| Refusal::failed("looking into", self.title(), &error))?;
        Ok(pids.unwrap_or_default())
    }

    /// The one that it ends with: the eldest in it that was not forked by another one in it.
    pub(crate) fn first_process(&self) -> Result<Process, Refusal> {
        let pids = self.processes()?;
        let all = pids.iter().filter_map(|pid| Process::of(*pid));
        let roots = all.filter(|process| !pids.contains(&process.parent));
        let first = roots.min_by_key(|process| (process.id.started, process.id.pid));
        first.ok_or_else(|| Refusal::NotFound { what: "process in", name: self.title() })
    }
}
