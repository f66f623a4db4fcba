//! A recording of hours, cut down to what rules can tell apart: of each program, what it does once, and
//! whatever a rule told.
//!
//! Nothing of the machine that made it stays but what the noise is about: no process outside of it, no
//! address, of environments only what every container has.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use detect::Detection;
use detect::recording::{HEADER, Writer};
use model::event::{Call, Container, Event, Process};

/// Where `cargo xtask noise` has its scripts.
const PLACE: &[u8] = b"/srv/lazaret-noise";
const LABEL: &str = "lazaret.noise";
const CONTAINERS: &str = "noise-";
/// Of the same image, and no honest work.
const BENCHES: &str = "lazaret-bench-";
/// What stands around containers, and acts for them.
const ENGINES: [&[u8]; 4] = [b"/dockerd", b"/containerd", b"/containerd-shim-runc-v2", b"/runc"];
/// Of one program and call, so many that differ.
const OF_ONE_MAX: usize = 8;
/// Alerts of one kind that are kept.
const ALERTS_MAX: u32 = 2;

pub(crate) fn is_of_noise(event: &Event) -> bool {
    match &event.container {
        Some(container) => {
            let name = container.name.as_deref().unwrap_or_default();
            let is_of_bench = name.starts_with(BENCHES);
            name.starts_with(CONTAINERS) || container.labels.contains_key(LABEL) && !is_of_bench
        }
        None => event.ancestors.iter().any(|process| is_script(process)),
    }
}

/// One of the scripts, which begins what is done on the host.
fn is_script(process: &Process) -> bool {
    process.arguments.iter().any(|word| word.starts_with(PLACE) && word.ends_with(b".sh"))
}

/// `CONTAINER PROGRAM`, without what differs from one run to the next.
pub(crate) fn who(event: &Event) -> String {
    let container = event.container.as_ref().map(|it| match it.name.as_deref() {
        Some(name) if name.starts_with(CONTAINERS) => name,
        // Docker makes up names for those that build images.
        _ => "build",
    });
    let program = String::from_utf8_lossy(&shape(&event.process.executable.path)).into_owned();
    format!("{} {program}", container.unwrap_or("host"))
}

/// Names without what is made up: every number is the same.
fn shape(text: &[u8]) -> Vec<u8> {
    let mut shape: Vec<u8> = Vec::new();
    for byte in text {
        match byte {
            b'0'..=b'9' if shape.ends_with(b"#") => {}
            b'0'..=b'9' => shape.push(b'#'),
            other => shape.push(*other),
        }
    }
    shape
}

pub(crate) struct Excerpt {
    calls: BTreeSet<Call>,
    writer: Writer,
    bytes: Vec<u8>,
    /// What each program did by each call, by its shape.
    seen: HashMap<(String, Call, bool), BTreeSet<Vec<u8>>>,
    /// Of which alerts there are how many, and the first of each as a recording of its own.
    alerts: BTreeMap<String, (u32, Vec<u8>)>,
}

impl Excerpt {
    /// Of calls that rules ask for.
    pub(crate) fn of(calls: BTreeSet<Call>) -> Self {
        let (writer, bytes) = (Writer::new(), HEADER.to_vec());
        Self { calls, writer, bytes, seen: HashMap::new(), alerts: BTreeMap::new() }
    }

    /// What the noise did, and what rules tell of it.
    pub(crate) fn see(&mut self, event: &Event, told: &[Detection]) {
        if self.is_wanted(event, told) {
            self.writer.event(&clean(event), &mut self.bytes).unwrap();
        }
    }

    fn is_wanted(&mut self, event: &Event, told: &[Detection]) -> bool {
        let who = who(event);
        let mut is_alert = false;
        for detection in told {
            let alert = self.alerts.entry(format!("{} {who}", detection.rule.name));
            let (count, _) = alert.or_insert_with(|| (0, alone(event)));
            *count += 1;
            is_alert |= *count <= ALERTS_MAX;
        }
        if is_alert || !self.calls.contains(&event.call) {
            return is_alert;
        }
        let failed = event.result.is_some_and(|result| result < 0);
        let seen = self.seen.entry((who, event.call, failed)).or_default();
        seen.len() < OF_ONE_MAX && seen.insert(shape(format!("{:?}", event.act).as_bytes()))
    }

    /// The recording, and one of each alert, which may become a fixture of its rule.
    pub(crate) fn finish(self) -> (Vec<u8>, Vec<Vec<u8>>) {
        (self.bytes, self.alerts.into_values().map(|(_, alone)| alone).collect())
    }
}

fn alone(event: &Event) -> Vec<u8> {
    let mut bytes = HEADER.to_vec();
    Writer::new().event(&clean(event), &mut bytes).unwrap();
    bytes
}

fn clean(event: &Event) -> Event {
    let mut event = event.clone();
    let inside = event.ancestors.iter().take_while(|it| {
        it.control_group == event.process.control_group && event.container.is_some()
            || is_script(it)
            || ENGINES.iter().any(|engine| it.executable.path.ends_with(engine))
            || event.ancestors.iter().any(|other| is_script(other) && other.started <= it.started)
    });
    let ancestors: Vec<_> = inside.map(|it| Arc::new(with_little_environment(it))).collect();
    event.ancestors = ancestors.into();
    event.process = Arc::new(with_little_environment(&event.process));
    event.container = event.container.map(|container| {
        let labels = container.labels.clone().into_iter().filter(|(name, _)| name == LABEL);
        let labels: BTreeMap<_, _> = labels.collect();
        let container = Container::clone(&container);
        Arc::new(Container { labels, environment: Vec::new(), address: None, ..container })
    });
    event
}

fn with_little_environment(process: &Process) -> Process {
    let words = process.environment.iter().filter(|word| word.starts_with(b"PATH=/"));
    let environment = words.cloned().collect();
    // Engines are wherever somebody started them.
    let is_engine = ENGINES.iter().any(|engine| process.executable.path.ends_with(engine));
    let directory = if is_engine { "/".into() } else { process.directory.clone() };
    Process { environment, directory, ..process.clone() }
}
