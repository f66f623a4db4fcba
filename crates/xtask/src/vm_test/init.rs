//! The first program of the machine: it mounts what programs expect, runs the tests as its child,
//! says how they ended, and turns the machine off.

use super::architecture::Facts;
use super::kernel::Kernel;

/// Where the machine has what it runs.
pub(super) const TESTS: [&str; 2] = ["tests/live", "tests/live-respond"];
pub(super) const ACTS: &str = "tests/acts";
pub(super) const ACTS_OF_COMPAT: &str = "tests/acts-of-compat";
pub(super) const MODULES: &str = "tests/modules";
/// What the second serial port carries when all is well. A test cannot write it by accident: its
/// output goes to the first.
pub(super) const PASSED: &str = "passed";
/// Floods measure how fast the machine is, and one that is emulated takes minutes for them; there is
/// no engine that would run containers.
const LEFT_OUT: &str = "--skip flood:: --skip ::containers:: --skip fanotify::";
/// What no tier has to do with is run once.
const OF_NO_TIER: &str = "--skip prevent:: --skip processes:: --skip groups::";

/// What responses need no engine for, by the beginning of their names.
const OF_RESPONSES: &str = "machine::";

/// Run once more where threads are preempted in the middle of calls, which this kernel does when told.
const OF_TIERS: &str = "tier::";
const PREEMPTION: &str = "/sys/kernel/debug/sched/preempt";

/// Without these the kernel lets no program be attached to its functions, hooks of security modules
/// among them; or is never told to preempt calls.
const OF_FUNCTIONS: &str = "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS";
const OF_PREEMPTION: &str = "CONFIG_PREEMPT_DYNAMIC";

/// What one machine is for.
pub(super) struct Task {
    /// The machine's name in what is printed, and of its files.
    pub(super) name: &'static str,
    runs: String,
}

/// Machines that run side by side: a tier each, or one in which nothing disturbs what is measured. What
/// this kernel cannot run is said.
pub(super) fn tasks(only: &str, measures: bool, kernel: &Kernel) -> Vec<Task> {
    let lacks = |option: &str, what: &str| {
        let is_lacking = !kernel.has(option);
        if is_lacking {
            println!("left out: {what} (this kernel is built without {option})");
        }
        is_lacking
    };
    let has_no_functions = lacks(OF_FUNCTIONS, "all that fentry and hooks of BPF-LSM do");
    if measures {
        let fentry = live("fentry", "--ignored 'cost::'");
        let fentry = if has_no_functions { String::new() } else { fentry };
        let runs = fentry + &live("tracepoints", "--ignored of_coming");
        return vec![Task { name: "cost", runs }];
    }
    let rest = format!("{LEFT_OUT} '{only}'");
    let mut tracepoints = live("tracepoints", &rest);
    if only.is_empty() {
        tracepoints += &responses();
    }
    if has_no_functions {
        let expected = "export LAZARET_TEST_WITHOUT_HOOKS=1\n";
        return vec![Task { name: "tracepoints", runs: format!("{expected}{tracepoints}") }];
    }
    let mut of_fentry = live("fentry", &format!("{OF_NO_TIER} {rest}"));
    if !lacks(OF_PREEMPTION, "calls that are preempted") {
        let preempted = format!("echo full > {PREEMPTION}\n");
        of_fentry += &(preempted + &live("fentry", OF_TIERS));
    }
    vec![Task { name: "tracepoints", runs: tracepoints }, Task { name: "fentry", runs: of_fentry }]
}

/// One test at a time: they would see, and pay for, each other's programs.
fn live(tier: &str, rest: &str) -> String {
    let [tests, _] = TESTS;
    format!("LAZARET_TEST_TIER={tier} /{tests} --test-threads=1 --nocapture {rest} || failed=1\n")
}

/// Responses that need no engine.
fn responses() -> String {
    let [_, tests] = TESTS;
    format!("/{tests} --test-threads=1 --nocapture {OF_RESPONSES} || failed=1\n")
}

pub(super) fn script(task: &Task, facts: &Facts) -> String {
    let runs = &task.runs;
    let verdict = facts.verdict_device;
    let of_compat = match facts.tools_of_compat {
        Some(_) => format!("export LAZARET_TEST_ACTS_OF_COMPAT=/{ACTS_OF_COMPAT}\n"),
        None => String::new(),
    };
    format!(
        "#!/bin/busybox sh
/bin/busybox --install -s /bin
mkdir /proc /sys /tmp
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t tmpfs none /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
mount -t securityfs none /sys/kernel/security
mount -t debugfs none /sys/kernel/debug
mount -t tmpfs none /tmp
ifconfig lo up
insmod /{MODULES}/overlay.ko
uname -srv
export PATH=/bin LAZARET_TESTS=strict LAZARET_TEST_ACTS=/{ACTS} RUST_BACKTRACE=1
export LAZARET_TEST_MODULES=/{MODULES}
{of_compat}{runs}[ \"$failed\" ] || echo {PASSED} > {verdict}
poweroff -f
"
    )
}
