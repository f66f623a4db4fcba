//! Options of every verb that opens a target: which platform, how thoroughly, with what limits.

use std::time::Duration;

use artifact::Stop;
use clap::Args;
use model::{Os, Platform};

use crate::cmd::global::Global;
use crate::error::UserError;
use crate::interrupt::stop_on_signals;
use crate::progress;
use crate::quantity::parse_duration;

#[derive(Debug, Args)]
#[command(next_help_heading = "Target options")]
pub(crate) struct TargetArguments {
    /// Image name, path, or either behind a prefix: registry: docker: containerd: podman:
    /// docker-archive: oci-archive: oci-dir: dir: fs-archive: container:
    /// sbom:
    pub(crate) target: String,
    #[command(flatten)]
    opening: OpeningArguments,
}

/// The options without the target, for verbs that open several.
#[derive(Debug, Args)]
#[command(next_help_heading = "Target options")]
pub(crate) struct OpeningArguments {
    /// Platform to choose from a multi-platform image [default: this machine's]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<Platform>,
    /// Take this for the distribution, whatever the image says
    #[arg(long, value_name = "FAMILY:VERSION", value_parser = analyzers::os_from_override)]
    distro: Option<Os>,
    /// Match what lock files and manifests name too, as in a directory of sources
    #[arg(long)]
    declared: bool,
    /// Read and hash every byte of local archives too
    #[arg(long)]
    verify: bool,
    /// Neither use nor keep cached layer results
    #[arg(long)]
    no_cache: bool,
    /// Give up after this time
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    timeout: Option<Duration>,
}

impl TargetArguments {
    pub(crate) fn keeps_layers(&self) -> bool {
        self.opening.keeps_layers()
    }

    /// The target as typed, and how to scan it.
    pub(crate) fn settle(self, global: &Global) -> Result<(String, scan::Options), UserError> {
        let stop = self.opening.stop()?;
        Ok((self.target, self.opening.settle(&stop, global)))
    }
}

impl OpeningArguments {
    /// Whether what is read of layers is kept for the next time.
    pub(crate) fn keeps_layers(&self) -> bool {
        !self.no_cache
    }

    /// What ends the run early; to be asked for once.
    pub(crate) fn stop(&self) -> Result<Stop, UserError> {
        stop_on_signals(self.timeout)
    }

    /// How to scan one target.
    pub(crate) fn settle(&self, stop: &Stop, global: &Global) -> scan::Options {
        let artifact = artifact::Options {
            platform: self.platform.clone(),
            verify: self.verify,
            progress: progress::of_layers(global.show_progress),
            ..global.registries(stop)
        };
        scan::Options {
            artifact,
            cache_dir: global.layers_dir().filter(|_| self.keeps_layers()),
            cache_limit: global.cache_limit,
            checks: scan::Checks::default(),
            check_set: None,
            signatures: None,
            clamd: None,
            declared: self.declared,
            attached: false,
            distro: self.distro.clone(),
            feeds: global.feeds(stop),
            now: global.now,
            give_back: confine::give_memory_back,
        }
    }
}
