//! Which pod a container belongs to, by the labels and annotations that kubelet and the runtimes
//! give it.

use std::collections::BTreeMap;

use model::event::Pod;

/// Where the parts of a pod stand, by whom: kubelet's labels (which all runtimes keep), then the
/// annotations of containerd's CRI plugin and of CRI-O.
const KEYS: [[&str; 3]; 3] = [
    ["io.kubernetes.pod.name", "io.kubernetes.pod.namespace", "io.kubernetes.pod.uid"],
    [
        "io.kubernetes.cri.sandbox-name",
        "io.kubernetes.cri.sandbox-namespace",
        "io.kubernetes.cri.sandbox-uid",
    ],
    ["io.kubernetes.cri-o.KubeName", "io.kubernetes.cri-o.Namespace", "io.kubernetes.pod.uid"],
];

/// What kubelet and runtimes write for themselves; other labels of a sandbox are the pod's own.
const MACHINERY: [&str; 3] = ["io.kubernetes.", "io.cri-containerd.", "annotation."];

/// The name of the container in its pod.
const CONTAINER_NAMES: [&str; 2] =
    ["io.kubernetes.container.name", "io.kubernetes.cri.container-name"];

/// The pod, and the name that the container has in it.
pub(super) fn pod_of(labels: &BTreeMap<String, String>) -> Option<Pod> {
    KEYS.iter().find_map(|[name, namespace, uid]| {
        let pod = Pod {
            name: labels.get(*name)?.clone(),
            namespace: labels.get(*namespace)?.clone(),
            uid: labels.get(*uid).cloned(),
            labels: own(labels),
        };
        Some(pod)
    })
}

/// What kubelet calls the container, which is what its users call it.
pub(super) fn name_in_pod(labels: &BTreeMap<String, String>) -> Option<&String> {
    CONTAINER_NAMES.iter().find_map(|key| labels.get(*key))
}

fn own(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let is_own = |key: &str| !MACHINERY.iter().any(|prefix| key.starts_with(prefix));
    labels.iter().filter(|(key, _)| is_own(key)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn pods_are_known_by_anybodys_words() {
        for [name, namespace, uid] in KEYS {
            let given =
                labels(&[(name, "web-0"), (namespace, "shop"), (uid, "u-1"), ("app", "web")]);
            let pod = pod_of(&given).unwrap();
            assert_eq!(
                (&*pod.name, &*pod.namespace, pod.uid.as_deref()),
                ("web-0", "shop", Some("u-1"))
            );
            assert_eq!(pod.labels, labels(&[("app", "web")]));
        }
        assert_eq!(pod_of(&labels(&[("io.kubernetes.pod.name", "web-0")])), None);
    }
}
