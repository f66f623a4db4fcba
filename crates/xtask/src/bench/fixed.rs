//! What a scan costs when there is next to nothing to scan: an Alpine root file system and an
//! empty directory.

use std::path::Path;
use std::process::Command;

use super::measure::{Contender, in_turn, succeed};
use super::peers::Peers;
use super::{EVERY_CHECK, Session, feeds};

pub(super) fn run(session: &Session) -> Result<(), String> {
    let archive = session.shared("data/images/alpine-minirootfs-3.16.9-x86_64.tar.gz")?;
    let [alpine, empty] = ["alpine", "empty"].map(|name| session.work.join(name));
    for folder in [&alpine, &empty] {
        std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    }
    // For Trivy, which takes no such archive.
    succeed(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&alpine))?;
    println!("Alpine minirootfs:\n");
    let target = archive.display().to_string();
    let list = || command("tar", &["-tzf", &target]);
    let floor = Contender { name: "floor: tar -tzf", command: &list };
    beside_peers(session, &format!("fs-archive:{target}"), &target, &alpine, floor)?;
    println!("\nempty directory:\n");
    let target = format!("dir:{}", empty.display());
    let list = || command("find", &[&empty.display().to_string()]);
    let floor = Contender { name: "floor: find", command: &list };
    beside_peers(session, &target, &target, &empty, floor)
}

fn beside_peers(
    session: &Session,
    target: &str,
    theirs: &str,
    folder: &Path,
    floor: Contender<'_>,
) -> Result<(), String> {
    let peers = Peers::at_hand(session)?;
    let db = feeds::store(session)?;
    let scan = |checks| session.scan(&db, checks, &["--no-cache", target]);
    in_turn(
        &[
            Contender { name: "lazaret scan", command: &|| scan("vuln") },
            Contender { name: "lazaret scan, every check", command: &|| scan(EVERY_CHECK) },
            Contender { name: "lazaret --version", command: &|| session.lazaret(&["--version"]) },
            floor,
            Contender {
                name: "trivy (packages, unpacked)",
                command: &|| peers.trivy_folder(folder),
            },
            Contender { name: "trivy --version (start-up)", command: &|| peers.trivy_start_up() },
            Contender { name: "syft (packages)", command: &|| peers.syft(theirs) },
        ],
        session.runs,
    )
    .map(drop)
}

fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}
