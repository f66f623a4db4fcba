//! Lays the layers over each other and says what is installed in the image as it runs.
//!
//! All that is decided here follows from the facts of the layers alone; nothing is read any more,
//! and the same facts always give the same inventory.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};
use model::{Basis, Inventory, Location, Os, Package, PackageKind, Problem, ProblemKind};

use crate::LayerFacts;
use crate::attribution::{Identity, appearances};
use crate::complete::Completing;
use crate::facts::{FileFacts, Installed, Named};
use crate::malware::gather as malware;
use crate::os::{choice, rpm};
use crate::owners;
use crate::secret::gather;
use crate::select;
use crate::survey::{Survey, Unread};
use crate::view::Stack;

/// Links of one kind that are told one by one; a folder may hold nothing else.
const TOLD_MAX: usize = 100;

/// Files of which the same is noticed that are told one by one: a cache of modules has thousands.
const NOTICES_MAX: usize = 10;

/// The inventory of the image that `layers` make up, from the lowest to the highest. Where the
/// artifact has no layers of its own (a directory, a plain tar: one "layer"), `has_layers` is
/// false and nothing names one.
pub fn squash(layers: &[LayerFacts], has_layers: bool) -> Inventory {
    let stack = Stack::new(layers);
    let view = stack.all();
    let survey = Survey::of(&view);
    let mut problems = problems(&survey, layers);
    problems.extend(malware::unopened(&stack));
    let os = choice::os(&survey.files);
    let packages = packages(&survey, &stack, os.as_ref(), has_layers, &mut problems);
    problems.extend(removed_system(&stack, os.as_ref(), &packages));
    let secrets = gather::secrets(&stack, os.as_ref(), has_layers);
    if !has_layers {
        problems.iter_mut().for_each(|problem| problem.layer = None);
    }
    problems.sort_unstable();
    problems.dedup();
    Inventory {
        secrets,
        malware: malware::malware(&stack, &packages, has_layers),
        misconfigurations: Vec::new(),
        packages,
        repositories: repositories(&survey),
        os,
        problems,
    }
}

fn packages(
    survey: &Survey<'_>,
    stack: &Stack<'_>,
    os: Option<&Os>,
    has_layers: bool,
    problems: &mut Vec<Problem>,
) -> Vec<Package> {
    let view = stack.all();
    let appeared = if has_layers { appearances(stack) } else { HashMap::new() };
    let mut completing = Completing::new(&view);
    // A package is large, and a table of them would keep room for as many again.
    let listed = survey.databases().map(|database| database.facts.packages.len()).sum();
    let mut packages: Vec<Package> = Vec::with_capacity(listed);
    let mut found: HashSet<Identity<'_>> = HashSet::with_capacity(listed);
    for database in survey.databases() {
        for installed in &database.facts.packages {
            let identity = Identity::of(installed, &database.path);
            if !found.insert(identity) {
                continue;
            }
            let layer = appeared.get(&identity).copied().unwrap_or(database.layer);
            let layer = has_layers.then_some(layer);
            let path = path(&database.path, &installed.within);
            let location = Location { path, layer };
            packages.push(completing.complete(installed, location, database));
        }
    }
    drop(found);
    problems.extend(completing.problems());
    owners::assign(&mut packages);
    drop_described(&mut packages);
    drop_repeated(&mut packages, os);
    packages.sort_unstable();
    packages
}

/// A system that a layer below names and the image does not any more: whoever takes the database away
/// (`rm -rf /var/lib/dpkg`, tools that make images small) leaves the programs. Where the image still says
/// which system it is, it is known that packages are missing.
fn removed_system(stack: &Stack<'_>, os: Option<&Os>, packages: &[Package]) -> Option<Problem> {
    if os.is_some() || packages.iter().any(|package| package.kind.is_os()) {
        return None;
    }
    let view = stack.all();
    let removed = |(index, layer): (u32, &LayerFacts)| {
        let files = layer.entries.iter().filter_map(|(path, named)| match named {
            Named::File(Some(facts)) if !view.shows(path, facts) => Some((&**path, &**facts)),
            _ => None,
        });
        let told = |(path, facts): (&str, &FileFacts)| {
            let of_system = |installed: &&Installed| installed.package.kind.is_os();
            let count = facts.packages.iter().filter(of_system).count();
            let what = match count {
                0 if !facts.release.as_ref()?.tells() => return None,
                0 => "said which system this is".to_owned(),
                count => format!("listed {count} packages of the operating system"),
            };
            let message = format!(
                "{what}, and a layer above removed that, with all that tells: what the image holds of the \
                 system is not known, and absence of findings means nothing"
            );
            Some((count, Problem::new(ProblemKind::Unreadable, path, message).in_layer(index)))
        };
        files.filter_map(told).max_by_key(|(count, _)| *count)
    };
    (0_u32..).zip(stack.layers()).filter_map(removed).max_by_key(|(count, _)| *count).map(|it| it.1)
}

/// What a `deps.json` stands beside or above is described there, by the names of packages.
fn drop_described(packages: &mut Vec<Package>) {
    let describes = |package: &&Package| {
        package.kind == PackageKind::Nuget && package.location.path.ends_with(".deps.json")
    };
    let descriptions = packages.iter().filter(describes);
    let described: BTreeSet<String> =
        descriptions.map(|package| select::split(&package.location.path).0.to_owned()).collect();
    packages.retain(|package| {
        let is_assembly = package.kind == PackageKind::Nuget && package.basis == Basis::FileName;
        let folders = std::iter::successors(Some(package.location.path.as_str()), |path| {
            (!path.is_empty()).then(|| select::split(path).0)
        });
        !is_assembly || !folders.skip(1).any(|folder| described.contains(folder))
    });
}

/// A program that is recognised by its bytes and came in a package of the distribution is that
/// package once more.
fn drop_repeated(packages: &mut Vec<Package>, os: Option<&Os>) {
    let Some(os) = os else { return };
    let is_own = |package: &&Package| package.kind.is_os() && package.is_built_by(os);
    let own: BTreeSet<String> =
        packages.iter().filter(is_own).map(|package| package.name.clone()).collect();
    packages.retain(|package| {
        let is_repeated = package.owner.as_ref().is_some_and(|owner| own.contains(owner));
        package.kind != PackageKind::Generic || package.basis != Basis::Signature || !is_repeated
    });
}

/// The file, and where in it.
fn path(file: &str, within: &str) -> String {
    if within.is_empty() { file.to_owned() } else { format!("{file}!/{within}") }
}

fn repositories(survey: &Survey<'_>) -> Vec<String> {
    let all = survey.files.iter().flat_map(|file| &file.facts.repositories);
    all.cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

fn problems(survey: &Survey<'_>, layers: &[LayerFacts]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, layer) in (0_u32..).zip(layers) {
        problems.extend(layer.problems.iter().map(|problem| problem.clone().in_layer(index)));
    }
    let mut notices: BTreeMap<&str, usize> = BTreeMap::new();
    for file in &survey.files {
        for (kind, message) in &file.facts.problems {
            if *kind == ProblemKind::Notice {
                let count = notices.entry(message).or_default();
                *count = count.saturating_add(1);
                if *count > NOTICES_MAX {
                    continue;
                }
            }
            problems.push(Problem::new(*kind, &*file.path, &**message).in_layer(file.layer));
        }
    }
    let others = |(message, count): (&str, usize)| {
        let more = count.checked_sub(NOTICES_MAX).filter(|more| *more > 0)?;
        Some(Problem::new(ProblemKind::Notice, format!("{more} more files"), message))
    };
    problems.extend(notices.into_iter().filter_map(others));
    problems.extend(rpm::replaced(&survey.files));
    for place in &survey.loops {
        problems.push(Problem::new(ProblemKind::Damaged, &**place, "links lead in a circle"));
    }
    for (place, at) in survey.dangling.iter().take(TOLD_MAX) {
        let message = format!("it is a hard link to `{at}`, which is not there");
        problems.push(Problem::new(ProblemKind::Damaged, &**place, message));
    }
    problems.extend(more(survey.dangling.len(), ProblemKind::Damaged, "are hard links to nothing"));
    if survey.unfollowed > 0 {
        let message = format!(
            "so many lead in circles or elsewhere that {} were not followed",
            survey.unfollowed
        );
        problems.push(Problem::new(ProblemKind::LimitReached, "links", message));
    }
    problems.extend(survey.unread.iter().take(TOLD_MAX).map(unread));
    let stand = "stand for files that were not read";
    problems.extend(more(survey.unread.len(), ProblemKind::LimitReached, stand));
    problems
}

/// That there are more than are told in full.
fn more(count: usize, kind: ProblemKind, what: &str) -> Option<Problem> {
    let more = count.checked_sub(TOLD_MAX).filter(|more| *more > 0)?;
    Some(Problem::new(kind, "links", format!("{more} more {what}")))
}

/// Few passes are made; links that lead on from there, or that nobody followed.
fn unread(unread: &Unread) -> Problem {
    let (at, what) = match unread {
        Unread::Link { at, .. } => (at, "leads on to files that were not read".to_owned()),
        Unread::File { at, like } => (at, format!("stands for `{like}` and was not read")),
        Unread::Directory { at, like } => (at, format!("stands for `{like}` and was not read")),
    };
    Problem::new(ProblemKind::LimitReached, &**at, what)
}
