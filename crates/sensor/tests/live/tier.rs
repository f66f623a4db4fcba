//! Tiers: which one stands, that it tells all calls however they are made, and that it neither mixes
//! nor loses what threads do at once.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Child;
use std::time::{Duration, Instant};

use model::event::Call;
use sensor::kernel::{Cause, Kernel, Settings, Tier};
use sensor::record::{Abi, Deed, Record};

use crate::group::Group;
use crate::watch::{acts, has_acts_of_compat, kernel, run, tier};

/// Numbered calls of `acts storm`.
const STORM: Call = Call::Mkdirat;
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn the_best_tier_stands_and_a_lower_one_has_a_reason() {
    let Some(_) = kernel(&Settings::new()) else { return };
    let kernel = Kernel::start(&Settings::new()).expect("some tier loads");
    let (found, because) = kernel.tier();
    println!("{}: {because:?}", found.name());
    assert_eq!(because.is_some(), found != Tier::Fentry);
    let modes = std::fs::read_to_string("/sys/kernel/debug/sched/preempt").unwrap_or_default();
    if tier() == Some(Tier::Fentry) && !modes.contains("(full)") {
        assert_eq!(found, Tier::Fentry, "it loads here");
    }
    if modes.contains("(full)") {
        assert_eq!(found, Tier::Tracepoints);
        assert!(because.is_some_and(|because| because.contains("preempt")));
    }
    let chosen = Settings { tier: Some(Tier::Tracepoints), ..Settings::new() };
    let kernel = Kernel::start(&chosen).expect("it always loads");
    assert_eq!(kernel.tier().0, Tier::Tracepoints);
}

/// Each of them has a function of its own, if the tier looks at functions.
#[test]
fn a_call_is_told_by_each_of_its_numbers() {
    let Some(program) = acts() else { return };
    let Some(mut kernel) = kernel(&Settings::new()) else { return };
    let all: BTreeSet<Call> = Call::ALL.iter().copied().collect();
    kernel.watch(&all).expect("all are watched");
    // Younger than the kernel that this runs on may be, or not in every Debian's.
    let mut lacking = BTreeSet::from([Call::Fchmodat2]);
    if cfg!(target_arch = "aarch64") {
        lacking.insert(Call::KexecFileLoad);
    }
    let unseen = kernel.unseen();
    assert!(unseen.is_subset(&lacking), "{unseen:?}");
    // These are done, whatever their arguments.
    let does = BTreeSet::from([Call::Fork, Call::Vfork]);
    let calls = all.iter().filter(|call| !does.contains(call) && !unseen.contains(call));
    let numbers = calls.flat_map(|call| sensor::numbers_of(*call));
    let has_compat = has_acts_of_compat();
    let numbers = numbers.filter(|(abi, _)| has_compat || *abi != Abi::Compat);
    let expected: BTreeSet<(&str, u16)> = numbers.map(|(abi, it)| (name(abi), it)).collect();
    println!("{} numbers", expected.len());
    assert!(expected.len() > if has_compat { 150 } else { 60 }, "{expected:?}");
    let group = Group::make("numbers");
    let mut command = group.program(program);
    command.arg("numbers").args(expected.iter().map(|(abi, number)| format!("{abi}:{number}")));
    let seen = run(&mut kernel, Call::ALL, &mut command);
    let told = seen.records.iter().filter_map(|record| match &record.deed {
        Deed::Call(told) => Some((name(told.abi), u16::try_from(told.number).ok()?)),
        _ => None,
    });
    let told: BTreeSet<(&str, u16)> = told.collect();
    let missing: Vec<_> = expected.difference(&told).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn name(abi: Abi) -> &'static str {
    match abi {
        Abi::Native => "native",
        Abi::Compat => "compat",
        Abi::X32 => "x32",
    }
}

#[test]
fn threads_that_make_calls_at_once_are_not_mixed() {
    const THREADS: u32 = 6;
    const CALLS: u32 = 5_000;
    let Some(mut kernel) = kernel(&roomy()) else { return };
    kernel.watch(&BTreeSet::from([STORM])).expect("it is watched");
    let group = Group::make("threads");
    let Some(mut child) = storm(&group, THREADS, CALLS) else { return };
    let mut told = Told::default();
    let since = Instant::now();
    while child.try_wait().expect("a child").is_none() {
        told.receive(&mut kernel);
        assert!(since.elapsed() < PATIENCE, "it does not end");
    }
    while told.receive(&mut kernel) > 0 {}
    told.check(&kernel, THREADS * CALLS);
}

#[test]
fn other_calls_come_and_go_without_a_gap() {
    const TURNS: usize = 3;
    let Some(mut kernel) = kernel(&roomy()) else { return };
    let more = BTreeSet::from([STORM, Call::Tkill, Call::Listen]);
    kernel.watch(&BTreeSet::from([STORM])).expect("it is watched");
    let group = Group::make("turns");
    let Some(mut child) = storm(&group, 1, i32::MAX.unsigned_abs()) else { return };
    let mut told = Told::default();
    for _ in 0..TURNS {
        let before = told.count();
        while told.count() == before {
            told.receive(&mut kernel);
        }
        kernel.watch(&more).expect("more are watched");
        kernel.watch(&BTreeSet::from([STORM])).expect("less are watched");
    }
    child.kill().expect("it is there");
    child.wait().expect("it ends");
    while told.receive(&mut kernel) > 0 {}
    let [numbers] = *told.threads.values().collect::<Vec<_>>() else { panic!("one thread") };
    let losses = kernel.losses().expect("counts");
    println!("{} told, {losses:?}", numbers.len());
    assert!(numbers.len() >= TURNS);
    // A slow machine may take longer to attach what is wanted than the buffer has room for.
    let lost: u64 = losses.iter().map(|lost| lost.count).sum();
    let missing: u64 = numbers.windows(2).map(|pair| u64::from(pair[0] - pair[1]) - 1).sum();
    assert!(missing <= lost, "{missing} not told, {lost} counted as lost");
}

/// Room for all that a storm does.
fn roomy() -> Settings {
    Settings { bulk_bytes: 64 << 20, bulk_budget: u64::MAX, ..Settings::new() }
}

/// In a group of its own: it would spend the budget of whatever else is tested now.
fn storm(group: &Group, threads: u32, calls: u32) -> Option<Child> {
    let mut command = group.program(acts()?);
    command.args(["storm", &threads.to_string(), &calls.to_string()]);
    Some(command.spawn().expect("it starts"))
}

/// The numbers of the calls of each thread, as they were told.
#[derive(Default)]
struct Told {
    threads: BTreeMap<u32, Vec<u32>>,
}

impl Told {
    fn receive(&mut self, kernel: &mut Kernel) -> usize {
        kernel.receive(Duration::ZERO, &mut |record| self.add(&record.expect("a record")))
    }

    fn count(&self) -> usize {
        self.threads.values().map(Vec::len).sum()
    }

    /// Every part of the path has to be of the thread that the record is of.
    fn add(&mut self, record: &Record) {
        let Deed::Call(call) = &record.deed else { return };
        let Some(path) = call.text(1).filter(|path| path.starts_with(b"/storm/")) else { return };
        let whole = path.to_string();
        let [_, _, thread, number, filling, end] = *whole.split('/').collect::<Vec<_>>() else {
            panic!("{path:?}")
        };
        let number: u32 = number.parse().expect("a number");
        assert_eq!((thread, end), (&*record.thread.to_string(), thread), "{path:?}");
        assert_eq!(filling, "d".repeat(number as usize % 100), "{path:?}");
        assert_eq!((call.call, call.result), (STORM, -2));
        assert_eq!(call.base(1), None);
        assert!(!record.cut);
        self.threads.entry(record.thread).or_default().push(number);
    }

    /// What is missing is counted, and there is no reason for it but one.
    fn check(&self, kernel: &Kernel, expected: u32) {
        let mut count = 0;
        for (thread, numbers) in &self.threads {
            let falls = numbers.windows(2).all(|pair| pair[0] > pair[1]);
            assert!(falls, "calls of {thread} are told once and in their order");
            count += u64::try_from(numbers.len()).expect("some");
        }
        let losses = kernel.losses().expect("counts");
        println!("{count} of {expected} told, lost: {losses:?}");
        assert!(losses.iter().all(|lost| lost.cause == Cause::Preempted), "{losses:?}");
        let lost: u64 = losses.iter().map(|lost| lost.count).sum();
        assert_eq!(count + lost, u64::from(expected));
    }
}
