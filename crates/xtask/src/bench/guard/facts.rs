//! The machine that figures are of.

use std::fs;

pub(super) fn facts() -> String {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = |line: &&str| line.starts_with("model name");
    let name = processor.lines().find(named).and_then(|line| line.split_once(": "));
    let count = processor.lines().filter(named).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let (_, name) = name.unwrap_or(("", "an unknown processor"));
    format!("{count} × {name}, Linux {}; at the beginning: {}", kernel.trim(), load())
}

/// What else the machine does.
pub(super) fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!("load {}", load.split(' ').take(3).collect::<Vec<_>>().join(" "))
}
