//! What a scan costs when there is next to nothing to scan: an Alpine root file system and an
//! empty directory.

use super::measure::{Contender, in_turn};
use super::peers::Peers;
use super::{Session, feeds};

pub(super) fn run(session: &Session) -> Result<(), String> {
    let peers = Peers::at_hand(session)?;
    let db = feeds::store(session)?;
    let alpine = session.shared("data/images/alpine-minirootfs-3.16.9-x86_64.tar.gz")?;
    let empty = session.work.join("empty");
    std::fs::create_dir_all(&empty).map_err(|error| error.to_string())?;
    let targets = [
        (
            "Alpine minirootfs",
            format!("fs-archive:{}", alpine.display()),
            alpine.display().to_string(),
        ),
        ("empty directory", format!("dir:{}", empty.display()), format!("dir:{}", empty.display())),
    ];
    for (what, ours, theirs) in &targets {
        println!("{what}:\n");
        let scan = || {
            let mut command =
                session.lazaret(&["scan", "--offline", "--no-cache", "--checks", "vuln"]);
            command.arg("--db").arg(&db).arg(ours);
            command
        };
        in_turn(
            &[
                Contender { name: "lazaret scan", command: &scan },
                Contender { name: "syft (packages)", command: &|| peers.syft(theirs) },
            ],
            session.runs,
        )?;
        println!();
    }
    Ok(())
}
