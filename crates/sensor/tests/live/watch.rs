//! A kernel that is watched while one program runs.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use model::event::Call;
use sensor::kernel::{Kernel, Settings, Tier};
use sensor::record::{CallRecord, Deed, Exec, Record};
use tempfile::TempDir;

/// Longer than any record is on its way.
const PATIENCE: Duration = Duration::from_secs(10);

/// None, said, where programs cannot be loaded.
pub(crate) fn kernel(settings: &Settings) -> Option<Kernel> {
    if !rustix::process::geteuid().is_root() || !Path::new("/sys/kernel/btf/vmlinux").exists() {
        testkit::skip("BPF programs want root and the kernel's type information");
        return None;
    }
    let settings = Settings { tier: settings.tier.or_else(tier), ..settings.clone() };
    Some(Kernel::start(&settings).expect("the programs load"))
}

/// The one that all tests are to run on; the best that there is if nobody says so.
pub(crate) fn tier() -> Option<Tier> {
    let name = std::env::var("LAZARET_TEST_TIER").ok()?;
    let tier = Tier::ALL.into_iter().find(|tier| tier.name() == name);
    Some(tier.expect("a tier's name"))
}

/// The program of `acts.c`, compiled once a process; or one that stands where there is no compiler.
pub(crate) fn acts() -> Option<&'static Path> {
    static THERE: LazyLock<Option<PathBuf>> =
        LazyLock::new(|| std::env::var_os("LAZARET_TEST_ACTS").map(PathBuf::from));
    if let Some(program) = &*THERE {
        return Some(program);
    }
    static BUILT: LazyLock<Option<(TempDir, PathBuf)>> = LazyLock::new(|| {
        if !testkit::installed("gcc") {
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("acts");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/acts.c");
        let status =
            Command::new("gcc").args(["-O1", "-w", "-o"]).arg(&program).arg(source).status();
        assert!(status.expect("gcc runs").success());
        Some((folder, program))
    });
    BUILT.as_ref().map(|(_, program)| program.as_path())
}

/// Whether there is a program of 32 bits that does the same; said, where there is none.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn has_acts_of_compat() -> bool {
    let is_there = std::env::var_os("LAZARET_TEST_ACTS_OF_COMPAT").is_some();
    if !is_there {
        testkit::lack("`cargo xtask vm-test` makes calls of 32 bits");
    }
    is_there
}

/// x86-64 makes them with an instruction.
#[cfg(target_arch = "x86_64")]
pub(crate) fn has_acts_of_compat() -> bool {
    true
}

/// What one process and its children did, from its fork to its exit.
pub(crate) struct Seen {
    pub(crate) pid: u32,
    pub(crate) records: Vec<Record>,
}

impl Seen {
    pub(crate) fn execs(&self) -> Vec<&Exec> {
        let exec = |record: &'_ Record| matches!(record.deed, Deed::Exec(_));
        self.records
            .iter()
            .filter(|record| exec(record))
            .filter_map(|record| match &record.deed {
                Deed::Exec(exec) => Some(&**exec),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn calls(&self, call: Call) -> Vec<&CallRecord> {
        let calls = self.records.iter().filter_map(|record| match &record.deed {
            Deed::Call(told) if told.call == call => Some(&**told),
            _ => None,
        });
        calls.collect()
    }
}

/// Runs a command to its end and gives its records.
pub(crate) fn run(kernel: &mut Kernel, calls: &[Call], command: &mut Command) -> Seen {
    let wanted: BTreeSet<Call> = calls.iter().copied().collect();
    kernel.watch(&wanted).expect("calls can be watched");
    follow(kernel, command)
}

/// The same of what is watched already.
pub(crate) fn follow(kernel: &mut Kernel, command: &mut Command) -> Seen {
    let mut child = command.spawn().expect("it starts");
    let pid = child.id();
    child.wait().expect("it ends");
    let mut all = Vec::new();
    let since = Instant::now();
    let is_end =
        |record: &Record| record.process.pid == pid && matches!(record.deed, Deed::Exit(_));
    while !all.iter().any(is_end) {
        assert!(since.elapsed() < PATIENCE, "the exit of {pid} was never told");
        kernel
            .receive(Duration::from_millis(100), &mut |record| all.push(record.expect("a record")));
    }
    // The other buffer has no order with this one.
    kernel.receive(Duration::from_millis(50), &mut |record| all.push(record.expect("a record")));
    assert!(kernel.losses().expect("counts").iter().all(|lost| lost.class.name() != "exec"));
    let mut family = BTreeSet::from([pid]);
    all.sort_by_key(|record| record.time);
    for record in &all {
        if let Deed::Fork(fork) = &record.deed
            && family.contains(&record.process.pid)
        {
            family.insert(fork.child.pid);
        }
    }
    let is_ours = |record: &Record| match &record.deed {
        Deed::Fork(fork) => fork.child.pid == pid || family.contains(&record.process.pid),
        _ => family.contains(&record.process.pid),
    };
    all.retain(is_ours);
    Seen { pid, records: all }
}

/// The same of `acts`.
pub(crate) fn act<S: AsRef<OsStr>>(calls: &[Call], arguments: &[S]) -> Option<Seen> {
    let program = acts()?;
    let mut kernel = kernel(&Settings::new())?;
    Some(run(&mut kernel, calls, Command::new(program).args(arguments)))
}
