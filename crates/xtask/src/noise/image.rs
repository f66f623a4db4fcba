//! The image that containers of the noise and of the benches run: Debian from its packages.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::bench::succeed;

pub(crate) const NAME: &str = "lazaret-noise:1";

/// What its Dockerfile begins with.
const BASE: &str = "lazaret-debian:1";
const RELEASE: &str = "bookworm";

/// Layers that were built before are taken again.
pub(crate) fn make(root: &Path) -> Result<(), String> {
    if !is_there(BASE) {
        let script = format!(
            "folder=$(mktemp -d); trap 'rm -rf \"$folder\"' EXIT; \
             debootstrap --variant=minbase {RELEASE} \"$folder/root\" >/dev/null; \
             tar -C \"$folder/root\" -c . | docker import - {BASE}"
        );
        succeed(Command::new("bash").args(["-euc", &script]))?;
    }
    let mut build = Command::new("docker");
    // The network of the host, as its packages come from wherever the host's do.
    build.args(["build", "--quiet", "--network", "host", "--tag", NAME]);
    build.arg(root.join("crates/xtask/noise")).env("DOCKER_BUILDKIT", "0");
    succeed(build.stdout(Stdio::null()))
}

fn is_there(image: &str) -> bool {
    let mut command = Command::new("docker");
    command.args(["image", "inspect", image]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
