//! Preventions: what a kernel refuses before it is done, for whom, and whether it does or only tells.
//!
//! A prevention is an act and its objects, no condition of a rule language: a kernel that holds a
//! call until the answer is there cannot ask more. Processes of the host are left alone unless a
//! scope names them.

use std::ops::RangeInclusive;

use jiff::civil::Date;
use model::event::{Container, Text};
use model::{Network, Place as Path, Prevention, Refused};
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::check::{Check, Word};
use super::network::{network, ports};
use super::scope::{Place, Scope, ScopeFile, Whom};
use super::{GuardPolicy, Moment};
use crate::rule::date;

/// Each is a bit of what a control group is kept from.
const PREVENTIONS_MAX: usize = 64;
/// Paths and networks of all preventions: they stand in tables of the kernel, which are made for
/// so many.
const OBJECTS_MAX: usize = 4_096;
/// Longest path of Linux (`PATH_MAX`), its end included.
const PATH_BYTES_MAX: usize = 4_095;

/// A prevention as the file has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PreventFile {
    id: Spanned<String>,
    refuse: Kind,
    #[serde(default)]
    paths: Vec<Spanned<String>>,
    #[serde(default)]
    networks: Vec<Spanned<String>>,
    #[serde(default)]
    ports: Vec<Spanned<String>>,
    #[serde(default)]
    scope: ScopeFile,
    #[serde(default)]
    mode: Mode,
    observe_until: Option<Spanned<String>>,
    /// For people: why.
    #[serde(default, rename = "reason")]
    _reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Execute,
    ExecuteForeign,
    ExecuteExcept,
    Read,
    Write,
    Connect,
    Mount,
    Trace,
    LoadModule,
    LoadBpf,
}

/// Whether the act is refused, or let through and told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Observe,
    Enforce,
}

/// A checked prevention.
#[derive(Clone, Debug)]
pub(super) struct Prevent {
    prevention: Prevention,
    scope: Scope,
    mode: Mode,
    observe_until: Option<Date>,
}

/// Which preventions hold for somebody, each a bit by its place in [`GuardPolicy::preventions`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    pub bits: u64,
    /// Of these, the ones that refuse; the others only tell.
    pub refused: u64,
}

pub(super) fn check(files: &[PreventFile], check: &mut Check) -> Vec<Prevent> {
    if let Some(file) = files.get(PREVENTIONS_MAX) {
        check.wrong(&file.id, format!("more than {PREVENTIONS_MAX} preventions"));
    }
    let mut ids: Vec<&str> = Vec::new();
    let mut prevented = Vec::new();
    let mut objects = 0;
    for file in files.iter().take(PREVENTIONS_MAX) {
        let id = file.id.value.as_str();
        if ids.contains(&id) {
            check.wrong(&file.id, format!("two preventions are called `{id}`"));
        }
        ids.push(id);
        prevented.extend(file.check(check));
        objects += prevented.last().map_or(0, Prevent::objects);
        if objects > OBJECTS_MAX {
            let message = format!("more than {OBJECTS_MAX} paths and networks of preventions");
            check.wrong(&file.id, message);
            break;
        }
    }
    prevented
}

impl PreventFile {
    fn check(&self, check: &mut Check) -> Option<Prevent> {
        let before = check.errors.len();
        if self.id.value.trim().is_empty() {
            check.wrong(&self.id, "a prevention without a name");
        }
        for (what, texts) in [("user", &self.scope.users), ("resource", &self.scope.resources)] {
            if let Some(text) = texts.first() {
                check.wrong(text, format!("a kernel refuses by container, not by {what}"));
            }
        }
        if let Some(until) = &self.observe_until
            && self.mode == Mode::Observe
        {
            check
                .wrong(until, "`mode: observe` has no end; `observe_until` is for `mode: enforce`");
        }
        let prevent = Prevent {
            prevention: Prevention { id: self.id.value.clone(), act: self.act(check) },
            scope: self.scope.check(check),
            mode: self.mode,
            observe_until: date(self.observe_until.as_ref(), &mut check.errors),
        };
        (check.errors.len() == before).then_some(prevent)
    }

    fn act(&self, check: &mut Check) -> Refused {
        let takes_paths =
            matches!(self.refuse, Kind::Execute | Kind::ExecuteExcept | Kind::Read | Kind::Write);
        let takes_networks = self.refuse == Kind::Connect;
        let wanted = [
            ("paths", &self.paths, takes_paths, takes_paths),
            ("networks", &self.networks, takes_networks, takes_networks),
            ("ports", &self.ports, takes_networks, false),
        ];
        for (key, texts, is_taken, is_needed) in wanted {
            match texts.first() {
                Some(text) if !is_taken => {
                    check.wrong(text, format!("what is refused here has no `{key}`"));
                }
                None if is_needed => {
                    check.wrong(&self.id, format!("`{key}` is missing: of what it is refused"));
                }
                _ => {}
            }
        }
        match self.refuse {
            Kind::Execute => Refused::Execute(paths(&self.paths, check)),
            Kind::ExecuteForeign => Refused::ExecuteForeign,
            Kind::ExecuteExcept => Refused::ExecuteExcept(paths(&self.paths, check)),
            Kind::Read => Refused::Read(paths(&self.paths, check)),
            Kind::Write => Refused::Write(paths(&self.paths, check)),
            Kind::Connect => Refused::Connect(networks(&self.networks, &self.ports, check)),
            Kind::Mount => Refused::Mount,
            Kind::Trace => Refused::Trace,
            Kind::LoadModule => Refused::LoadModule,
            Kind::LoadBpf => Refused::LoadBpf,
        }
    }
}

fn paths(texts: &[Spanned<String>], check: &mut Check) -> Vec<Path> {
    let words = check.words(texts);
    let path = |word: &Word| path(&word.text).map_err(|why| word.mistake(why));
    words.iter().filter_map(|word| path(word).map_err(|it| check.errors.push(it)).ok()).collect()
}

/// A file, or with `/**` behind it everything below a folder.
fn path(text: &str) -> Result<Path, String> {
    let (path, is_folder) = match text.strip_suffix("/**") {
        Some(folder) => (folder, true),
        None => (text, false),
    };
    if path.contains(['*', '?']) {
        return Err(format!(
            "`{text}`: a kernel compares paths as they are: a file, or `/**` behind a folder"
        ));
    }
    let Some(below) = path.strip_prefix('/').filter(|below| !below.is_empty()) else {
        return Err(match is_folder && path.is_empty() {
            true => "`/**` is every file; name folders".to_owned(),
            false => format!("`{text}` is no path from the root on"),
        });
    };
    if path.len() > PATH_BYTES_MAX {
        return Err(format!("a path of more than {PATH_BYTES_MAX} bytes"));
    }
    if below.split('/').any(|part| matches!(part, "" | "." | "..")) || below.contains('\0') {
        return Err(format!("`{text}` is not as a kernel writes it: without `//`, `.` and `..`"));
    }
    let path = Text::from(path);
    Ok(if is_folder { Path::Below(path) } else { Path::Exactly(path) })
}

fn networks(
    texts: &[Spanned<String>],
    wanted: &[Spanned<String>],
    check: &mut Check,
) -> Vec<Network> {
    let ports: Vec<RangeInclusive<u16>> = ports(wanted, check);
    let words = check.words(texts);
    let of = |word: &Word| match network(&word.text) {
        Some((address, prefix)) => Ok(Network { address, prefix, ports: ports.clone() }),
        None => Err(word
            .mistake(format!("`{}` is no address and no network", word.text))
            .hint(Some("a kernel knows no domains, and no ranges but networks".to_owned()))),
    };
    words.iter().filter_map(|word| of(word).map_err(|it| check.errors.push(it)).ok()).collect()
}

impl Prevent {
    fn objects(&self) -> usize {
        match &self.prevention.act {
            Refused::Connect(networks) => networks.len(),
            act => act.places().len(),
        }
    }
}

impl GuardPolicy {
    /// What is to be refused; the number of each is its bit.
    pub fn preventions(&self) -> Vec<Prevention> {
        self.prevented.iter().map(|it| it.prevention.clone()).collect()
    }

    /// What holds for a container, or for the host where there is none.
    pub fn held(&self, container: Option<&Container>, moment: Moment) -> Held {
        let whom = match container {
            Some(container) => Whom::Container(container, None),
            None => Whom::Host(None),
        };
        self.held_by(&whom, moment)
    }

    /// What holds for a container of which nothing is known yet: that which holds for all of them.
    pub fn held_unknown(&self, moment: Moment) -> Held {
        self.held(Some(&Container::default()), moment)
    }

    fn held_by(&self, whom: &Whom<'_>, moment: Moment) -> Held {
        let mut held = Held::default();
        for (number, prevent) in self.prevented.iter().enumerate().take(PREVENTIONS_MAX) {
            if prevent.scope.holds(whom, Place::Containers) != Some(true) {
                continue;
            }
            let bit = 1 << number;
            held.bits |= bit;
            let is_in_force = |until: Option<Date>| until.is_none_or(|day| moment.today >= day);
            let refuses = moment.enforce
                && prevent.mode == Mode::Enforce
                && is_in_force(prevent.observe_until)
                && is_in_force(self.observe_until);
            if refuses {
                held.refused |= bit;
            }
        }
        held
    }
}
