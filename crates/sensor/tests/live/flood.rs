//! One group of processes floods, another one starts programs: what is lost is counted to the last.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use model::event::Call;
use sensor::kernel::{Kernel, Settings};
use sensor::record::{Deed, Record};

use crate::group::Group;
use crate::watch::{acts, kernel};

const OPENS: u64 = 300_000;
const EXECS: u64 = 1_000;

/// The shell enters the group and waits for a line before it becomes the program.
fn start(group: &Group, program: &Path, act: &str, count: u64) -> Child {
    let mut command = group.shell("read go; exec \"$@\"");
    command.arg(program).args([act, &count.to_string()]);
    command.stdin(Stdio::piped()).spawn().expect("a shell")
}

#[derive(Default)]
struct Counts {
    opens: u64,
    execs: u64,
    exits: u64,
}

impl Counts {
    fn add(&mut self, record: &Record, flood: u64, storm: u64) {
        match &record.deed {
            Deed::Call(call) if record.control_group == flood => {
                let is_ours = call.text(1).is_some_and(|path| *path == "/dev/null");
                self.opens += u64::from(is_ours);
            }
            Deed::Exec(exec) if record.control_group == storm => {
                self.execs += u64::from(exec.arguments.first().is_some_and(|name| *name == "true"));
            }
            Deed::Exit(_) if record.control_group == storm => self.exits += 1,
            _ => {}
        }
    }
}

#[test]
fn a_flood_of_opens_costs_no_exec_and_is_counted() {
    let settings = Settings { bulk_bytes: 1 << 20, bulk_budget: 1_000_000, ..Settings::new() };
    let Some((counts, lost)) = flood(&settings) else { return };
    assert_eq!(counts.opens + lost, OPENS, "{} told, {lost} counted as lost", counts.opens);
}

#[test]
fn a_budget_holds_back_one_group_and_counts_it() {
    let settings = Settings { bulk_budget: 100, ..Settings::new() };
    let Some((counts, lost)) = flood(&settings) else { return };
    assert!(lost > 0);
    assert_eq!(counts.opens + lost, OPENS, "{} told, {lost} counted as lost", counts.opens);
}

/// Whoever wants to connect unseen opens files first, as many as it can: each class has its own
/// budget.
#[test]
fn a_flood_of_opens_hides_no_connection() {
    const ROUNDS: usize = 20;
    let settings = Settings { bulk_budget: 100, ..Settings::new() };
    let (Some(program), Some(mut kernel)) = (acts(), kernel(&settings)) else { return };
    let group = Group::make("opens-and-connect");
    let mut command = group.program(program);
    command.args(["opens-and-connect", "2000"]);
    let seen = crate::watch::run(&mut kernel, &[Call::Openat, Call::Connect], &mut command);
    let lost = kernel.losses().expect("counts");
    assert!(
        lost.iter().any(|lost| lost.class.name() == "open"),
        "the budget was too large: {lost:?}"
    );
    assert_eq!(seen.calls(Call::Connect).len(), ROUNDS, "lost: {lost:?}");
}

/// Nobody reads while one floods. What another one does then is told all the same.
#[test]
fn a_flood_that_nobody_reads_leaves_room_for_others() {
    const FEW: u64 = 20;
    let settings = Settings { bulk_bytes: 1 << 20, ..Settings::new() };
    let Some(counts) = unread(&settings, "opens", [20_000, FEW]) else { return };
    assert_eq!(counts.opens, FEW);
}

#[test]
fn a_storm_of_programs_that_nobody_reads_leaves_room_for_others() {
    const FEW: u64 = 2;
    let settings = Settings { critical_bytes: 4 << 20, critical_budget: 64, ..Settings::new() };
    let Some(counts) = unread(&settings, "execs", [2_500, FEW]) else { return };
    assert_eq!(counts.execs, FEW);
}

/// Who reads files without end spends nothing of what writes have.
#[test]
fn a_flood_of_reads_hides_no_write() {
    const WRITES: usize = 20;
    let settings = Settings { bulk_budget: 100, ..Settings::new() };
    let (Some(program), Some(mut kernel)) = (acts(), kernel(&settings)) else { return };
    let group = Group::make("reads-and-writes");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("written");
    let script = format!(
        "for i in $(seq {WRITES}); do \"$1\" opens 2000; echo x > {}; done",
        path.display()
    );
    let mut command = group.shell(&script);
    command.arg(program);
    let seen = crate::watch::run(&mut kernel, &[Call::Openat], &mut command);
    let lost = kernel.losses().expect("counts");
    let of_group = |class: &str| {
        lost.iter().any(|it| it.control_group == Some(group.number) && it.class.name() == class)
    };
    assert!(of_group("open") && !of_group("change"), "{lost:?}");
    let is_it = |call: &&sensor::record::CallRecord| {
        call.text(1).is_some_and(|text| text == path.as_os_str().as_encoded_bytes())
    };
    assert_eq!(seen.calls(Call::Openat).into_iter().filter(is_it).count(), WRITES, "{lost:?}");
}

/// What was told of a group in which something was done so many times, after it was done in another one
/// and before anything was read.
fn unread(settings: &Settings, act: &str, [flood, few]: [u64; 2]) -> Option<Counts> {
    let (program, mut kernel) = (acts()?, kernel(settings)?);
    let (flooding, quiet) = (Group::make(&format!("unread-{act}")), Group::make("quiet"));
    kernel.watch(&BTreeSet::from([Call::Openat])).expect("opens are watched");
    for (group, count) in [(&flooding, flood), (&quiet, few)] {
        let mut command = group.program(program);
        let ended = command.args([act, &count.to_string()]).status().expect("a shell");
        assert!(ended.success());
    }
    let mut counts = Counts::default();
    let mut add = |record: Result<Record, _>| {
        counts.add(&record.expect("a record"), quiet.number, quiet.number);
    };
    while kernel.receive(Duration::ZERO, &mut add) > 0 {}
    let lost = kernel.losses().expect("counts");
    println!("lost: {lost:?}");
    assert!(lost.iter().any(|lost| lost.control_group == Some(flooding.number)), "too few");
    Some(counts)
}

/// What was told, and the opens of the flooding group that were counted as lost.
fn flood(settings: &Settings) -> Option<(Counts, u64)> {
    let program = acts()?;
    let mut kernel = kernel(settings)?;
    let (flooding, storming) = (Group::make("flood"), Group::make("storm"));
    let mut children =
        [start(&flooding, program, "opens", OPENS), start(&storming, program, "execs", EXECS)];
    let ids = (flooding.number, storming.number);
    // The shells' own opens are not to be counted.
    std::thread::sleep(Duration::from_millis(300));
    kernel.watch(&BTreeSet::from([Call::Openat])).expect("opens are watched");
    for child in &mut children {
        let mut input = child.stdin.take().expect("its input");
        input.write_all(b"go\n").expect("it waits");
    }
    let since = Instant::now();
    let mut counts = Counts::default();
    let mut receive = |kernel: &mut Kernel| {
        let add = &mut |record: Result<Record, _>| {
            counts.add(&record.expect("a record"), ids.0, ids.1);
        };
        kernel.receive(Duration::from_millis(100), add)
    };
    while children.iter_mut().any(|child| child.try_wait().expect("a child").is_none()) {
        receive(&mut kernel);
        assert!(since.elapsed() < Duration::from_secs(180), "the flood does not end");
    }
    while receive(&mut kernel) > 0 {}
    let losses = kernel.losses().expect("counts");
    println!(
        "{OPENS} opens and {EXECS} execs in {:?}: {} opens told, lost: {losses:?}; {:?}",
        since.elapsed(),
        counts.opens,
        kernel.costs().expect("costs"),
    );
    assert_eq!(counts.execs, EXECS, "every program is told");
    // The shell that became the program, and its children.
    assert_eq!(counts.exits, EXECS + 1);
    let of_flood = losses.iter().filter(|lost| lost.control_group == Some(ids.0));
    let opens = of_flood.filter(|lost| lost.class.name() == "open");
    Some((counts, opens.map(|lost| lost.count).sum()))
}
