//! Whether this kernel takes a processor away from a thread in the middle of a system call.
//!
//! Where it does, a program at a function can miss a call that a program at a tracepoint sees. The
//! kernel counts that, but a flood on one processor could cause it on purpose.

use std::fs;

const VERSION: &str = "/proc/sys/kernel/version";
const RELEASE: &str = "/proc/sys/kernel/osrelease";
const MODES: &str = "/sys/kernel/debug/sched/preempt";
const COMMAND_LINE: &str = "/proc/cmdline";
/// Modes in which threads give processors away at places that they choose. `lazy` takes them from
/// calls that last longer than a tick, or for threads of real time.
const YIELDING: [&str; 3] = ["none", "voluntary", "lazy"];

/// Nothing, or why it may.
pub(super) fn reason() -> Option<String> {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let config = format!("/boot/config-{}", read(RELEASE).trim());
    judge(&read(VERSION), &read(MODES), &read(COMMAND_LINE), &read(&config))
}

/// What the kernel can be built for, what it does now, what it was told to do, what it does untold.
fn judge(version: &str, modes: &str, command_line: &str, config: &str) -> Option<String> {
    let model = version.split_whitespace().find(|word| word.starts_with("PREEMPT"))?;
    if model != "PREEMPT_DYNAMIC" {
        return Some(format!("the kernel may preempt calls ({model})"));
    }
    let chosen =
        modes.split_whitespace().find_map(|word| word.strip_prefix('(')?.strip_suffix(')'));
    let mut told = command_line.split_whitespace().rev();
    let told = || told.find_map(|word| word.strip_prefix("preempt="));
    match chosen.or_else(told).or_else(|| default_of(config)) {
        Some(mode) if YIELDING.contains(&mode) => None,
        Some(mode) => Some(format!("the kernel may preempt calls (preempt={mode})")),
        None => Some(format!(
            "whether the kernel preempts calls is not known: `{MODES}` cannot be read"
        )),
    }
}

fn default_of(config: &str) -> Option<&'static str> {
    let of = |line: &str| match line {
        "CONFIG_PREEMPT_NONE=y" => Some("none"),
        "CONFIG_PREEMPT_VOLUNTARY=y" => Some("voluntary"),
        "CONFIG_PREEMPT_LAZY=y" => Some("lazy"),
        "CONFIG_PREEMPT=y" => Some("full"),
        _ => None,
    };
    config.lines().find_map(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DYNAMIC: &str = "#1 SMP PREEMPT_DYNAMIC Debian 6.1.0";
    const VOLUNTARY: &str = "# CONFIG_PREEMPT_NONE is not set\nCONFIG_PREEMPT_VOLUNTARY=y\n";

    /// Version, modes, command line, configuration; what the reason has, if there is one.
    const CASES: &[([&str; 4], Option<&str>)] = &[
        (["#1 SMP Debian 5.10.0", "", "", ""], None),
        (["#1 SMP PREEMPT_RT Debian", "", "preempt=none", VOLUNTARY], Some("PREEMPT_RT")),
        (["#1 SMP PREEMPT Tue", "", "", ""], Some("PREEMPT")),
        ([DYNAMIC, "none (voluntary) full\n", "preempt=full", ""], None),
        ([DYNAMIC, "none voluntary (full) lazy\n", "", VOLUNTARY], Some("preempt=full")),
        ([DYNAMIC, "full (lazy)\n", "", ""], None),
        ([DYNAMIC, "", "ro preempt=none preempt=full quiet", VOLUNTARY], Some("preempt=full")),
        ([DYNAMIC, "", "ro quiet", VOLUNTARY], None),
        ([DYNAMIC, "", "ro quiet", "CONFIG_PREEMPT=y"], Some("preempt=full")),
        ([DYNAMIC, "", "ro quiet", ""], Some("not known")),
    ];

    #[test]
    fn what_may_preempt_or_is_not_known_has_a_reason() {
        for ([version, modes, command_line, config], expected) in CASES {
            let reason = judge(version, modes, command_line, config);
            match (&reason, expected) {
                (None, None) => {}
                (Some(reason), Some(part)) => assert!(reason.contains(part), "{reason}"),
                _ => panic!("{version} {modes} {command_line}: {reason:?}"),
            }
        }
    }
}
