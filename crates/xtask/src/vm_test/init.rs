//! The first program of the machine: it mounts what programs expect, runs the tests as its child,
//! says how they ended, and turns the machine off.

/// Where the machine has what it runs.
pub(super) const TESTS: &str = "tests/live";
pub(super) const ACTS: &str = "tests/acts";
pub(super) const MODULES: &str = "tests/modules";
/// What the second serial port carries when all is well. A test cannot write it by accident: its
/// output goes to the first.
pub(super) const PASSED: &str = "passed";
/// Floods measure how fast the machine is, and one that is emulated takes minutes for them; there is
/// no engine that would run containers.
const LEFT_OUT: &str = "--skip flood:: --skip ::containers:: --skip fanotify::";
/// What no tier has to do with is run once.
const OF_NO_TIER: &str = "--skip prevent:: --skip processes:: --skip groups::";

/// Run once more where threads are preempted in the middle of calls, which this kernel does when told.
const OF_TIERS: &str = "tier::";
const PREEMPTION: &str = "/sys/kernel/debug/sched/preempt";

/// What one machine is for.
pub(super) struct Task {
    /// The machine's name in what is printed, and of its files.
    pub(super) name: &'static str,
    runs: String,
}

/// Machines that run side by side: a tier each, or one in which nothing disturbs what is measured.
pub(super) fn tasks(only: &str, measures: bool) -> Vec<Task> {
    if measures {
        let runs =
            live("fentry", "--ignored 'cost::'") + &live("tracepoints", "--ignored of_coming");
        return vec![Task { name: "cost", runs }];
    }
    let rest = format!("{LEFT_OUT} '{only}'");
    let preempted = format!("echo full > {PREEMPTION}\n") + &live("fentry", OF_TIERS);
    let of_fentry = live("fentry", &format!("{OF_NO_TIER} {rest}")) + &preempted;
    vec![
        Task { name: "tracepoints", runs: live("tracepoints", &rest) },
        Task { name: "fentry", runs: of_fentry },
    ]
}

/// One test at a time: they would see, and pay for, each other's programs.
fn live(tier: &str, rest: &str) -> String {
    format!("LAZARET_TEST_TIER={tier} /{TESTS} --test-threads=1 --nocapture {rest} || failed=1\n")
}

pub(super) fn script(task: &Task) -> String {
    let runs = &task.runs;
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
{runs}[ \"$failed\" ] || echo {PASSED} > /dev/ttyS1
poweroff -f
"
    )
}
