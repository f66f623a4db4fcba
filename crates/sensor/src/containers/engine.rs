//! What Docker's Engine API says of a container; Podman's compatible API says the same.
//!
//! Two questions, `GET /containers/ID/json` and, for the digest of the image's manifest,
//! `GET /images/ID/json`. Nothing is ever changed.

use std::collections::BTreeMap;
use std::path::Path;

use model::event::{Container, ContainerMount, RunningImage};
use serde::Deserialize;

use super::http::{self, AskError};
use super::{capability, image, pod};

/// Asks the daemon at `socket`; None if it has no such container. `id` is a well-formed one.
pub(super) fn ask(socket: &Path, id: &str) -> Result<Option<Container>, AskError> {
    let senseless = |why: serde_json::Error| AskError::Senseless {
        socket: socket.to_owned(),
        why: why.to_string(),
    };
    let Some(body) = http::get(socket, &format!("/containers/{id}/json"))? else {
        return Ok(None);
    };
    let mut container = parse(&body).map_err(senseless)?;
    if let Some(image) = container.image.as_mut().filter(|image| image.digest.is_none()) {
        // The container is described all the same.
        image.digest = digest(socket, image).ok().flatten();
    }
    Ok(Some(container))
}

/// What the body of an answer about a container says.
pub(crate) fn parse(body: &[u8]) -> serde_json::Result<Container> {
    serde_json::from_slice(body).map(Inspected::into_container)
}

/// What was pulled under the name that the container was started from, else under any.
fn digest(socket: &Path, image: &RunningImage) -> Result<Option<String>, AskError> {
    let id = image.id.as_deref().and_then(|id| id.strip_prefix("sha256:"));
    let Some(id) = id.filter(|id| id.bytes().all(|b| b.is_ascii_hexdigit())) else {
        return Ok(None);
    };
    let Some(body) = http::get(socket, &format!("/images/{id}/json"))? else { return Ok(None) };
    Ok(digest_of(&body, &image.repository))
}

fn digest_of(body: &[u8], repository: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct InspectedImage {
        repo_digests: Option<Vec<String>>,
    }
    let inspected: InspectedImage = serde_json::from_slice(body).ok()?;
    let digests = inspected.repo_digests?;
    let mut pairs = digests.iter().filter_map(|digest| digest.split_once('@'));
    let named = pairs.clone().find(|(name, _)| *name == repository);
    named.or_else(|| pairs.next()).map(|(_, digest)| digest.to_owned())
}

/// As far as we use it. Whatever a daemon leaves out is not known.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    image: String,
    #[serde(default)]
    state: State,
    #[serde(default)]
    config: Config,
    #[serde(default)]
    host_config: HostConfig,
    mounts: Option<Vec<Mount>>,
    #[serde(default)]
    network_settings: NetworkSettings,
    app_armor_profile: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct State {
    started_at: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Config {
    image: String,
    labels: Option<BTreeMap<String, String>>,
    env: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct HostConfig {
    privileged: Option<bool>,
    cap_add: Option<Vec<String>>,
    cap_drop: Option<Vec<String>>,
    security_opt: Option<Vec<String>>,
    pid_mode: Option<String>,
    network_mode: Option<String>,
    ipc_mode: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Mount {
    source: String,
    destination: String,
    mode: String,
    #[serde(rename = "RW")]
    writable: bool,
    propagation: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct NetworkSettings {
    #[serde(rename = "IPAddress")]
    address: String,
    networks: Option<BTreeMap<String, Network>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Network {
    #[serde(rename = "IPAddress")]
    address: String,
}

impl Inspected {
    fn into_container(self) -> Container {
        let labels = self.config.labels.unwrap_or_default();
        let pod = pod::pod_of(&labels);
        let name = pod::name_in_pod(&labels).cloned();
        let name = name.unwrap_or_else(|| self.name.trim_start_matches('/').to_owned());
        let host = &self.host_config;
        let is_host = |mode: &Option<String>| mode.as_ref().map(|mode| mode == "host");
        Container {
            id: self.id,
            described: true,
            name: Some(name).filter(|name| !name.is_empty()),
            image: Some(image::running_image(&self.config.image, Some(&self.image))),
            privileged: host.privileged,
            capabilities: host.capabilities(),
            seccomp: host.seccomp(),
            security_module: self.app_armor_profile.filter(|profile| !profile.is_empty()),
            host_pid: is_host(&host.pid_mode),
            host_network: is_host(&host.network_mode),
            host_ipc: is_host(&host.ipc_mode),
            mounts: self.mounts.map(|mounts| mounts.into_iter().map(Mount::told).collect()),
            labels,
            environment: self.config.env.unwrap_or_default(),
            address: self.network_settings.address(),
            started: moment(&self.state.started_at),
            pod,
            ..Container::default()
        }
    }
}

/// Nanoseconds since the epoch. A container that never started did so in the year 1.
fn moment(text: &str) -> Option<u64> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(moment.as_nanosecond()).ok()
}

impl HostConfig {
    /// What the first process may have, by what was asked for.
    fn capabilities(&self) -> Option<u64> {
        if self.privileged? {
            return Some(capability::ALL);
        }
        let names = |list: &Option<Vec<String>>| {
            capability::bits(list.iter().flatten().map(String::as_str))
        };
        let (added, dropped) = (names(&self.cap_add), names(&self.cap_drop));
        // Dropping all leaves what is added; adding all leaves what is not dropped.
        let kept = if dropped == capability::ALL { 0 } else { capability::DOCKER_DEFAULT };
        let all = added == capability::ALL;
        Some(if all { added & !dropped } else { kept & !dropped | added })
    }

    fn seccomp(&self) -> Option<String> {
        let options = self.security_opt.iter().flatten();
        let mut chosen = options.filter_map(|option| {
            option.strip_prefix("seccomp=").or_else(|| option.strip_prefix("seccomp:"))
        });
        let told = match chosen.next_back() {
            // The text of a profile has no name.
            Some(profile) if profile.starts_with('{') => "custom",
            Some(profile) => profile,
            None if self.privileged? => "unconfined",
            None => "runtime/default",
        };
        Some(told.to_owned())
    }
}

impl Mount {
    fn told(self) -> ContainerMount {
        let Self { source, destination, mode, writable, propagation } = self;
        ContainerMount { source, destination, mode, writable, propagation }
    }
}

impl NetworkSettings {
    fn address(&self) -> Option<String> {
        let networks = self.networks.iter().flatten().map(|(_, network)| &network.address);
        let mut addresses = std::iter::once(&self.address).chain(networks);
        addresses.find(|address| !address.is_empty()).cloned()
    }
}
