//! The ecosystems' own tools judge thousands of nasty pairs: Debian packages that
//! `cargo xtask test install` brings. A tool that is not there is skipped, saying so.
//!
//! No judge is known for these: Hackage (whose order is that of lists), NuGet, pub.dev and Swift.

mod apk;
mod cargo;
mod dpkg;
mod rpm;
mod script;

use std::process::{Command, Stdio};

fn runs(program: &str) -> bool {
    let command =
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = command.is_ok();
    if !found {
        eprintln!("skipped: `{program}` is not installed; the tables still judge");
    }
    found
}
