//! What a guard recorded, cut down to one scenario.
//!
//! Nothing of the machine that made it stays but what the scenario is about: no environment but the loader's, no
//! process outside of it, no label, no address.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use detect::recording::{HEADER, Reader, Writer};
use detect::{RuleFile, Ruleset};
use model::event::{Act, Call, Container, Event, Executable, Layering, Process};

use super::Mark;

/// Programs read their own libraries and locales; no rule asks for that.
const READ_BY_ALL: [&[u8]; 5] = [b"/usr/", b"/lib", b"/etc/ld.so.cache", b"/proc/self/", b"/dev/"];

/// One recording a scenario.
pub(super) fn bless(record: &Path, ran: &BTreeMap<String, Mark>, content: &Path) {
    let calls = calls(content);
    let reader = Reader::new(BufReader::new(File::open(record).unwrap())).unwrap();
    let mut cuts: BTreeMap<&str, (Writer, Vec<u8>)> = BTreeMap::new();
    for event in reader.map(Result::unwrap) {
        let Some((name, mark)) = ran.iter().find(|(_, mark)| is_of(&event, mark)) else { continue };
        if !calls.contains(&event.call) || is_read_by_all(&event) || is_setup(&event) {
            continue;
        }
        let (writer, bytes) = cuts.entry(name).or_insert_with(|| (Writer::new(), HEADER.to_vec()));
        writer.event(&clean(event, mark), bytes).unwrap();
    }
    for (name, (_, bytes)) in cuts {
        std::fs::write(content.join(name).with_extension("lzr"), bytes).unwrap();
    }
}

/// Those that the rules ask for.
fn calls(content: &Path) -> BTreeSet<Call> {
    let mut files = Vec::new();
    find(content, &mut files);
    let named: Vec<(String, Vec<u8>)> = files
        .iter()
        .map(|file| (file.display().to_string(), std::fs::read(file).unwrap()))
        .collect();
    let files: Vec<RuleFile<'_>> =
        named.iter().map(|(name, bytes)| RuleFile { name, bytes }).collect();
    let (ruleset, _) = Ruleset::load(&files);
    ruleset.rules().iter().flat_map(|rule| rule.calls()).copied().collect()
}

fn find(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find(&path, files);
        } else if path.extension().is_some_and(|it| it == "yaml") {
            files.push(path);
        }
    }
}

fn is_of(event: &Event, mark: &Mark) -> bool {
    match mark {
        Mark::Container { id } => event.container.as_ref().is_some_and(|it| it.id == *id),
        // It only starts the script.
        Mark::Process(pid) => event.ancestors.iter().any(|it| it.pid == *pid),
    }
}

/// What the runtime does before the container's own program begins, which live runs alone show.
fn is_setup(event: &Event) -> bool {
    // By its program, which is of no layer: scenarios take its name and its paths. Its copy of itself
    // is the root of a mount.
    let Executable { path, layering, .. } = &event.process.executable;
    let is_runtime = *path == "/" || path.ends_with(b"/runc");
    event.call != Call::Container && is_runtime && *layering == Layering::None
}

fn is_read_by_all(event: &Event) -> bool {
    match &event.act {
        Act::Open { path, flags, .. } => {
            !flags.writes() && READ_BY_ALL.iter().any(|begin| path.path.starts_with(begin))
        }
        _ => false,
    }
}

fn clean(mut event: Event, mark: &Mark) -> Event {
    let group = event.process.control_group;
    let is_inside = |ancestor: &&Arc<Process>| match mark {
        Mark::Container { .. } => ancestor.control_group == group,
        Mark::Process(pid) => ancestor.pid != *pid,
    };
    let inside = event.ancestors.iter().take_while(is_inside);
    let ancestors: Vec<_> = inside.map(|it| Arc::new(without_environment(it))).collect();
    event.ancestors = ancestors.into();
    event.process = Arc::new(without_environment(&event.process));
    event.container = event.container.map(|container| {
        Arc::new(Container {
            labels: BTreeMap::new(),
            environment: Vec::new(),
            address: None,
            ..(*container).clone()
        })
    });
    event
}

/// What a scenario told the loader stays: rules ask for it.
fn without_environment(process: &Process) -> Process {
    let environment = process.environment.iter().filter(|it| it.starts_with(b"LD_")).cloned();
    Process { environment: environment.collect(), ..process.clone() }
}
