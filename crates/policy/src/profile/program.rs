//! Programs of a workload: which files it executes, where they came from, and who starts them.

use std::collections::{BTreeMap, BTreeSet};

use model::event::{Executable, Layering};

use super::path::{Part, Pattern};
use super::widening::{Reason, Widen};

/// Programs that are told apart: an image of a distribution has some hundred, a workload runs a few.
pub(super) const PROGRAMS_MAX: usize = 256;
/// Programs that start one: a shell in the middle of scripts has some.
pub(super) const PARENTS_MAX: usize = 16;

/// Where the file of a program came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The image brought it, and nobody changed it.
    Image,
    /// It was written since the container began.
    Written,
    /// It is in memory alone.
    Memory,
    /// It is on no layer: of a volume, a `tmpfs`, or a container without an overlay.
    Mounted,
}

impl Origin {
    pub(super) const ALL: [Self; 4] = [Self::Image, Self::Written, Self::Memory, Self::Mounted];

    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Written => "written",
            Self::Memory => "memory",
            Self::Mounted => "mounted",
        }
    }

    pub(super) fn of(file: &Executable) -> Self {
        match file.layering {
            _ if file.from_memory => Self::Memory,
            Layering::Lower => Self::Image,
            Layering::Upper => Self::Written,
            Layering::None | Layering::Inside => Self::Mounted,
        }
    }
}

/// Who started it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parent {
    /// Whoever it was.
    Any,
    /// The container's runtime: its entry point, a check of its health, `docker exec`.
    Runtime,
    Program(Pattern),
}

impl core::fmt::Display for Parent {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Runtime => f.write_str("runtime"),
            Self::Program(path) => path.fmt(f),
        }
    }
}

/// What is known of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    pub origins: BTreeSet<Origin>,
    pub parents: BTreeSet<Parent>,
}

/// All of them, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Programs(pub(super) BTreeMap<Pattern, Program>);

impl Programs {
    pub fn iter(&self) -> impl Iterator<Item = (&Pattern, &Program)> {
        self.0.iter()
    }

    pub(super) fn covers(&self, path: &Pattern, origin: Origin, parent: &Parent) -> bool {
        self.of(path).any(|program| program.covers(origin, parent))
    }

    /// Whether the path is among them, wherever the file came from and whoever started it.
    pub(super) fn names(&self, path: &Pattern) -> bool {
        self.of(path).next().is_some()
    }

    pub(super) fn knows_origin(&self, path: &Pattern, origin: Origin) -> bool {
        self.of(path).any(|program| program.origins.contains(&origin))
    }

    fn of(&self, path: &Pattern) -> impl Iterator<Item = &Program> {
        let exactly = self.0.get(path);
        // Few are wide; almost always the first answer is enough.
        let wide = self.0.iter().filter(|(it, _)| it.is_wide() && it.covers(path));
        exactly.into_iter().chain(wide.map(|(_, program)| program))
    }

    /// Adds one that is not covered.
    pub(super) fn add(
        &mut self,
        path: &Pattern,
        origin: Origin,
        parent: &Parent,
        widen: Widen<'_>,
    ) {
        let wide = self.0.keys().find(|it| *it != path && it.is_wide() && it.covers(path));
        let key = if self.0.contains_key(path) { path } else { wide.unwrap_or(path) }.clone();
        let program = self.0.entry(key.clone()).or_default();
        program.origins.insert(origin);
        if !program.parents.contains(&Parent::Any) {
            program.parents.insert(parent.clone());
        }
        program.limit(&key, widen);
        while self.0.len() > PROGRAMS_MAX {
            self.widen_largest(widen);
        }
    }

    /// The programs of the folder that has most of them become one; if no folder has two, all do.
    fn widen_largest(&mut self, widen: Widen<'_>) {
        let mut folders: BTreeMap<Pattern, usize> = BTreeMap::new();
        for path in self.0.keys() {
            *folders.entry(path.folder()).or_default() += 1;
        }
        // Of equals the first.
        let largest = folders.into_iter().rev().max_by_key(|(_, count)| *count);
        let key = match largest {
            Some((folder, count)) if count > 1 => folder,
            _ => Pattern(vec![Part::Below]),
        };
        let (gone, kept): (BTreeMap<_, _>, BTreeMap<_, _>) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|(path, _)| key.covers(path) || *path == key);
        self.0 = kept;
        let mut all = Program::default();
        for program in gone.into_values() {
            all.origins.extend(program.origins);
            all.parents.extend(program.parents);
        }
        all.limit(&key, widen);
        widen(key.clone(), Reason::Programs);
        self.0.insert(key, all);
        // Without a root there is no folder; memory files are one by one, and few programs make more.
        if self.0.len() > PROGRAMS_MAX {
            self.0.retain(|path, _| path.path().is_some() || path.is_wide());
        }
    }
}

impl Program {
    pub(super) fn covers(&self, origin: Origin, parent: &Parent) -> bool {
        let is_known = |known: &Parent| match (known, parent) {
            (Parent::Any, _) | (Parent::Runtime, Parent::Runtime) => true,
            (Parent::Program(known), Parent::Program(path)) => known.covers(path),
            _ => false,
        };
        self.origins.contains(&origin) && self.parents.iter().any(is_known)
    }

    fn limit(&mut self, path: &Pattern, widen: Widen<'_>) {
        if self.parents.contains(&Parent::Any) || self.parents.len() > PARENTS_MAX {
            if self.parents.len() > PARENTS_MAX {
                widen(path.clone(), Reason::Parents);
            }
            self.parents = [Parent::Any].into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_without_end_become_a_folder() {
        let (mut programs, mut widened) = (Programs::default(), Vec::new());
        let run = |programs: &mut Programs, widened: &mut Vec<String>, path: &str, parent: &str| {
            let parent = Parent::Program(Pattern::of(parent.as_bytes()));
            let widen =
                &mut |it: Pattern, why: Reason| widened.push(format!("{it}: {}", why.text()));
            programs.add(&Pattern::of(path.as_bytes()), Origin::Image, &parent, widen);
        };
        run(&mut programs, &mut widened, "/bin/sh", "/init");
        for number in 0..PROGRAMS_MAX {
            run(&mut programs, &mut widened, &format!("/srv/{number}"), "/bin/sh");
        }
        let paths: Vec<String> = programs.0.keys().map(ToString::to_string).collect();
        assert_eq!(paths, ["/bin/sh", "/srv/*"]);
        assert_eq!(widened, ["/srv/*: more than 256 programs"]);
        for number in 0..=PARENTS_MAX {
            run(&mut programs, &mut widened, "/bin/sh", &format!("/opt/{number}"));
        }
        let parents = &programs.0[&Pattern::of(b"/bin/sh")].parents;
        assert_eq!(parents, &BTreeSet::from([Parent::Any]));
        let sh = Pattern::of(b"/bin/sh");
        assert!(programs.covers(&sh, Origin::Image, &Parent::Runtime));
        assert!(!programs.covers(&sh, Origin::Written, &Parent::Runtime));
    }

    #[test]
    fn memory_files_without_end_stay_within_the_limit() {
        let mut programs = Programs::default();
        for number in 0..3 * PROGRAMS_MAX {
            let path = Pattern::of(format!("memfd:{number}").as_bytes());
            programs.add(&path, Origin::Memory, &Parent::Runtime, &mut |_, _| {});
            assert!(programs.0.len() <= PROGRAMS_MAX);
        }
    }
}
