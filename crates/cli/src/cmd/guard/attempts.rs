//! Attempts on the guard itself, and the end of a helper: events → detections that no rule file has.
//!
//! Who the guard is, it alone knows: its processes, and the files that it lives by. What it does itself
//! is not among its events. It tells, and refuses nothing.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use detect::{Detection, Rule, RuleFile, Ruleset};
use model::event::{Act, Event, Object, PathArgument, Text};
use serde_json::json;

/// Calls that are looked at for the guard's own sake, whatever rules ask for.
pub(super) const CALLS: [model::event::Call; 5] = [
    model::event::Call::Kill,
    model::event::Call::Tkill,
    model::event::Call::Tgkill,
    model::event::Call::Ptrace,
    model::event::Call::ProcessVmWritev,
];

/// Helpers that ended are told within a moment; numbers of processes come again much later.
const HELPERS_MAX: usize = 64;

/// Signals by which people and service managers work the guard: 0 asks, HUP has it read anew, CONT
/// wakes it.
const HARMLESS: [i32; 3] = [0, 1, 18];
const SIGTERM: i32 = 15;

const PTRACE_ATTACH: u64 = 16;
const PTRACE_SEIZE: u64 = 0x4206;

/// What an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Signalled,
    Taken,
    Written,
    Ended,
}

impl Kind {
    /// The name, the reason, how urgent, and what it is in ATT&CK.
    fn words(self) -> [&'static str; 4] {
        match self {
            Self::Signalled => [
                "guard-signalled",
                "somebody ends or stops the guard, or a helper of it",
                "CRITICAL",
                "T1562.001",
            ],
            Self::Taken => [
                "guard-taken-over",
                "somebody traces the guard or a helper of it, or writes into its memory",
                "CRITICAL",
                "T1055.008",
            ],
            Self::Written => [
                "guard-files-changed",
                "somebody changes what the guard lives by: its program, policy, rules, journal, alerts \
                 that wait, or its pins in the kernel",
                "ERROR",
                "T1562.001",
            ],
            Self::Ended => [
                "guard-helper-ended",
                "a helper of the guard ended by itself: it did what it may not, or was ended",
                "ERROR",
                "T1562.001",
            ],
        }
    }

    fn rule(self) -> Option<Arc<Rule>> {
        let [name, why, priority, technique] = self.words();
        let text = json!([{
            "rule": name,
            "desc": why,
            "condition": "evt.type = execve",
            "output": name,
            "priority": priority,
            "tags": ["guard", technique],
        }]);
        let bytes = text.to_string().into_bytes();
        let (ruleset, _) = Ruleset::load(&[RuleFile { name: "guard", bytes: &bytes }]);
        ruleset.rules().first().cloned()
    }
}

/// Whose attempts are seen.
pub(super) struct Attempts {
    own: u32,
    /// Present ones, and some that ended.
    helpers: Vec<u32>,
    /// Files, and folders with all below, as the host has them.
    places: Vec<PathBuf>,
    /// Of those of them that are files: whatever path leads there.
    files: BTreeSet<(u64, u64)>,
    /// Of the own program: who runs it by hand writes the journal rightly.
    program: Option<(u64, u64)>,
}

impl Attempts {
    /// On this process and these places.
    pub(super) fn on(places: &[PathBuf]) -> Self {
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let places: Vec<PathBuf> = places.iter().map(absolute).collect();
        let found = |path: &PathBuf| std::fs::metadata(path).ok().filter(|it| it.is_file());
        let files = places.iter().filter_map(found).map(|it| identity(&it)).collect();
        let program = std::fs::metadata("/proc/self/exe").ok().map(|it| identity(&it));
        Self { own: std::process::id(), helpers: Vec::new(), places, files, program }
    }

    /// These helpers live.
    pub(super) fn set_helpers(&mut self, now: &[u32]) {
        for process in now
            .iter()
            .filter(|process| !self.helpers.contains(process))
            .copied()
            .collect::<Vec<_>>()
        {
            if self.helpers.len() == HELPERS_MAX {
                self.helpers.remove(0);
            }
            self.helpers.push(process);
        }
    }

    pub(super) fn judge(&self, event: &Event) -> Option<Detection> {
        if event.process.pid == self.own {
            return None;
        }
        let (kind, what) = self.attempt(event)?;
        let command: Vec<String> =
            event.process.arguments.iter().map(ToString::to_string).collect();
        let outcome = if event.failed() { " (in vain)" } else { "" };
        Some(Detection {
            rule: kind.rule()?,
            time: event.time,
            message: format!("{what}{outcome} (command={})", command.join(" ")),
            fields: Vec::new(),
        })
    }

    fn attempt(&self, event: &Event) -> Option<(Kind, String)> {
        match &event.act {
            Act::Kill { process, signal } if self.is_meant(event, *process) => {
                // The first process is who manages services.
                let is_manager = event.process.pid == 1 && *signal == SIGTERM;
                (!HARMLESS.contains(signal) && !is_manager)
                    .then(|| (Kind::Signalled, format!("signal {signal} for process {process}")))
            }
            Act::Trace { request: PTRACE_ATTACH | PTRACE_SEIZE, process }
                if self.is_meant(event, i64::from(*process)) =>
            {
                Some((Kind::Taken, format!("process {process} is traced")))
            }
            Act::WriteMemory { process } if self.is_meant(event, i64::from(*process)) => {
                Some((Kind::Taken, format!("memory of process {process} is written")))
            }
            Act::Open { descriptor, path, flags, .. } if flags.writes() => {
                let object = match &descriptor.object {
                    Object::File(file) => Some((file.device, file.inode)),
                    _ => None,
                };
                self.opened(event, path, object)
            }
            Act::Exit { status } if self.helpers.contains(&event.process.pid) => {
                // What a helper says by itself is 0, or 130 to be replaced.
                let said = status >> 8 & 0xff;
                let is_well = status & 0x7f == 0 && matches!(said, 0 | 130);
                (!is_well).then(|| (Kind::Ended, format!("helper ended with status {status:#x}")))
            }
            act => changed(act).into_iter().find_map(|path| self.written(event, &path.path)),
        }
    }

    /// Numbers of processes are those of the caller's own table: only who is in the host's can mean us.
    fn is_meant(&self, event: &Event, process: i64) -> bool {
        let is_of_host = event.process.pid == event.process.virtual_pid;
        let ours = |number: u32| i64::from(number) == process;
        is_of_host && (ours(self.own) || self.helpers.iter().copied().any(ours))
    }

    fn opened(
        &self,
        event: &Event,
        path: &PathArgument,
        object: Option<(u64, u64)>,
    ) -> Option<(Kind, String)> {
        let memory = |number: &u32| path.path == format!("/proc/{number}/mem");
        if event.container.is_none() && self.helpers.iter().chain([&self.own]).any(memory) {
            return Some((Kind::Taken, format!("{} is written", path.path)));
        }
        if object.is_some_and(|object| self.files.contains(&object)) {
            return self
                .is_stranger(event)
                .then(|| (Kind::Written, format!("{} is written", path.path)));
        }
        self.written(event, &path.path)
    }

    /// A path in a container is another's file.
    fn written(&self, event: &Event, path: &Text) -> Option<(Kind, String)> {
        let path_of_host = Path::new(std::ffi::OsStr::from_bytes(path));
        let is_ours = self.places.iter().any(|place| path_of_host.starts_with(place));
        (is_ours && event.container.is_none() && self.is_stranger(event))
            .then(|| (Kind::Written, format!("{path} is changed by {}", event.call.name())))
    }

    fn is_stranger(&self, event: &Event) -> bool {
        let executable = &event.process.executable;
        Some((executable.device, executable.inode)) != self.program
    }
}

fn identity(metadata: &std::fs::Metadata) -> (u64, u64) {
    // As events have it: the major number in the upper half.
    let device = metadata.dev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    (u64::from(major) << 32 | u64::from(minor), metadata.ino())
}

/// What a call removes, replaces or changes by name.
fn changed(act: &Act) -> Vec<&PathArgument> {
    match act {
        Act::Rename { from, to } => vec![from, to],
        Act::Unlink { path }
        | Act::RemoveDirectory { path }
        | Act::Truncate { path, .. }
        | Act::Chmod { path, .. }
        | Act::Chown { path, .. }
        | Act::Symlink { path, .. } => vec![path],
        Act::Link { to, .. } => vec![to],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use model::event::{Call, Descriptor, OpenFlags, Process};

    use super::*;

    const HELPER: u32 = 4_000_001;
    const OTHER: u32 = 4_000_002;

    fn event(pid: u32, virtual_pid: u32, act: Act) -> Event {
        Event {
            number: 1,
            time: 0,
            call: Call::Kill,
            thread: pid,
            processor: 0,
            process: Arc::new(Process { pid, virtual_pid, ..Process::default() }),
            ancestors: Arc::default(),
            container: None,
            act,
            result: Some(0),
            denied: false,
        }
    }

    fn named(path: &str) -> PathArgument {
        PathArgument { path: path.into(), ..PathArgument::default() }
    }

    fn open(path: &str, bits: u32) -> Act {
        let flags = OpenFlags { bits, created: false };
        Act::Open { descriptor: Descriptor::default(), path: named(path), flags, mode: 0 }
    }

    #[test]
    fn attempts_are_told_and_what_is_usual_is_not() {
        let mut attempts =
            Attempts::on(&[PathBuf::from("/var/lib/lazaret"), "/etc/guard.yaml".into()]);
        attempts.set_helpers(&[HELPER]);
        let own = std::process::id();
        let kill = |process: u32, signal| Act::Kill { process: process.into(), signal };
        let trace = |request| Act::Trace { request, process: HELPER };
        let signalled = Some("guard-signalled");
        let (taken, written) = (Some("guard-taken-over"), Some("guard-files-changed"));
        let ended = Some("guard-helper-ended");
        let rename = Act::Rename { from: named("/tmp/x"), to: named("/etc/guard.yaml") };
        for (who, act, expected) in [
            ((7, 7), kill(own, 9), signalled),
            ((7, 7), kill(HELPER, 19), signalled),
            ((7, 7), kill(own, 0), None),
            ((7, 7), kill(own, 1), None),
            ((1, 1), kill(own, 15), None),
            ((1, 1), kill(own, 9), signalled),
            ((7, 7), kill(OTHER, 9), None),
            ((7, 3), kill(own, 9), None),
            ((own, own), kill(HELPER, 9), None),
            ((7, 7), trace(16), taken),
            ((7, 7), trace(0x4206), taken),
            ((7, 7), trace(3), None),
            ((7, 7), Act::WriteMemory { process: own }, taken),
            ((7, 7), open(&format!("/proc/{own}/mem"), 2), taken),
            ((7, 7), open(&format!("/proc/{own}/mem"), 0), None),
            ((7, 7), open("/var/lib/lazaret/respond/journal", 1), written),
            ((7, 7), open("/var/lib/lazaretto", 1), None),
            ((7, 7), open("/etc/guard.yaml", 0), None),
            ((7, 7), Act::Unlink { path: named("/etc/guard.yaml") }, written),
            ((7, 7), rename, written),
            ((HELPER, HELPER), Act::Exit { status: 31 }, ended),
            ((HELPER, HELPER), Act::Exit { status: 31 << 8 }, ended),
            ((HELPER, HELPER), Act::Exit { status: 0 }, None),
            ((HELPER, HELPER), Act::Exit { status: 130 << 8 }, None),
            ((OTHER, OTHER), Act::Exit { status: 9 }, None),
        ] {
            let said = format!("{who:?} {act:?}");
            let detection = attempts.judge(&event(who.0, who.1, act));
            let name = detection.map(|it| it.rule.name.clone());
            assert_eq!(name.as_deref(), expected, "{said}");
        }
    }

    #[test]
    fn who_runs_our_program_may_write_its_files() {
        let attempts = Attempts::on(&["/var/lib/lazaret".into()]);
        let act = open("/var/lib/lazaret/journal", 1);
        let mut event = event(7, 7, act);
        let (device, inode) = attempts.program.unwrap();
        let process = Arc::make_mut(&mut event.process);
        (process.executable.device, process.executable.inode) = (device, inode);
        assert!(attempts.judge(&event).is_none());
    }
}
