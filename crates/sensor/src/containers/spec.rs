//! What the OCI runtime specification of a container (`config.json` in its bundle) says of it.
//!
//! Every runtime writes one before it starts a container, so it is there when no daemon answers.
//! It tells exactly what the container may, and of names only what Kubernetes' runtimes annotate.

use std::collections::BTreeMap;

use model::event::{Container, ContainerMount, ContainerRuntime};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{capability, image, pod};

/// Long lists of mounts and a seccomp profile come to some 100 KiB.
pub(super) const BYTES_MAX: u64 = 4 << 20;

/// Image names, by CRI plugin and CRI-O; the container's name of nerdctl.
const IMAGES: [&str; 2] = ["io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName"];
const NAMES: [&str; 1] = ["nerdctl/name"];
/// Who made it, where that is Podman or CRI-O, and whether Podman was asked for a privileged one.
const MANAGER: &str = "io.container.manager";
const PRIVILEGED: &str = "io.podman.annotations.privileged";
/// CRI-O keeps labels as JSON in an annotation.
const LABELS: &str = "io.kubernetes.cri-o.Labels";

/// As far as we use it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    process: Process,
    #[serde(default)]
    mounts: Vec<Mount>,
    #[serde(default)]
    linux: Linux,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Process {
    env: Vec<String>,
    capabilities: Capabilities,
    apparmor_profile: Option<String>,
    selinux_label: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Capabilities {
    bounding: Vec<String>,
    effective: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Mount {
    destination: String,
    #[serde(rename = "type")]
    kind: String,
    source: String,
    options: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Linux {
    namespaces: Vec<Namespace>,
    seccomp: Option<IgnoredAny>,
    resources: Resources,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Namespace {
    #[serde(rename = "type")]
    kind: String,
    path: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resources {
    devices: Vec<Device>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Device {
    allow: bool,
    #[serde(rename = "type")]
    kind: Option<String>,
    major: Option<i64>,
    minor: Option<i64>,
}

/// None where that is no specification.
pub(crate) fn parse(bytes: &[u8]) -> Option<Container> {
    let spec: Spec = serde_json::from_slice(bytes).ok()?;
    Some(spec.into_container())
}

impl Spec {
    fn into_container(self) -> Container {
        let annotated = |keys: &[&str]| keys.iter().find_map(|key| self.annotations.get(*key));
        let labels = self.labels();
        let name = pod::name_in_pod(&self.annotations).or_else(|| annotated(&NAMES)).cloned();
        let image = annotated(&IMAGES).map(|name| image::running_image(name, None));
        let pod = pod::pod_of(&self.annotations).map(|pod| model::event::Pod {
            labels: pod::pod_of(&labels).map(|labelled| labelled.labels).unwrap_or_default(),
            ..pod
        });
        let process = &self.process;
        let module = process.apparmor_profile.as_ref().or(process.selinux_label.as_ref());
        let is_called_privileged = annotated(&[PRIVILEGED]).is_some_and(|it| it == "TRUE");
        Container {
            described: true,
            runtime: self.manager(),
            name,
            image,
            privileged: Some(is_called_privileged || self.is_privileged()),
            mounts: Some(self.mounts.iter().filter_map(Mount::of_host).collect()),
            capabilities: Some(capability::bits(names(&process.capabilities.effective))),
            seccomp: Some(
                if self.linux.seccomp.is_some() { "custom" } else { "unconfined" }.to_owned(),
            ),
            security_module: module.filter(|name| !name.is_empty()).cloned(),
            host_pid: self.shares("pid"),
            host_network: self.shares("network"),
            host_ipc: self.shares("ipc"),
            environment: self.process.env.clone(),
            labels,
            pod,
            ..Container::default()
        }
    }

    fn manager(&self) -> ContainerRuntime {
        match self.annotations.get(MANAGER).map(String::as_str) {
            Some("libpod") => ContainerRuntime::Podman,
            Some("cri-o") => ContainerRuntime::Crio,
            _ => ContainerRuntime::Other,
        }
    }

    fn labels(&self) -> BTreeMap<String, String> {
        let labels = self.annotations.get(LABELS);
        labels.and_then(|labels| serde_json::from_str(labels).ok()).unwrap_or_default()
    }

    /// Runtimes do not write down that a container is privileged, but what follows from it: every
    /// capability that they know of, every device, no filter.
    fn is_privileged(&self) -> bool {
        /// Those before Linux 5.8, which old runtimes take for all.
        const OLD_ALL: u64 = (1 << 38) - 1;
        let bounding = capability::bits(names(&self.process.capabilities.bounding));
        let may_all = bounding & OLD_ALL == OLD_ALL;
        may_all && self.linux.seccomp.is_none() && self.linux.resources.allow_every_device()
    }

    /// Whether it has the namespace of the host: it has none of its own. None where it joins one,
    /// whosever that is.
    fn shares(&self, kind: &str) -> Option<bool> {
        match self.linux.namespaces.iter().find(|namespace| namespace.kind == kind) {
            None => Some(true),
            Some(namespace) if namespace.path.is_empty() => Some(false),
            Some(namespace) if namespace.path.starts_with("/proc/1/ns/") => Some(true),
            Some(_) => None,
        }
    }
}

impl Resources {
    fn allow_every_device(&self) -> bool {
        self.devices.iter().any(|device| {
            let is_any = |number: Option<i64>| number.is_none_or(|number| number < 0);
            let kind = device.kind.as_deref().unwrap_or("a");
            device.allow && kind == "a" && is_any(device.major) && is_any(device.minor)
        })
    }
}

impl Mount {
    /// Only what the host lends: file systems that are made for the container are its own.
    fn of_host(&self) -> Option<ContainerMount> {
        let has = |option: &str| self.options.iter().any(|it| it == option);
        let is_bind = self.kind == "bind" || has("bind") || has("rbind");
        let spreads = |option: &&String| {
            ["private", "slave", "shared", "unbindable"].iter().any(|kind| option.ends_with(kind))
        };
        let propagation = self.options.iter().rfind(spreads).cloned().unwrap_or_default();
        let kinds = ["bind", "rbind"];
        let mode = self.options.iter().filter(|it| **it != propagation && !kinds.contains(&&***it));
        let mode: Vec<&str> = mode.map(String::as_str).collect();
        is_bind.then(|| ContainerMount {
            source: self.source.clone(),
            destination: self.destination.clone(),
            mode: mode.join(","),
            writable: !has("ro"),
            propagation,
        })
    }
}

fn names(list: &[String]) -> impl Iterator<Item = &str> {
    list.iter().map(String::as_str)
}
