//! Development tasks: `cargo xtask test`, `bench`, `bpf`, `noise`, `tidy`, `vm-test`; one verb, one file.
//!
//! These are tools for people who change the project. No other crate may use them.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task talks to a terminal")]

mod bench;
mod bpf;
mod guard;
mod noise;
mod test;
mod tidy;
mod vm_test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

/// Development tasks.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Task {
    Bench(bench::Args),
    Bpf(bpf::Args),
    Noise(noise::Args),
    Test(test::Args),
    Tidy(tidy::Args),
    VmTest(vm_test::Args),
}

fn main() -> ExitCode {
    let result = match Task::parse() {
        Task::Bench(args) => bench::run(&root(), &args),
        Task::Bpf(args) => bpf::run(&root(), &args),
        Task::Noise(args) => noise::run(&root(), &args),
        Task::Test(args) => test::run(&root(), &args),
        Task::Tidy(args) => tidy::run(&root(), &args),
        Task::VmTest(args) => vm_test::run(&root(), &args),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace: two folders above this crate.
fn root() -> PathBuf {
    let krate = Path::new(env!("CARGO_MANIFEST_DIR"));
    krate.ancestors().nth(2).unwrap_or(krate).to_owned()
}
