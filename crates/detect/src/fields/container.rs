//! `container.*`, `k8s.*`: where. On the host, the container is called `host` and has nothing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

use model::event::{Container, ContainerMount, ContainerRuntime, Event, Pod, RunningImage};

use crate::field::{Argument, ArgumentKind, Field, Kind};
use crate::value::Value;

/// Falco's name for what is in no container.
const HOST: &str = "host";

/// So many characters of an id tell containers of a host apart, and rules compare with so many.
const ID_CHARS: usize = 12;

pub(super) const FIELDS: &[Field] = &[
    Field::event("container.id", Kind::Text, "first 12 characters of the id, or `host`", |e, _| {
        e.container.as_deref().map_or_else(|| HOST.into(), |container| short(&container.id).into())
    }),
    Field::event("container.full_id", Kind::Text, "the whole id", |event, _| {
        event.container.as_deref().map_or_else(|| "".into(), |container| (&container.id).into())
    }),
    Field::event("container.name", Kind::Text, "name of the container, or `host`", |event, _| {
        match event.container.as_deref() {
            Some(container) => described(container, container.name.as_deref()),
            None => HOST.into(),
        }
    }),
    Field::event("container.type", Kind::Text, "runtime of the container, or `host`", |e, _| {
        e.container.as_deref().map_or(HOST, |container| runtime(container.runtime)).into()
    }),
    Field::event("container.image", Kind::Text, "image that it was started from", |event, _| {
        of_image(event, |image| Some(&image.reference))
    }),
    Field::event(
        "container.image.id",
        Kind::Text,
        "12 characters of the image's id",
        |event, _| {
            of_image(event, |image| {
                let id = image.id.as_deref()?;
                Some(short(id.strip_prefix("sha256:").unwrap_or(id)))
            })
        },
    ),
    Field::event("container.image.repository", Kind::Text, "repository of the image", |e, _| {
        of_image(e, |image| Some(&image.repository))
    }),
    Field::event("container.image.tag", Kind::Text, "tag of the image", |event, _| {
        of_image(event, |image| image.tag.as_deref())
    }),
    Field::event("container.image.digest", Kind::Text, "digest of the manifest", |event, _| {
        of_image(event, |image| image.digest.as_deref())
    }),
    Field::event("container.privileged", Kind::Bool, "started with all privileges", |event, _| {
        flag(event, |container| container.privileged)
    }),
    Field::event("container.host_pid", Kind::Bool, "sees the processes of the host", |e, _| {
        flag(e, |container| container.host_pid)
    }),
    Field::event("container.host_network", Kind::Bool, "uses the host's network", |event, _| {
        flag(event, |container| container.host_network)
    }),
    Field::event("container.host_ipc", Kind::Bool, "shares the host's IPC objects", |event, _| {
        flag(event, |container| container.host_ipc)
    }),
    Field::event("container.mounts", Kind::Text, "all mounts, with commas", |event, _| match event
        .container
        .as_deref()
    {
        Some(Container { mounts: Some(mounts), .. }) => {
            Value::made(mounts.iter().map(told).collect::<Vec<_>>().join(","))
        }
        Some(Container { described: false, .. }) => Value::Absent,
        _ => "".into(),
    }),
    Field::event("container.mount", Kind::Text, "the mount of a number or source", |event, it| {
        mount(event, it, |mount| &mount.source).map_or(Value::Absent, |it| Value::made(told(it)))
    })
    .argument(ArgumentKind::Required),
    Field::event("container.mount.source", Kind::Text, "source of a destination", |event, it| {
        or_none(
            event,
            mount(event, it, |mount| &mount.destination).map(|mount| &mount.source).into(),
        )
    })
    .argument(ArgumentKind::Required),
    Field::event("container.mount.dest", Kind::Text, "destination of a source", |event, it| {
        or_none(
            event,
            mount(event, it, |mount| &mount.source).map(|mount| &mount.destination).into(),
        )
    })
    .argument(ArgumentKind::Required),
    Field::event("container.mount.mode", Kind::Text, "mode of a source's mount", |event, it| {
        or_none(event, mount(event, it, |mount| &mount.source).map(|mount| &mount.mode).into())
    })
    .argument(ArgumentKind::Required),
    Field::event("container.mount.rdwr", Kind::Text, "whether it is writable", |event, it| {
        let mount = mount(event, it, |mount| &mount.source);
        or_none(event, mount.map(|mount| if mount.writable { "true" } else { "false" }).into())
    })
    .argument(ArgumentKind::Required),
    Field::event("container.mount.propagation", Kind::Text, "its propagation", |event, it| {
        or_none(
            event,
            mount(event, it, |mount| &mount.source).map(|mount| &mount.propagation).into(),
        )
    })
    .argument(ArgumentKind::Required),
    Field::event("container.start_ts", Kind::Number, "when it started, in ns", |event, _| {
        event.container.as_deref().and_then(|container| container.started).into()
    }),
    Field::event("container.duration", Kind::Number, "ns since it started", |event, _| {
        let started = event.container.as_deref().and_then(|container| container.started);
        started.map(|started| event.time.saturating_sub(started)).into()
    }),
    Field::event("container.ip", Kind::Text, "its address", |event, _| match &event.container {
        Some(container) => described(container, container.address.as_deref()),
        None => "".into(),
    }),
    Field::event("container.label", Kind::Text, "the value of a label", |event, argument| {
        event.container.as_deref().map_or(Value::Absent, |it| label(&it.labels, argument))
    })
    .argument(ArgumentKind::Required),
    Field::event("container.labels", Kind::Text, "all labels, with commas", |event, _| {
        event.container.as_deref().map_or_else(|| "".into(), |container| labels(&container.labels))
    }),
    Field::never("container.cni.json", Kind::Text, "results of network plugins are not read"),
    Field::never("container.healthcheck", Kind::Text, NO_PROBE),
    Field::never("container.liveness_probe", Kind::Text, NO_PROBE),
    Field::never("container.readiness_probe", Kind::Text, NO_PROBE),
    Field::never("proc.is_container_healthcheck", Kind::Bool, NO_PROBE),
    Field::never("proc.is_container_liveness_probe", Kind::Bool, NO_PROBE),
    Field::never("proc.is_container_readiness_probe", Kind::Bool, NO_PROBE),
    Field::event("k8s.pod.name", Kind::Text, "name of the pod", |event, _| {
        pod(event).map(|pod| &pod.name).into()
    }),
    Field::event("k8s.ns.name", Kind::Text, "namespace of the pod", |event, _| {
        pod(event).map(|pod| &pod.namespace).into()
    }),
    Field::event("k8s.pod.id", Kind::Text, "another name of `k8s.pod.uid`", |event, _| {
        pod(event).and_then(|pod| pod.uid.as_ref()).into()
    }),
    Field::event("k8s.pod.uid", Kind::Text, "uid of the pod", |event, _| {
        pod(event).and_then(|pod| pod.uid.as_ref()).into()
    }),
    Field::event("k8s.pod.label", Kind::Text, "the value of a label of the pod", |event, it| {
        pod(event).map_or(Value::Absent, |pod| label(&pod.labels, it))
    })
    .argument(ArgumentKind::Required),
    Field::event("k8s.pod.labels", Kind::Text, "all labels of the pod", |event, _| {
        pod(event).map_or(Value::Absent, |pod| labels(&pod.labels))
    }),
    Field::never("k8s.pod.sandbox_id", Kind::Text, NO_SANDBOX),
    Field::never("k8s.pod.full_sandbox_id", Kind::Text, NO_SANDBOX),
    Field::never("k8s.pod.ip", Kind::Text, NO_SANDBOX),
    Field::never("k8s.pod.cni.json", Kind::Text, NO_SANDBOX),
    Field::never("k8s.ns.id", Kind::Text, NO_SERVER),
    Field::never("k8s.ns.label", Kind::Text, NO_SERVER).argument(ArgumentKind::Required),
    Field::never("k8s.ns.labels", Kind::Text, NO_SERVER),
    Field::never("k8s.rc.name", Kind::Text, NO_SERVER),
    Field::never("k8s.rc.id", Kind::Text, NO_SERVER),
    Field::never("k8s.rc.label", Kind::Text, NO_SERVER).argument(ArgumentKind::Required),
    Field::never("k8s.rc.labels", Kind::Text, NO_SERVER),
    Field::never("k8s.rs.name", Kind::Text, NO_SERVER),
    Field::never("k8s.rs.id", Kind::Text, NO_SERVER),
    Field::never("k8s.rs.label", Kind::Text, NO_SERVER).argument(ArgumentKind::Required),
    Field::never("k8s.rs.labels", Kind::Text, NO_SERVER),
    Field::never("k8s.svc.name", Kind::Text, NO_SERVER),
    Field::never("k8s.svc.id", Kind::Text, NO_SERVER),
    Field::never("k8s.svc.label", Kind::Text, NO_SERVER).argument(ArgumentKind::Required),
    Field::never("k8s.svc.labels", Kind::Text, NO_SERVER),
    Field::never("k8s.deployment.name", Kind::Text, NO_SERVER),
    Field::never("k8s.deployment.id", Kind::Text, NO_SERVER),
    Field::never("k8s.deployment.label", Kind::Text, NO_SERVER).argument(ArgumentKind::Required),
    Field::never("k8s.deployment.labels", Kind::Text, NO_SERVER),
];

const NO_PROBE: &str = "probes are not told from other processes";
const NO_SANDBOX: &str = "what belongs to the pod's sandbox is not read";
const NO_SERVER: &str = "the API server of the cluster is not asked";

fn short(id: &str) -> &str {
    id.get(..ID_CHARS).unwrap_or(id)
}

fn runtime(runtime: ContainerRuntime) -> &'static str {
    match runtime {
        ContainerRuntime::Docker => "docker",
        ContainerRuntime::Containerd => "containerd",
        ContainerRuntime::Crio => "cri-o",
        ContainerRuntime::Podman => "podman",
        ContainerRuntime::Other => "unknown",
    }
}

/// Nothing is known before the runtime has answered; after that, what it did not say is empty.
fn described<'a>(container: &Container, text: Option<&'a str>) -> Value<'a> {
    match text {
        Some(text) => text.into(),
        None if container.described => "".into(),
        None => Value::Absent,
    }
}

fn of_image(event: &Event, part: fn(&RunningImage) -> Option<&str>) -> Value<'_> {
    match event.container.as_deref() {
        Some(container) => described(container, container.image.as_ref().and_then(part)),
        None => "".into(),
    }
}

fn flag(event: &Event, part: fn(&Container) -> Option<bool>) -> Value<'_> {
    event.container.as_deref().map_or(Some(false), part).into()
}

/// The mount of a number, or the first one of which a path matches.
fn mount<'a>(
    event: &'a Event,
    argument: &Argument,
    path: fn(&ContainerMount) -> &String,
) -> Option<&'a ContainerMount> {
    let mounts = event.container.as_deref()?.mounts.as_deref()?;
    match argument {
        Argument::Index(index) => mounts.get(*index),
        Argument::Key(pattern) => {
            let matches = |mount: &&ContainerMount| {
                crate::glob::matches(pattern.as_bytes(), path(mount).as_bytes(), false)
            };
            mounts.iter().find(matches)
        }
        Argument::None => None,
    }
}

/// That a container has no such mount is told in words, which Falco's rules compare with.
fn or_none<'a>(event: &Event, value: Value<'a>) -> Value<'a> {
    match value {
        Value::Absent if event.container.is_some() => "N/A".into(),
        value => value,
    }
}

fn told(mount: &ContainerMount) -> String {
    let ContainerMount { source, destination, mode, writable, propagation } = mount;
    format!("{source}:{destination}:{mode}:{writable}:{propagation}")
}

fn pod(event: &Event) -> Option<&Pod> {
    event.container.as_deref()?.pod.as_ref()
}

fn label<'a>(labels: &'a BTreeMap<String, String>, argument: &Argument) -> Value<'a> {
    match argument {
        Argument::Key(key) => labels.get(key).into(),
        Argument::Index(_) | Argument::None => Value::Absent,
    }
}

/// All but those that Kubernetes writes for itself.
fn labels(labels: &BTreeMap<String, String>) -> Value<'static> {
    let own = |key: &str| key.starts_with("annotation.") || key.starts_with("io.kubernetes.");
    let mut text = String::new();
    for (key, value) in labels.iter().filter(|(key, _)| !own(key)) {
        let comma = if text.is_empty() { "" } else { ", " };
        let colon = if value.is_empty() { "" } else { ":" };
        // Writing to a text cannot fail.
        let _written = write!(text, "{comma}{key}{colon}{value}");
    }
    Value::Text(Cow::Owned(text.into_bytes()))
}
