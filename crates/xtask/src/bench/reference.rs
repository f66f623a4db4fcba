//! The reference image (2.35 GB of Debian packages in 5 layers) as a `docker save` archive, as an
//! OCI layout with gzip layers, from the cache, and from the Docker Engine.

use std::path::Path;
use std::process::Command;

use super::measure::{Contender, in_turn, succeed};
use super::peers::Peers;
use super::{Session, feeds, floor};

const IMAGE: &str = "bench/reference:1";

pub(super) fn run(session: &Session) -> Result<(), String> {
    let peers = Peers::at_hand(session)?;
    let (archive, layout) = inputs(session)?;
    let db = feeds::store(session)?;
    let archive_target = format!("docker-archive:{}", archive.display());
    let layout_target = format!("oci-dir:{}", layout.display());
    let checked = |checks: &str, target: &str, cache: &[&str]| {
        let mut command = session.lazaret(&["scan", "--offline", "--format", "json"]);
        command.args(["--checks", checks]).arg("--db").arg(&db).args(cache).arg(target);
        command
    };
    let scan = |target: &str, cache: &[&str]| checked("vuln", target, cache);
    let full = |target: &str| checked("vuln,secret,malware,config", target, &["--no-cache"]);
    let headers = || floor::headers(session, &archive);
    let inflate = || floor::inflate_and_hash(&layout);
    let (headers, inflate): (&dyn Fn() -> Command, &dyn Fn() -> Command) = (&headers, &inflate);
    for (what, target, path, (floor, floor_command)) in [
        ("docker save archive", &archive_target, &archive, ("floor: tar headers", headers)),
        ("OCI layout, gzip layers", &layout_target, &layout, ("floor: gzip, sha256sum", inflate)),
    ] {
        println!("{what}:\n");
        in_turn(
            &[
                Contender { name: "lazaret scan", command: &|| scan(target, &["--no-cache"]) },
                Contender { name: "lazaret scan, cached", command: &|| scan(target, &[]) },
                Contender { name: "lazaret scan, every check", command: &|| full(target) },
                Contender { name: floor, command: floor_command },
                Contender {
                    name: "floor: sha256sum of the archive",
                    command: &|| floor::read_and_hash(&archive),
                },
                Contender { name: "trivy (packages, no jars)", command: &|| peers.trivy(path) },
                Contender {
                    name: "trivy --version (start-up)",
                    command: &|| peers.trivy_start_up(),
                },
                Contender { name: "syft (packages)", command: &|| peers.syft(target) },
            ],
            session.runs,
        )?;
        println!();
    }
    let docker = format!("docker:{IMAGE}");
    println!("Docker Engine:\n");
    in_turn(
        &[
            Contender { name: "lazaret scan", command: &|| scan(&docker, &["--no-cache"]) },
            Contender { name: "docker save to /dev/null", command: &save },
            Contender { name: "lazaret scan, cached", command: &|| scan(&docker, &[]) },
        ],
        session.runs,
    )
}

fn save() -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("docker save {IMAGE} > /dev/null")]);
    command
}

/// The archive and the layout, made once.
fn inputs(session: &Session) -> Result<(std::path::PathBuf, std::path::PathBuf), String> {
    let (archive, layout) =
        (session.work.join("reference.tar"), session.work.join("reference-oci"));
    if !archive.exists() {
        succeed(&mut Command::new(session.shared("tools/make-reference-image")?))?;
        succeed(Command::new("docker").args(["save", IMAGE, "--output"]).arg(&archive))?;
    }
    if !layout.exists() {
        succeed(skopeo(&archive, &layout).arg("--dest-compress"))?;
    }
    Ok((archive, layout))
}

fn skopeo(archive: &Path, layout: &Path) -> Command {
    let mut command = Command::new("skopeo");
    command.args(["--insecure-policy", "copy", "--quiet"]);
    command.arg(format!("docker-archive:{}", archive.display()));
    command.arg(format!("oci:{}:latest", layout.display()));
    command
}
