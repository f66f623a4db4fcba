//! What the machine runs, built here: the live tests, the program whose acts they look at, and the
//! libraries of both.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::architecture::Facts;
use super::packages::Packages;

/// Busybox linked statically: the machine's init and shell. Where Debian's package has it, of which
/// the second is the place of releases to come.
pub(super) const BUSYBOX: &str = "/bin/busybox";
const BUSYBOX_PACKAGE: &str = "busybox-static";
const BUSYBOX_PLACES: [&str; 2] = ["bin/busybox", "usr/bin/busybox"];

/// What all machines run.
pub(super) struct Programs {
    pub(super) busybox: PathBuf,
    /// Of the sensor, and of the responses.
    pub(super) tests: [PathBuf; 2],
    pub(super) acts: PathBuf,
    /// The same for the older processor, linked statically.
    pub(super) acts_of_compat: Option<PathBuf>,
    /// All that the loader would map for the tests and the acts, itself included, by place.
    pub(super) libraries: BTreeMap<PathBuf, PathBuf>,
}

impl Programs {
    pub(super) fn build(root: &Path, folder: &Path, facts: &Facts) -> Result<Self, String> {
        let tests = live_tests(root, folder, facts)?;
        let acts = acts(root, &folder.join("acts"), facts.tools, &[])?;
        let of_compat = |tools| acts_of(root, folder, tools);
        let libraries = libraries(&[&tests[0], &tests[1], &acts], facts)?;
        Ok(Self {
            busybox: busybox(folder, facts)?,
            tests,
            acts,
            acts_of_compat: facts.tools_of_compat.map(of_compat).transpose()?,
            libraries,
        })
    }
}

fn busybox(folder: &Path, facts: &Facts) -> Result<PathBuf, String> {
    if !facts.is_foreign() {
        return Ok(PathBuf::from(BUSYBOX));
    }
    let unpacked = folder.join("busybox");
    if !unpacked.exists() {
        Packages::find(facts, false, folder)?.unpack(BUSYBOX_PACKAGE, &unpacked)?;
    }
    let places = BUSYBOX_PLACES.iter().map(|place| unpacked.join(place));
    places
        .into_iter()
        .find(|place| place.exists())
        .ok_or_else(|| format!("{}: no `busybox`", unpacked.display()))
}

/// Where the live tests' sources are, and what the programs are called here.
const TESTS: [(&str, &str); 2] =
    [("sensor/tests/live/main.rs", "live"), ("respond/tests/live/main.rs", "live-respond")];

/// The live tests' programs without what only a debugger reads: the machine holds them in memory.
fn live_tests(root: &Path, folder: &Path, facts: &Facts) -> Result<[PathBuf; 2], String> {
    let mut command = Command::new("cargo");
    if facts.is_foreign() {
        command.args([
            "test",
            "--package",
            "sensor",
            "--package",
            "respond",
            "--target",
            facts.target,
        ]);
        let target = facts.target.to_uppercase().replace('-', "_");
        command.env(format!("CARGO_TARGET_{target}_LINKER"), format!("{}-gcc", facts.tools));
    } else {
        // Of the whole workspace, so that it is built once, as the tests of everything are.
        command.args(["test", "--workspace"]);
    }
    command.args(["--test", "live", "--no-run", "--message-format=json"]).current_dir(root);
    let messages = output_of(&mut command);
    let hint = format!("hint: `rustup target add {}`", facts.target);
    let messages =
        messages.map_err(|why| if facts.is_foreign() { format!("{why}\n{hint}") } else { why })?;
    for (source, name) in TESTS {
        let built = messages.lines().rev().find_map(|line| executable(line, source));
        let built = built.ok_or_else(|| format!("cargo did not say where `{source}` is"))?;
        let mut strip = Command::new(format!("{}-strip", facts.tools));
        finish(strip.arg("-o").arg(folder.join(name)).arg(built))?;
    }
    Ok(TESTS.map(|(_, name)| folder.join(name)))
}

/// Of one of cargo's messages, if it is about this source.
fn executable(line: &str, of: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let source = message.get("target")?.get("src_path")?.as_str()?;
    if !source.ends_with(of) {
        return None;
    }
    Some(PathBuf::from(message.get("executable")?.as_str()?))
}

fn acts_of(root: &Path, folder: &Path, tools: &str) -> Result<PathBuf, String> {
    acts(root, &folder.join("acts-of-compat"), tools, &["-static"])
}

fn acts(root: &Path, program: &Path, tools: &str, flags: &[&str]) -> Result<PathBuf, String> {
    let source = root.join("crates/sensor/tests/live/acts.c");
    let mut compiler = Command::new(format!("{tools}-gcc"));
    finish(compiler.args(["-O1", "-w"]).args(flags).arg("-o").arg(program).arg(source))?;
    Ok(program.to_owned())
}

fn libraries(programs: &[&Path], facts: &Facts) -> Result<BTreeMap<PathBuf, PathBuf>, String> {
    if facts.is_foreign() { foreign_libraries(programs, facts) } else { own_libraries(programs) }
}

/// As the loader of this machine says it.
fn own_libraries(programs: &[&Path]) -> Result<BTreeMap<PathBuf, PathBuf>, String> {
    let text = output_of(Command::new("ldd").args(programs))?;
    // `libc.so.6 => /lib/…/libc.so.6 (0x…)`, `/lib64/ld-linux-x86-64.so.2 (0x…)`, `/a/program:`.
    let lines = text.lines().filter(|line| line.starts_with('\t'));
    let paths = lines.filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')));
    Ok(paths.map(|path| (path.into(), path.into())).collect())
}

/// No loader of this machine knows them: what programs name is looked for where their compiler looks,
/// and put where their loader does.
fn foreign_libraries(
    programs: &[&Path],
    facts: &Facts,
) -> Result<BTreeMap<PathBuf, PathBuf>, String> {
    let mut libraries = BTreeMap::new();
    let mut left: Vec<PathBuf> = programs.iter().map(|program| (*program).to_owned()).collect();
    while let Some(program) = left.pop() {
        let mut reader = Command::new(format!("{}-readelf", facts.tools));
        let text =
            output_of(reader.args(["--wide", "--dynamic", "--program-headers"]).arg(program))?;
        // `(NEEDED)  Shared library: [libc.so.6]`, `[Requesting program interpreter: /lib/ld-…]`.
        let needed = text
            .lines()
            .filter_map(|line| line.split_once("Shared library: ["))
            .map(|(_, name)| PathBuf::from("/lib").join(name.trim_end_matches(']')));
        let loader = text
            .lines()
            .filter_map(|line| line.split_once("program interpreter: "))
            .map(|(_, path)| PathBuf::from(path.trim_end_matches(']')));
        for place in needed.chain(loader) {
            if libraries.contains_key(&place) {
                continue;
            }
            let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let mut compiler = Command::new(format!("{}-gcc", facts.tools));
            let file = output_of(compiler.arg(format!("-print-file-name={name}")))?;
            let file = PathBuf::from(file.trim());
            if !file.is_absolute() {
                return Err(format!("`{}-gcc` has no library `{name}`", facts.tools));
            }
            left.push(file.clone());
            libraries.insert(place, file);
        }
    }
    Ok(libraries)
}

/// What a program wrote, as text.
pub(super) fn output_of(command: &mut Command) -> Result<String, String> {
    Ok(String::from_utf8_lossy(&bytes_of(command)?).into_owned())
}

pub(super) fn bytes_of(command: &mut Command) -> Result<Vec<u8>, String> {
    command.stderr(std::process::Stdio::inherit());
    let output = command.output().map_err(|error| not_run(command, &error))?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(format!("{}: {command:?}", output.status)),
    }
}

pub(super) fn finish(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| not_run(command, &error))?;
    if status.success() { Ok(()) } else { Err(format!("{status}: {command:?}")) }
}

fn not_run(command: &Command, error: &std::io::Error) -> String {
    let program = command.get_program().to_string_lossy();
    let hint = match program.split_once("-linux-gnu") {
        Some(("x86_64", _)) | None => "`cargo xtask test install`".to_owned(),
        Some((machine, rest)) => {
            let system = rest.split_once('-').map_or("", |(system, _)| system);
            format!("as root, `apt-get install gcc-{machine}-linux-gnu{system}`")
        }
    };
    format!("running {command:?}: {error}\nhint: {hint}")
}
