//! What can be refused for a workload before it is done: of the guard's own when the profile protects,
//! or as entries of a guard's policy.
//!
//! A kernel that holds a call refuses kinds of acts and named things, and programs that are not named.
//! So it is kept from what it never does at all: programs that its image did not bring, or that were
//! not learnt, mounts, tracing, modules, `bpf`.

use core::fmt::Write as _;
use core::hash::{Hash as _, Hasher as _};
use std::collections::BTreeMap;
use std::hash::DefaultHasher;

use model::event::{Container, Text};
use model::{Place, Prevention, Refused};

use super::path::{Part, Pattern};
use super::workload::{CONTAINER, PROJECT, SERVICE};
use super::write::quoted;
use super::{Mode, Origin, Profile, Workload};

/// Longest name of a prevention that is kept as a whole.
const ID_BYTES_MAX: usize = 127;
/// Longest path of a program that is compared: what a key of the kernel's table holds.
const PATH_BYTES_MAX: usize = 255;

/// What is refused, and the calls of which none may have been learnt.
const BY_CALLS: [(Refused, &[&str]); 4] = [
    (
        Refused::Mount,
        &[
            "fsmount",
            "fsopen",
            "fspick",
            "mount",
            "mount_setattr",
            "move_mount",
            "open_tree",
            "pivot_root",
            "umount",
            "umount2",
        ],
    ),
    (Refused::Trace, &["process_vm_writev", "ptrace"]),
    (Refused::LoadModule, &["finit_module", "init_module"]),
    (Refused::LoadBpf, &["bpf"]),
];

/// What a workload never does, as far as it can be refused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Never {
    pub refused: Vec<Refused>,
    /// What cannot be refused, and why.
    pub not: Vec<String>,
}

impl Profile {
    pub fn never(&self) -> Never {
        let mut never = Never::default();
        let mut take = |what: &str, found: Result<Refused, String>| match found {
            Ok(refused) => never.refused.push(refused),
            Err(why) => never.not.push(format!("{what}: {why}")),
        };
        take("execute-foreign", self.foreign());
        take("execute-except", self.programs());
        for (refused, calls) in BY_CALLS {
            let found = self.call_of(calls).map_err(str::to_owned);
            let found = found.and_then(|call| match call {
                None => Ok(refused.clone()),
                Some(call) => Err(format!("it calls {call}")),
            });
            take(name(&refused), found);
        }
        never.not.extend(self.looser());
        never
    }

    /// Programs that are let through beside those that were learnt: a kernel compares folders, not
    /// patterns.
    fn looser(&self) -> impl Iterator<Item = String> {
        let held = self.programs().is_ok();
        let wide = self.programs.0.keys().filter(move |pattern| held && pattern.is_wide());
        wide.filter_map(|pattern| {
            let place = place(pattern).ok()?;
            Some(format!("programs at {}: it runs {pattern}", written(&place)))
        })
    }

    /// A policy of entries that refuse it, which enforce if the profile protects and else observe; what
    /// cannot be refused, and why, stands in it as a comment.
    pub fn to_policy(&self) -> String {
        let scope = scope(&self.workload);
        let mode = if self.mode == Mode::Protect { "enforce" } else { "observe" };
        let Never { refused, not } = self.never();
        let mut text = String::from("version: 1\n");
        for why in not {
            // A program's path may be in it.
            writeln!(text, "# not refused: {}", why.escape_debug())
                .expect("a String takes anything");
        }
        if !refused.is_empty() {
            text.push_str("prevent:\n");
        }
        for refused in refused {
            let refuse = name(&refused);
            let id = quoted(&format!("{} {refuse}", self.workload));
            let places: Vec<String> =
                refused.places().iter().map(|it| quoted(&written(it))).collect();
            let paths = match &*places {
                [] => String::new(),
                places => format!("    paths: [{}]\n", places.join(", ")),
            };
            write!(
                text,
                "  - id: {id}\n    refuse: {refuse}\n{paths}    scope: {scope}\n    mode: {mode}\n    \
                 reason: the workload's profile holds nothing of the kind\n"
            )
            .expect("a String takes anything");
        }
        text
    }

    /// Programs that the image did not bring, or why they cannot be refused.
    fn foreign(&self) -> Result<Refused, String> {
        if self.programs.0.is_empty() {
            return Err("no program was learnt".to_owned());
        }
        let of_image = |origin: &Origin| *origin == Origin::Image;
        let foreign = self.programs.iter().find(|(_, it)| !it.origins.iter().all(of_image));
        foreign.map_or(Ok(Refused::ExecuteForeign), |(path, _)| Err(format!("it runs {path}")))
    }

    /// Programs that were not learnt, or why they cannot be refused.
    fn programs(&self) -> Result<Refused, String> {
        if self.programs.0.is_empty() {
            return Err("no program was learnt".to_owned());
        }
        if self.learning.starts == 0 {
            return Err(NO_START.to_owned());
        }
        let places = self.programs.0.keys().map(place);
        let places: Vec<Place> = places.collect::<Result<_, _>>()?;
        Ok(Refused::ExecuteExcept(places))
    }

    /// One of the calls that was learnt.
    fn call_of<'a>(&self, calls: &[&'a str]) -> Result<Option<&'a str>, &'static str> {
        let learnt = self.calls.as_ref().ok_or("system calls were not looked at")?;
        if self.learning.starts == 0 {
            return Err(NO_START);
        }
        let is_learnt = |call: &&&str| learnt.values().any(|names| names.contains(**call));
        Ok(calls.iter().find(is_learnt).copied())
    }
}

/// What it does as it begins was not learnt.
const NO_START: &str = "no container was seen beginning";

/// What the profiles that protect refuse, and to whom.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Protections {
    preventions: Vec<Prevention>,
    /// Places in the list above.
    of: BTreeMap<Workload, Vec<usize>>,
    /// What cannot be refused, and why, a line each.
    pub not: Vec<String>,
}

impl Protections {
    /// Of those that protect. Acts without a list are refused by one prevention, whoever it is for.
    pub fn of<'p>(profiles: impl IntoIterator<Item = &'p Profile>) -> Self {
        let mut all = Self::default();
        for profile in profiles.into_iter().filter(|profile| profile.mode == Mode::Protect) {
            let Never { refused, not } = profile.never();
            let workload = &profile.workload;
            all.not
                .extend(not.iter().map(|why| format!("profile `{workload}`: not refused: {why}")));
            let places = refused.into_iter().map(|refused| all.place(workload, refused)).collect();
            all.of.insert(workload.clone(), places);
        }
        all.put_shared_first();
        all
    }

    /// What finds no room in the end is what is for one workload alone.
    fn put_shared_first(&mut self) {
        let former = std::mem::take(&mut self.preventions);
        let mut order: Vec<usize> = (0..former.len()).collect();
        order.sort_by_key(|place| former.get(*place).is_some_and(|it| !it.act.places().is_empty()));
        let mut now = vec![0; former.len()];
        for (place, before) in order.iter().enumerate() {
            if let Some(now) = now.get_mut(*before) {
                *now = place;
            }
        }
        self.preventions = order.iter().filter_map(|place| former.get(*place).cloned()).collect();
        for places in self.of.values_mut() {
            places.iter_mut().for_each(|place| *place = now.get(*place).copied().unwrap_or(*place));
        }
    }

    pub fn preventions(&self) -> &[Prevention] {
        &self.preventions
    }

    /// Which of them are for a container.
    pub fn held(&self, container: &Container) -> &[usize] {
        let workload = Workload::of(container).filter(|_| !self.of.is_empty());
        workload.and_then(|it| self.of.get(&it)).map_or(&[], Vec::as_slice)
    }

    fn place(&mut self, workload: &Workload, act: Refused) -> usize {
        let is_shared = act.places().is_empty();
        let same = self.preventions.iter().position(|it| is_shared && it.act == act);
        same.unwrap_or_else(|| {
            let whose =
                if is_shared { "profiles".to_owned() } else { format!("profile {workload}") };
            let id = shortened(&format!("{whose}: {}", name(&act)));
            self.preventions.push(Prevention { id, act });
            self.preventions.len() - 1
        })
    }
}

/// What is longer than whoever takes preventions over can compare is told apart by a number of its own.
fn shortened(id: &str) -> String {
    if id.len() <= ID_BYTES_MAX {
        return id.to_owned();
    }
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    let number = format!("{:016x} ", hasher.finish());
    let room = ID_BYTES_MAX - number.len();
    let end = (0..=room).rev().find(|end| id.is_char_boundary(*end)).unwrap_or(0);
    number + id.get(..end).unwrap_or_default()
}

/// As policies write it.
fn name(refused: &Refused) -> &'static str {
    match refused {
        Refused::Execute(_) => "execute",
        Refused::ExecuteForeign => "execute-foreign",
        Refused::ExecuteExcept(_) => "execute-except",
        Refused::Read(_) => "read",
        Refused::Write(_) => "write",
        Refused::Connect(_) => "connect",
        Refused::Mount => "mount",
        Refused::Trace => "trace",
        Refused::LoadModule => "load-module",
        Refused::LoadBpf => "load-bpf",
    }
}

/// Where the programs of a pattern are; a folder, where any name in it will do.
fn place(pattern: &Pattern) -> Result<Place, String> {
    let names = pattern.0.iter().map_while(|part| match part {
        Part::Name(name) => Some(name),
        Part::Any | Part::Below => None,
    });
    let mut path = Vec::new();
    for name in names {
        if name.is_empty() {
            return Err(format!("it runs {pattern}, which has no path"));
        }
        path.push(b'/');
        path.extend_from_slice(name);
    }
    let is_plain = core::str::from_utf8(&path).is_ok_and(|text| !text.contains(['*', '?']));
    if path.is_empty() || path.len() >= PATH_BYTES_MAX || !is_plain {
        return Err(format!("it runs {pattern}, which no entry can name"));
    }
    let path = Text::from(path);
    Ok(if pattern.is_wide() { Place::Below(path) } else { Place::Exactly(path) })
}

fn written(place: &Place) -> String {
    let (Place::Exactly(path) | Place::Below(path)) = place;
    let end = if matches!(place, Place::Below(_)) { "/**" } else { "" };
    format!("{path}{end}")
}

/// Who has the profile, in the words of a policy.
fn scope(workload: &Workload) -> String {
    let (kind, name) = workload.as_str().split_once(':').unwrap_or_default();
    // Of what has a meaning in patterns any one letter: next to nothing more than the name.
    let quoted = |text: &str| quoted(&text.replace(['*', '?'], "?"));
    match kind {
        "kubernetes" => {
            let mut parts = name.splitn(3, '/');
            let namespace = quoted(parts.next().unwrap_or_default());
            let workload = quoted(parts.next().unwrap_or_default());
            // Its neighbours in the pod have profiles of their own.
            let container = quoted(parts.next().unwrap_or_default());
            let labels = format!("{{{CONTAINER}: {container}}}");
            format!("{{namespaces: [{namespace}], workloads: [{workload}], labels: {labels}}}")
        }
        "compose" => {
            let (project, service) = name.split_once('/').unwrap_or((name, ""));
            format!(
                "{{labels: {{{PROJECT}: {}, {SERVICE}: {}}}}}",
                quoted(project),
                quoted(service)
            )
        }
        _ if name.starts_with("sha256:") => format!("{{digests: [{}]}}", quoted(name)),
        _ => {
            let name = name.replace(['*', '?'], "?");
            let patterns = [":*", "@*"].map(|end| super::write::quoted(&format!("{name}{end}")));
            format!("{{images: [{}]}}", patterns.join(", "))
        }
    }
}
