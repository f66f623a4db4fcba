//! The binary `lazaret`: arguments in, one verb run, an exit code out.
//!
//! One file a subcommand under `cmd/`. This crate alone prints, reads the environment and exits;
//! it holds no logic that another program could want.

mod cmd;
mod environment;
mod error;
mod exit_code;
mod interrupt;
mod memory;
mod output;
mod progress;
mod quantity;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // Under any name and with any arguments: those are what rules look at.
    if let Some(code) = environment::suite_mark().and_then(|mark| suite::act(&mark)) {
        return code;
    }
    memory::give_back_large_pieces();
    let arguments = cmd::Arguments::parse();
    match cmd::run(arguments) {
        Ok(code) => code.into(),
        Err(error) => {
            error.print();
            error.code().into()
        }
    }
}
