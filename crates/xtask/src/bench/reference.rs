//! The reference image (2.35 GB of Debian packages in 5 layers) as a `docker save` archive, as an
//! OCI layout with gzip layers, and from the cache.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::measure::{Contender, in_turn, succeed};
use super::peers::Peers;
use super::{EVERY_CHECK, Session, feeds, floor};

pub(super) const IMAGE: &str = "bench/reference:1";

pub(super) fn run(session: &Session) -> Result<(), String> {
    let (archive, layout) = inputs(session)?;
    let headers = || floor::headers(session, &archive);
    let contents = || floor::contents(session, &archive);
    let inflate = || floor::inflate_and_hash(&layout);
    let contents =
        Contender { name: "floor: every byte of its files, SHA-256", command: &contents };
    println!("docker save archive:\n");
    let floors = [Contender { name: "floor: tar headers", command: &headers }, contents];
    beside_peers(session, "docker-archive", &archive, &floors)?;
    println!("\nOCI layout, gzip layers:\n");
    let floors = [Contender { name: "floor: gzip, sha256sum", command: &inflate }, contents];
    beside_peers(session, "oci-dir", &layout, &floors)
}

fn beside_peers(
    session: &Session,
    source: &str,
    path: &Path,
    floors: &[Contender<'_>],
) -> Result<(), String> {
    let peers = Peers::at_hand(session)?;
    let db = feeds::store(session)?;
    let target = format!("{source}:{}", path.display());
    let ours = [
        Contender {
            name: "lazaret scan",
            command: &|| session.scan(&db, "vuln", &["--no-cache", &target]),
        },
        Contender {
            name: "lazaret scan, cached",
            command: &|| session.scan(&db, "vuln", &[&target]),
        },
        Contender {
            name: "lazaret scan, every check",
            command: &|| session.scan(&db, EVERY_CHECK, &["--no-cache", &target]),
        },
    ];
    let theirs = [
        Contender { name: "trivy (packages, no jars)", command: &|| peers.trivy(path) },
        Contender { name: "trivy, the same, cached", command: &|| peers.trivy_cached(path) },
        Contender { name: "trivy --version (start-up)", command: &|| peers.trivy_start_up() },
        Contender { name: "trivy (secrets)", command: &|| peers.trivy_secrets(path) },
        Contender { name: "syft (packages)", command: &|| peers.syft(&target) },
    ];
    in_turn(&[&ours, floors, &theirs].concat(), session.runs).map(drop)
}

/// The archive and the layout, made once.
fn inputs(session: &Session) -> Result<(PathBuf, PathBuf), String> {
    let (archive, layout) =
        (session.work.join("reference.tar"), session.work.join("reference-oci"));
    if !archive.exists() {
        in_engine(session)?;
        succeed(Command::new("docker").args(["save", IMAGE, "--output"]).arg(&archive))?;
    }
    if !layout.exists() {
        succeed(skopeo(&archive, &layout).arg("--dest-compress"))?;
    }
    Ok((archive, layout))
}

/// Has the Docker Engine hold the image: that of the archive, if there is one.
pub(super) fn in_engine(session: &Session) -> Result<(), String> {
    let archive = session.work.join("reference.tar");
    let mut inspect = Command::new("docker");
    let inspected = inspect.args(["image", "inspect", IMAGE]).output();
    if inspected.is_ok_and(|inspected| inspected.status.success()) {
        Ok(())
    } else if archive.exists() {
        succeed(Command::new("docker").args(["load", "--quiet", "--input"]).arg(archive))
    } else {
        succeed(&mut Command::new(session.shared("tools/make-reference-image")?))
    }
}

/// An archive as an OCI layout.
pub(super) fn skopeo(archive: &Path, layout: &Path) -> Command {
    let mut command = Command::new("skopeo");
    command.args(["--insecure-policy", "copy", "--quiet"]);
    command.arg(format!("docker-archive:{}", archive.display()));
    command.arg(format!("oci:{}:latest", layout.display()));
    command
}
