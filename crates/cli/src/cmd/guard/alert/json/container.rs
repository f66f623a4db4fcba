//! The container of an alert: what it is, what it was given, and whose it is.
//!
//! What a runtime says of a container is as long as its user likes; an alert is not. Never tells the
//! environment, where passwords stand.

use std::collections::BTreeMap;

use model::event::{Container, ContainerMount};
use policy::profile::Workload;
use serde_json::{Map, Value, json};

/// Of mounts, and of labels.
const ITEMS_MAX: usize = 64;
/// Of a label: what is longer is data, and no name.
const LABEL_CHARACTERS_MAX: usize = 256;

pub(super) fn object(container: &Container) -> Value {
    let image = container.image.as_ref();
    let pod = container.pod.as_ref();
    json!({
        "id": container.id,
        "runtime": format!("{:?}", container.runtime).to_lowercase(),
        "described": container.described,
        "name": container.name,
        "image": image.map(|image| &image.reference),
        "image_digest": image.and_then(|image| image.digest.as_ref()),
        "image_id": image.and_then(|image| image.id.as_ref()),
        "pod": pod.map(|pod| &pod.name),
        "namespace": pod.map(|pod| &pod.namespace),
        "workload": Workload::of(container).map(|it| it.as_str().to_owned()),
        "privileged": container.privileged,
        "capabilities": container.capabilities.map(detect::capabilities),
        "seccomp": container.seccomp,
        "security_module": container.security_module,
        "host_pid": container.host_pid,
        "host_network": container.host_network,
        "host_ipc": container.host_ipc,
        "mounts": container.mounts.as_ref().map(|it| mounts(it)),
        "labels": labels(container),
        "cut": is_cut(container),
    })
}

fn mounts(mounts: &[ContainerMount]) -> Vec<Value> {
    let object = |mount: &ContainerMount| {
        json!({
            "source": mount.source,
            "destination": mount.destination,
            "writable": mount.writable,
        })
    };
    mounts.iter().take(ITEMS_MAX).map(object).collect()
}

/// A pod's where it has some: the container's are its runtime's own.
fn given(container: &Container) -> &BTreeMap<String, String> {
    let of_pod = container.pod.as_ref().map(|pod| &pod.labels).filter(|labels| !labels.is_empty());
    of_pod.unwrap_or(&container.labels)
}

fn labels(container: &Container) -> Map<String, Value> {
    let short = |text: &String| text.chars().take(LABEL_CHARACTERS_MAX).collect::<String>();
    let labels = given(container).iter().take(ITEMS_MAX);
    labels.map(|(name, value)| (short(name), short(value).into())).collect()
}

/// Whether mounts or labels are more than what is told.
fn is_cut(container: &Container) -> bool {
    let mounts = container.mounts.as_ref().map_or(0, Vec::len);
    let labels = given(container);
    let is_long = |text: &String| text.chars().nth(LABEL_CHARACTERS_MAX).is_some();
    mounts.max(labels.len()) > ITEMS_MAX
        || labels.iter().any(|(name, value)| is_long(name) || is_long(value))
}

#[cfg(test)]
mod tests {
    use model::event::{Pod, RunningImage};

    use super::*;

    #[test]
    fn what_is_known_is_told_and_the_environment_is_not() {
        let container = Container {
            id: "ab".into(),
            described: true,
            image: Some(RunningImage {
                reference: "registry.example/shop:1".into(),
                repository: "registry.example/shop".into(),
                id: Some("sha256:11".into()),
                ..RunningImage::default()
            }),
            privileged: Some(false),
            capabilities: Some(1 | 1 << 21),
            mounts: Some(vec![ContainerMount {
                source: "/var/run/docker.sock".into(),
                destination: "/sock".into(),
                ..ContainerMount::default()
            }]),
            environment: vec!["PASSWORD=forty-two".into()],
            labels: [("team".into(), "shop".into())].into(),
            ..Container::default()
        };
        let told = object(&container);
        assert_eq!(told["image_id"], "sha256:11");
        assert_eq!(told["workload"], "image:registry.example/shop");
        assert_eq!(told["capabilities"], json!(["CAP_CHOWN", "CAP_SYS_ADMIN"]));
        let mount =
            json!([{"source": "/var/run/docker.sock", "destination": "/sock", "writable": false}]);
        assert_eq!(told["mounts"], mount);
        assert_eq!(told["labels"], json!({"team": "shop"}));
        assert_eq!((&told["cut"], &told["host_pid"]), (&json!(false), &Value::Null));
        assert!(!told.to_string().contains("forty-two"));
    }

    #[test]
    fn a_pods_labels_stand_for_its_containers() {
        let pod = Pod { labels: [("app".into(), "shop".into())].into(), ..Pod::default() };
        let labels = [("io.kubernetes.pod.name".to_owned(), "shop-0".to_owned())].into();
        let container = Container { pod: Some(pod), labels, ..Container::default() };
        assert_eq!(object(&container)["labels"], json!({"app": "shop"}));
    }

    #[test]
    fn what_its_user_made_long_is_cut_and_says_so() {
        let long = |count: usize| (0..count).map(|it| (format!("{it}"), String::new())).collect();
        let mounts = |count| Some(vec![ContainerMount::default(); count]);
        let cases = [
            (Container { labels: long(64), mounts: mounts(64), ..Container::default() }, false),
            (Container { labels: long(65), ..Container::default() }, true),
            (Container { mounts: mounts(65), ..Container::default() }, true),
            (
                Container {
                    labels: [("a".into(), "é".repeat(257))].into(),
                    ..Container::default()
                },
                true,
            ),
        ];
        for (container, cut) in cases {
            let told = object(&container);
            assert_eq!(told["cut"], cut);
            assert!(told["mounts"].as_array().is_none_or(|it| it.len() <= ITEMS_MAX));
            let labels = told["labels"].as_object().cloned().unwrap_or_default();
            assert!(labels.len() <= ITEMS_MAX);
            let is_short = |it: &Value| it.as_str().is_some_and(|it| it.chars().count() <= 256);
            assert!(labels.values().all(is_short));
        }
    }
}
