//! `cargo xtask bpf`: the programs for the kernel, built with Debian's clang and held against the
//! objects in the tree, so that nobody has to trust bytes that no source made.
//!
//! `cargo build` never comes here: it takes the objects as they are.

use std::fs;
use std::path::Path;
use std::process::Command;

use sha2::{Digest, Sha256};

/// A line an object: its folder, and its name before `.bpf.c`.
const OBJECTS: &[(&str, &str)] = &[
    ("crates/sensor/bpf", "guard"),
    ("crates/sensor/bpf", "prevent"),
    ("crates/sensor/bpf", "learn"),
    ("crates/respond/bpf", "isolate"),
];
/// Architecture as Rust names it, and as libbpf's headers do.
const TARGETS: [(&str, &str); 2] = [("x86_64", "x86"), ("aarch64", "arm64")];
/// The compiler that made the objects; another one makes other bytes.
const COMPILER: &str = "clang-14";
const STRIP: &str = "llvm-strip-14";
/// Kernels since 5.8 take version 2 of the instructions. No path of a machine gets in.
const FLAGS: &[&str] = &[
    "-target",
    "bpf",
    "-mcpu=v2",
    "-O2",
    "-g",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-unused-parameter",
    "-Wno-missing-declarations",
    "-fdebug-compilation-dir=.",
    "-ffile-prefix-map=/usr/include=include",
];

/// Build the BPF programs and compare them with the ones in the tree.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Replace the ones in the tree
    #[arg(long)]
    pub(crate) write: bool,
}

/// True if the tree holds what its source makes.
pub(crate) fn run(root: &Path, args: &Args) -> Result<bool, String> {
    let mut is_same = true;
    for (folder, object) in OBJECTS {
        let folder = root.join(folder);
        for (architecture, target) in TARGETS {
            let name = format!("{object}-{architecture}.o");
            let built = build(&folder, object, target, &root.join("target").join(&name))?;
            is_same &= hold(&folder.join("prebuilt").join(name), &built, args.write)?;
        }
        let sum = source_sum(&folder)?;
        is_same &= hold(&folder.join("prebuilt/source.sha256"), sum.as_bytes(), args.write)?;
    }
    Ok(is_same)
}

fn build(folder: &Path, object: &str, target: &str, output: &Path) -> Result<Vec<u8>, String> {
    let mut compiler = Command::new(COMPILER);
    compiler.current_dir(folder).args(FLAGS).arg(format!("-D__TARGET_ARCH_{target}"));
    finish(compiler.arg("-c").arg(format!("{object}.bpf.c")).arg("-o").arg(output))?;
    finish(Command::new(STRIP).arg("-g").arg(output))?;
    fs::read(output).map_err(|error| format!("{}: {error}", output.display()))
}

fn hold(path: &Path, built: &[u8], write: bool) -> Result<bool, String> {
    let kept = fs::read(path).unwrap_or_default();
    if kept == built {
        println!("{}: as built", path.display());
        return Ok(true);
    }
    if write {
        fs::write(path, built).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("{}: replaced", path.display());
        return Ok(true);
    }
    println!("{}: not what its source makes\nhint: `cargo xtask bpf --write`", path.display());
    Ok(false)
}

/// Of all sources by name: what a test compares, so that a change of one alone is seen without clang.
fn source_sum(folder: &Path) -> Result<String, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut sources: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    sources.retain(|path| path.extension().is_some_and(|kind| kind == "c" || kind == "h"));
    sources.sort();
    let mut sum = Sha256::new();
    for source in sources {
        let text = fs::read(&source).map_err(|error| format!("{}: {error}", source.display()))?;
        sum.update(text);
    }
    let hex: Vec<String> = sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(hex.concat())
}

fn finish(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| {
        format!("running {command:?}: {error}\nhint: `cargo xtask test install`")
    })?;
    if status.success() { Ok(()) } else { Err(format!("{status}: {command:?}")) }
}
