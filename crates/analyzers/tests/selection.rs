//! Which paths are read, held against the selects taken word by word; and the limits of one layer.
//!
//! The paths to try come from the selects themselves, so that a new analyzer needs no line here.

use analyzers::{ALL, Checks, LayerCollector, Select, squash};
use model::{Entry, EntryKind, ProblemKind, Visitor, Want};

/// Entries of which the collector remembers the paths, and those it keeps by name, in one layer.
const ENTRIES: usize = 4 << 20;
const NAMED: usize = 256 << 10;

fn entry(path: &str, size: u64) -> Entry<'_> {
    Entry { path, kind: EntryKind::File, mode: 0o644, uid: 0, gid: 0, size }
}

/// Of the analyzers that look for packages.
fn selects() -> impl Iterator<Item = Select> {
    let of_packages = ALL.iter().filter(|analyzer| analyzer.check().is_none());
    of_packages.flat_map(|analyzer| analyzer.selects().iter().copied())
}

/// The directory that a select speaks of.
fn directory(select: Select) -> &'static str {
    match select {
        Select::Path(path) => path.rsplit_once('/').map_or("", |(directory, _)| directory),
        Select::In { directory, .. }
        | Select::Consulted { directory, .. }
        | Select::Below { directory, .. } => directory,
        Select::Anywhere { .. } | Select::Executable | Select::Any => "",
    }
}

/// What the documentation of [`Select`] says, and nothing clever.
fn is_meant(select: Select, path: &str) -> bool {
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    match select {
        Select::Path(meant) => path == meant,
        Select::In { directory, suffix } | Select::Consulted { directory, suffix } => {
            parent == directory && name.ends_with(suffix)
        }
        Select::Below { directory, name: meant } => {
            let (above, below) = parent.rsplit_once('/').unwrap_or(("", parent));
            let is_named = |other: Select| self::directory(other).starts_with(parent);
            above == directory && !below.is_empty() && name == meant && !selects().any(is_named)
        }
        Select::Anywhere { directory, name: meant } => {
            let parent = parent.rsplit_once('/').map_or(parent, |(_, parent)| parent);
            fits(directory, parent) && fits(meant, name)
        }
        // Nothing here may be executed.
        Select::Executable => false,
        Select::Any => true,
    }
}

/// A `*` at the beginning or the end of a pattern stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => text.ends_with(end),
        (None, Some(beginning)) => text.starts_with(beginning),
        (None, None) => text == pattern,
    }
}

/// Paths that a select means, and their near misses.
fn tries(select: Select) -> Vec<String> {
    let paths = match select {
        Select::Path(path) => vec![path.to_owned()],
        Select::In { directory, suffix } | Select::Consulted { directory, suffix } => {
            vec![format!("{directory}/a{suffix}"), format!("{directory}/b/a{suffix}")]
        }
        Select::Below { directory, name } => vec![
            format!("{directory}/a/{name}"),
            format!("{directory}/{name}"),
            format!("{directory}/a/b/{name}"),
        ],
        Select::Anywhere { directory, name } => {
            let name = name.replace('*', "x");
            let inside = format!("{}/{name}", directory.replace('*', "x"));
            vec![format!("srv/{inside}"), inside, name]
        }
        Select::Executable | Select::Any => vec!["usr/bin/x".to_owned()],
    };
    let near = |path: String| {
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent).to_owned();
        let (longer, deeper) = (format!("{path}~"), format!("chroot/{path}"));
        let (inside, upper) = (format!("{path}/x"), path.to_uppercase());
        [path, longer, deeper, inside, upper, parent]
    };
    paths.into_iter().flat_map(near).filter(|path| !path.is_empty()).collect()
}

#[test]
fn what_is_read_is_what_the_selects_say() {
    let (mut read, mut left) = (0, 0);
    for path in selects().flat_map(tries) {
        let meant = selects().any(|select| is_meant(select, &path));
        let want = LayerCollector::new(Checks::default()).entry(&entry(&path, 10));
        // Of some kinds only the beginning is wanted at first.
        assert_eq!(want != Want::Nothing, meant, "`{path}`");
        *if meant { &mut read } else { &mut left } += 1;
    }
    assert!(read > 20 && left > 100, "{read} read, {left} left");
}

/// The problems of a layer, whatever else it holds.
fn problems(collector: LayerCollector) -> Vec<String> {
    let inventory = squash(&[collector.finish()], false);
    let limits = inventory.problems.into_iter().filter(|it| it.kind == ProblemKind::LimitReached);
    limits.map(|problem| problem.message).collect()
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    for analyzer in ALL {
        let Some(Select::Path(path)) = analyzer.selects().first() else { continue };
        let size = u64::MAX;
        let mut collector = LayerCollector::new(Checks::default());
        assert_eq!(collector.entry(&entry(path, size)), Want::Nothing, "{path}");
        let problems = problems(collector);
        assert!(problems.iter().any(|it| it.contains("more than the")), "{path}: {problems:?}");
    }
}

#[test]
fn paths_are_remembered_up_to_a_limit() {
    let mut collector = LayerCollector::new(Checks::default());
    for number in 0..=ENTRIES {
        assert_eq!(collector.entry(&entry(&format!("d/{number}"), 0)), Want::Nothing);
    }
    assert_eq!(problems(collector), ["more than 32 MiB of facts in one layer"]);
}

#[test]
fn names_are_kept_up_to_a_limit() {
    let mut collector = LayerCollector::new(Checks::default());
    for number in 0..NAMED + 2 {
        let path = format!("var/lib/dpkg/info/{number}.list");
        collector.entry(&entry(&path, 0));
    }
    assert_eq!(
        problems(collector),
        [format!("more than {NAMED} entries that matter in one layer")]
    );
}

/// Two hundred databases of a thousand packages are more than a layer may say; what was said before
/// stays.
#[test]
fn facts_are_kept_up_to_a_limit() {
    let fields = "Status: install ok installed\nArchitecture: all\nVersion: 1\n\n";
    let mut collector = LayerCollector::new(Checks::default());
    for number in 0..200 {
        let package = |package: usize| format!("Package: p{number}-{package}\n{fields}");
        let database: String = (0..1000).map(package).collect();
        let path = format!("var/lib/dpkg/status.d/{number}");
        let entry = entry(&path, database.len() as u64);
        assert_eq!(collector.entry(&entry), Want::Content);
        collector.content(&entry, database.as_bytes());
    }
    let inventory = squash(&[collector.finish()], false);
    assert!(inventory.packages.len() >= 10_000, "{}", inventory.packages.len());
    assert!(inventory.packages.len() < 200_000, "{}", inventory.packages.len());
    let said: Vec<String> = inventory.problems.iter().map(|it| it.message.clone()).collect();
    assert_eq!(said, ["more than 32 MiB of facts in one layer"]);
}

/// A file full of nonsense says so a few times, and not a million.
#[test]
fn one_file_has_few_problems() {
    let nonsense = "nonsense\n\n".repeat(100_000);
    let mut collector = LayerCollector::new(Checks::default());
    let entry = entry("var/lib/dpkg/status", nonsense.len() as u64);
    assert_eq!(collector.entry(&entry), Want::Content);
    collector.content(&entry, nonsense.as_bytes());
    let inventory = squash(&[collector.finish()], false);
    assert!((1..=20).contains(&inventory.problems.len()), "{}", inventory.problems.len());
}

/// The messages about a layer with these entries.
fn told(entries: &[(&str, EntryKind<'_>)]) -> Vec<(ProblemKind, String)> {
    let mut collector = LayerCollector::new(Checks::default());
    for &(path, kind) in entries {
        let header = Entry { kind, ..entry(path, 0) };
        if collector.entry(&header) == Want::Content {
            collector.content(&header, b"");
        }
    }
    let problems = squash(&[collector.finish()], true).problems;
    problems.into_iter().map(|it| (it.kind, it.to_string())).collect()
}

/// A link took the place of a directory that only its files told of, and the files went with it.
#[test]
fn a_path_is_one_thing_in_a_layer() {
    let (file, link) = (EntryKind::File, EntryKind::Symlink("/data"));
    let status = ("var/lib/dpkg/status", file);
    let honest = [("var/lib/dpkg", EntryKind::Directory), status, ("data", link)];
    assert_eq!(told(&honest), []);
    let found = told(&[status, ("data/status", file), ("var/lib/dpkg", link)]);
    let [(ProblemKind::Damaged, message)] = &found[..] else { panic!("{found:?}") };
    assert!(message.starts_with("`var/lib/dpkg`: 1 paths are directories and some"), "{message}");
    for other in [file, EntryKind::Special, EntryKind::HardLink("x")] {
        assert_eq!(told(&[("opt/a/b", file), ("opt", other)]).len(), 1, "{other:?}");
    }
}
