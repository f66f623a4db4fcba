//! Where it was done.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A container as its runtime describes it. What only the runtime can say is `None` until it said
/// so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// In full; interfaces that want twelve characters cut it.
    pub id: String,
    pub runtime: ContainerRuntime,
    /// The runtime was asked and answered; without, only `id` and `runtime` are known.
    pub described: bool,
    pub name: Option<String>,
    pub image: Option<RunningImage>,
    pub privileged: Option<bool>,
    pub mounts: Option<Vec<ContainerMount>>,
    /// Capability bits of its first process.
    pub capabilities: Option<u64>,
    /// `runtime/default`, `unconfined`, the name of a profile.
    pub seccomp: Option<String>,
    pub security_module: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// `NAME=value`.
    pub environment: Vec<String>,
    pub address: Option<String>,
    /// Nanoseconds since the Unix epoch.
    pub started: Option<u64>,
    pub host_pid: Option<bool>,
    pub host_network: Option<bool>,
    pub host_ipc: Option<bool>,
    pub pod: Option<Pod>,
}

#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum ContainerRuntime {
    Docker,
    Containerd,
    Crio,
    Podman,
    #[default]
    Other,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningImage {
    /// As the container was started from it: `docker.io/library/nginx:1.27`.
    pub reference: String,
    /// `docker.io/library/nginx`, as the runtime spells it.
    pub repository: String,
    pub tag: Option<String>,
    /// Of the manifest: `sha256:…`.
    pub digest: Option<String>,
    /// Of the configuration: `sha256:…`.
    pub id: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerMount {
    pub source: String,
    pub destination: String,
    /// As the runtime writes it: `ro`, `rw,z`; often empty.
    pub mode: String,
    pub writable: bool,
    /// `rprivate`, `rslave` …
    pub propagation: String,
}

/// The pod that a container belongs to, as its labels say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    pub name: String,
    pub namespace: String,
    pub uid: Option<String>,
    pub labels: BTreeMap<String, String>,
}
