//! The checks that cargo makes.

use std::process::Command;

use super::{Done, Session};
use crate::{bpf, tidy, vm_test};

/// A workspace of its own, so that its dependencies are not ours.
pub(super) const FUZZ: &str = "fuzz/Cargo.toml";

/// Fuzz targets of the formats that most images and feeds have.
const FUZZED_LONGER: &[&str] = &[
    "alpine-secdb",
    "apk",
    "dpkg",
    "osv",
    "redhat-csaf",
    "rpm-bdb",
    "rpm-ndb",
    "rpm-sqlite",
    "segment",
    "suse-oval",
    "tar",
];

pub(super) fn fmt(session: &mut Session<'_>) -> Result<Done, String> {
    cargo(session, &["fmt", "--all", "--check"])?;
    cargo(session, &["fmt", "--all", "--check", "--manifest-path", FUZZ])
}

pub(super) fn tidy(session: &mut Session<'_>) -> Result<Done, String> {
    match tidy::run(session.root, &tidy::Args {})? {
        true => Ok(Done::Passed),
        false => Err("see the complaints above".to_owned()),
    }
}

pub(super) fn bpf(session: &mut Session<'_>) -> Result<Done, String> {
    match bpf::run(session.root, &bpf::Args { write: false })? {
        true => Ok(Done::Passed),
        false => Err("see the objects above".to_owned()),
    }
}

pub(super) fn clippy(session: &mut Session<'_>) -> Result<Done, String> {
    cargo(session, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

pub(super) fn vm(session: &mut Session<'_>) -> Result<Done, String> {
    if !cfg!(target_arch = "x86_64") {
        return Ok(Done::Skipped("the machine is an x86-64 one".to_owned()));
    }
    match vm_test::run(session.root, &vm_test::Args::all())? {
        true => Ok(Done::Passed),
        false => Err("see what the machine printed above".to_owned()),
    }
}

/// nextest runs each test in a process of its own, and all binaries' tests side by side. As root,
/// who can install all that they need, none is skipped for want of it.
pub(super) fn tests(session: &mut Session<'_>) -> Result<Done, String> {
    let args: &[&str] = match has_subcommand("nextest") {
        true => &["nextest", "run", "--workspace", "--no-fail-fast"],
        false => &["test", "--workspace", "--all-targets", "--no-fail-fast"],
    };
    let mut command = Command::new("cargo");
    command.args(args).current_dir(session.root);
    if rustix::process::geteuid().is_root() {
        command.env("LAZARET_TESTS", "strict");
    }
    run(&mut command)
}

pub(super) fn doctests(session: &mut Session<'_>) -> Result<Done, String> {
    cargo(session, &["test", "--workspace", "--doc"])
}

pub(super) fn fuzz(session: &mut Session<'_>) -> Result<Done, String> {
    if !session.root.join(FUZZ).exists() {
        return Ok(Done::Skipped(format!("there is no `{FUZZ}`")));
    }
    // What both workspaces need is there from the steps before, in the same build folder.
    let run = ["run", "--target-dir", "target", "--quiet", "--manifest-path", FUZZ, "--"];
    cargo(session, &[&run[..], &["--seconds", "1"]].concat())?;
    cargo(session, &[&run[..], &["--seconds", "5"], FUZZED_LONGER].concat())
}

pub(super) fn docs(session: &mut Session<'_>) -> Result<Done, String> {
    let mut command = Command::new("cargo");
    command.args(["doc", "--workspace", "--no-deps", "--document-private-items", "--quiet"]);
    run(command.current_dir(session.root).env("RUSTDOCFLAGS", "-D warnings"))
}

fn cargo(session: &Session<'_>, args: &[&str]) -> Result<Done, String> {
    run(Command::new("cargo").args(args).current_dir(session.root))
}

fn run(command: &mut Command) -> Result<Done, String> {
    let status = command.status().map_err(|error| format!("running {command:?}: {error}"))?;
    if status.success() { Ok(Done::Passed) } else { Err(format!("{status}: {command:?}")) }
}

fn has_subcommand(name: &str) -> bool {
    let answer = Command::new("cargo").args([name, "--version"]).output();
    answer.is_ok_and(|output| output.status.success())
}
