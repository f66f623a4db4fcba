//! What the machine runs, built here: the live tests, the program whose acts they look at, and the
//! libraries of both.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The live tests' program without what only a debugger reads: the machine holds it in memory.
pub(super) fn live_tests(root: &Path, folder: &Path) -> Result<PathBuf, String> {
    let mut command = Command::new("cargo");
    // Of the whole workspace, so that it is built once, as the tests of everything are.
    command.args(["test", "--workspace", "--test", "live", "--no-run"]);
    command.arg("--message-format=json").current_dir(root).stderr(std::process::Stdio::inherit());
    let output = command.output().map_err(|error| format!("running {command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{}: {command:?}", output.status));
    }
    let built = String::from_utf8_lossy(&output.stdout).lines().rev().find_map(executable);
    let built = built.ok_or("cargo did not say where the tests are")?;
    let stripped = folder.join("live");
    finish(Command::new("strip").arg("-o").arg(&stripped).arg(built))?;
    Ok(stripped)
}

/// Of one of cargo's messages.
fn executable(line: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let source = message.get("target")?.get("src_path")?.as_str()?;
    if !source.ends_with("sensor/tests/live/main.rs") {
        return None;
    }
    Some(PathBuf::from(message.get("executable")?.as_str()?))
}

pub(super) fn acts(root: &Path, folder: &Path) -> Result<PathBuf, String> {
    let program = folder.join("acts");
    let source = root.join("crates/sensor/tests/live/acts.c");
    finish(Command::new("gcc").args(["-O1", "-w", "-o"]).arg(&program).arg(source))?;
    Ok(program)
}

/// All that the loader would map for these programs, itself included.
pub(super) fn libraries(programs: &[&Path]) -> Result<BTreeSet<PathBuf>, String> {
    let mut command = Command::new("ldd");
    command.args(programs);
    let output = command.output().map_err(|error| format!("running {command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{}: {command:?}", output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    // `libc.so.6 => /lib/…/libc.so.6 (0x…)`, `/lib64/ld-linux-x86-64.so.2 (0x…)`, `/a/program:`.
    let lines = text.lines().filter(|line| line.starts_with('\t'));
    let paths = lines.filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')));
    Ok(paths.map(PathBuf::from).collect())
}

pub(super) fn finish(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| {
        format!("running {command:?}: {error}\nhint: `cargo xtask test install`")
    })?;
    if status.success() { Ok(()) } else { Err(format!("{status}: {command:?}")) }
}
