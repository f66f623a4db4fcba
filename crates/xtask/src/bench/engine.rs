//! The reference image from the Docker Engine, beside `docker save`. As root its layers are read
//! where the engine unpacked them; as another user, and under `--verify`, the engine exports them.

use std::process::Command;

use super::measure::{Contender, in_turn, ratio, run_by};
use super::reference::{self, IMAGE};
use super::{Session, feeds};

/// One that may ask the engine, and not read its folder.
const ANOTHER_USER: [&str; 3] = ["--reuid=nobody", "--regid=docker", "--clear-groups"];

pub(super) fn run(session: &Session) -> Result<(), String> {
    reference::in_engine(session)?;
    let db = feeds::store(session)?;
    let target = format!("docker:{IMAGE}");
    let scan =
        |how: &[&str]| session.scan(&db, "vuln", &[&["--no-cache"], how, &[&target]].concat());
    let contenders = [
        Contender { name: "lazaret scan, as another user", command: &|| as_another(&scan(&[])) },
        Contender { name: "lazaret scan --verify, as root", command: &|| scan(&["--verify"]) },
        Contender { name: "lazaret scan, as root", command: &|| scan(&[]) },
        Contender { name: "docker save to /dev/null", command: &save },
    ];
    let results = in_turn(&contenders, session.runs)?;
    if let [ours @ .., save] = results.as_slice() {
        println!("\n| | times `docker save`, each round: median (min – max) |\n|---|---|");
        for (contender, runs) in contenders.iter().zip(ours) {
            println!("| {} | {} |", contender.name, ratio(runs, save));
        }
    }
    Ok(())
}

fn as_another(scan: &Command) -> Command {
    let mut command = Command::new("setpriv");
    command.args(ANOTHER_USER);
    run_by(&mut command, scan);
    command
}

fn save() -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("docker save {IMAGE} > /dev/null")]);
    command
}
