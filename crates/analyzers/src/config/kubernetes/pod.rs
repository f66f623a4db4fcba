//! The views of pods and their containers, whatever object makes them.
//!
//! A setting that a container lacks and its pod has counts as the container's, as the kubelet has
//! it (kubernetes.io, "Configure a Security Context for a Pod or Container").

use serde::Serialize;

use super::super::compose::capabilities;
use super::super::image::Variable;
use super::super::mask;
use super::super::path;
use super::super::reference::Reference;
use super::super::thing::{On, Thing};
use super::super::yaml::Node;
use super::object::Object;

/// What conditions see as `pod`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Pod {
    kind: String,
    name: String,
    namespace: String,
    host_network: bool,
    host_pid: bool,
    host_ipc: bool,
    /// Containers share the user namespace of the node unless this is false.
    host_users: Option<bool>,
    share_process_namespace: bool,
    service_account: String,
    /// None where the service account decides.
    automount_token: Option<bool>,
    volumes: Vec<Volume>,
    sysctls: Vec<String>,
    host_process: bool,
    /// Names that the pod's `/etc/hosts` is given.
    host_aliases: bool,
}

/// Where a volume comes from.
#[derive(Debug, Default, Serialize)]
struct Volume {
    name: String,
    /// As the API calls it: `hostPath`, `emptyDir`, `secret` …
    kind: String,
    /// Of the node, without `..` and other detours.
    path: String,
}

/// What conditions see as `container`. Masked throughout.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Container {
    name: String,
    /// `container`, `init` or `ephemeral`.
    role: String,
    image: Reference,
    pull_policy: String,
    privileged: bool,
    allow_privilege_escalation: Option<bool>,
    read_only_root: bool,
    run_as_user: Option<i64>,
    run_as_group: Option<i64>,
    run_as_non_root: Option<bool>,
    cap_add: Vec<String>,
    cap_drop: Vec<String>,
    /// `RuntimeDefault`, `Localhost`, `Unconfined`; empty where nothing is said.
    seccomp: String,
    apparmor: String,
    selinux_type: String,
    selinux_user: String,
    selinux_role: String,
    proc_mount: String,
    host_process: bool,
    host_ports: Vec<i64>,
    has_cpu_limit: bool,
    has_memory_limit: bool,
    has_cpu_request: bool,
    has_memory_request: bool,
    has_liveness_probe: bool,
    has_readiness_probe: bool,
    /// Whom a probe or hook asks instead of the pod.
    probe_hosts: Vec<String>,
    environment: Vec<Variable>,
    /// Variables that take their values from a Secret.
    secret_variables: Vec<String>,
    /// The command, and those of probes and hooks, if there is a secret in it.
    secret_commands: Vec<String>,
    /// All of a Secret becomes the environment.
    takes_secrets: bool,
    mount_paths: Vec<String>,
    /// The kind of the object that makes the pod.
    workload: String,
}

/// Where kinds that we do not know keep their pods, as deep as they are looked for.
const DEPTH_MAX: usize = 12;

/// The pods that an object makes, each with its `metadata` and `spec`.
pub(super) fn templates<'n>(node: &'n Node, kind: &str) -> Vec<&'n Node> {
    let template = match kind {
        "Pod" => node,
        "CronJob" => node.at(&["spec", "jobTemplate", "spec", "template"]),
        "PodTemplate" => node.get("template"),
        // Whatever else has a template of pods makes pods, also what was defined elsewhere.
        _ => node.at(&["spec", "template"]),
    };
    if !template.at(&["spec", "containers"]).items().is_empty() {
        return vec![template];
    }
    let mut templates = Vec::new();
    gather(node.get("spec"), DEPTH_MAX, &mut templates);
    templates
}

/// Templates of pods at any depth: Argo's workflows, Ray's clusters.
fn gather<'n>(node: &'n Node, depth: usize, templates: &mut Vec<&'n Node>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    if is_spec(node.get("spec")) || is_spec(node) {
        return templates.push(node);
    }
    let inner = node.items().iter().chain(node.entries().iter().map(|(_, inner)| inner));
    inner.for_each(|inner| gather(inner, depth, templates));
}

/// Whether containers stand there that name their images.
fn is_spec(spec: &Node) -> bool {
    let is_container = |it: &&Node| !it.get("image").text().is_empty();
    containers(spec).any(|(_, node)| is_container(&node))
}

/// The containers of a pod, and what they are in it. Argo has one without a list, Tekton steps.
fn containers(spec: &Node) -> impl Iterator<Item = (&'static str, &Node)> {
    const ROLES: [(&str, &str); 5] = [
        ("container", "containers"),
        ("init", "initContainers"),
        ("ephemeral", "ephemeralContainers"),
        ("container", "steps"),
        ("init", "sidecars"),
    ];
    let one = ["container", "script"].map(|key| ("container", spec.get(key)));
    let one = one.into_iter().filter(|(_, node)| !node.get("image").text().is_empty());
    let listed = ROLES
        .into_iter()
        .flat_map(|(role, key)| spec.get(key).items().iter().map(move |node| (role, node)));
    listed.chain(one)
}

/// The pod and its containers.
pub(super) fn things(template: &Node, object: &Object) -> Vec<Thing> {
    let spec = template.get("spec");
    // In some the settings of a pod stand where its containers do, beside other things.
    let spec = if is_spec(spec) { spec } else { template };
    let title = object.title();
    let pod = Pod::of(spec, object);
    let mut things = vec![Thing::new(On::Pod, spec.line, &title, &pod).named(title.clone())];
    for (role, node) in containers(spec) {
        let container = Container::of(node, template, spec, role, object);
        let text = format!("container {}", container.name);
        let thing = Thing::new(On::Container, node.line, &text, &container);
        things.push(thing.named(format!("{title}, {text}")));
    }
    things
}

impl Pod {
    fn of(spec: &Node, object: &Object) -> Self {
        let account = spec.get("serviceAccountName").text();
        let older = || spec.get("serviceAccount").text();
        let context = spec.get("securityContext");
        let sysctls = context.get("sysctls").items();
        Self {
            kind: object.kind.clone(),
            name: object.name.clone(),
            namespace: object.namespace.clone(),
            host_network: spec.get("hostNetwork").is_true(),
            host_pid: spec.get("hostPID").is_true(),
            host_ipc: spec.get("hostIPC").is_true(),
            host_users: spec.get("hostUsers").truth(),
            share_process_namespace: spec.get("shareProcessNamespace").is_true(),
            service_account: if account.is_empty() { older() } else { account },
            automount_token: spec.get("automountServiceAccountToken").truth(),
            volumes: spec.get("volumes").items().iter().map(Volume::of).collect(),
            sysctls: sysctls.iter().map(|it| it.get("name").text()).collect(),
            host_process: context.at(&["windowsOptions", "hostProcess"]).is_true(),
            host_aliases: !spec.get("hostAliases").items().is_empty(),
        }
    }

    pub(crate) fn example() -> Self {
        Self { volumes: vec![Volume::default()], ..Self::default() }
    }
}

impl Volume {
    fn of(node: &Node) -> Self {
        let source = node.entries().iter().find(|(key, _)| key != "name");
        Self {
            name: node.get("name").text(),
            kind: source.map_or_else(String::new, |(kind, _)| kind.clone()),
            path: path::clean(&node.at(&["hostPath", "path"]).text()),
        }
    }
}

impl Container {
    fn of(node: &Node, template: &Node, spec: &Node, role: &str, object: &Object) -> Self {
        let own = node.get("securityContext");
        let pods = spec.get("securityContext");
        let either = |keys: &[&str]| {
            let own = own.at(keys);
            if own.is_nothing() { pods.at(keys) } else { own }
        };
        let has = |keys: &[&str]| !node.at(keys).is_nothing();
        let variables = node.get("env").items();
        let host_ports = node.get("ports").items().iter();
        let secret = |it: &&Node| !it.at(&["valueFrom", "secretKeyRef"]).is_nothing();
        Self {
            name: node.get("name").text(),
            role: role.to_owned(),
            image: Reference::of(&node.get("image").text()),
            pull_policy: node.get("imagePullPolicy").text(),
            privileged: own.get("privileged").is_true(),
            allow_privilege_escalation: own.get("allowPrivilegeEscalation").truth(),
            read_only_root: own.get("readOnlyRootFilesystem").is_true(),
            run_as_user: either(&["runAsUser"]).number(),
            run_as_group: either(&["runAsGroup"]).number(),
            run_as_non_root: either(&["runAsNonRoot"]).truth(),
            cap_add: capabilities(own.at(&["capabilities", "add"])),
            cap_drop: capabilities(own.at(&["capabilities", "drop"])),
            seccomp: either(&["seccompProfile", "type"]).text(),
            apparmor: apparmor(either(&["appArmorProfile", "type"]), node, template),
            selinux_type: either(&["seLinuxOptions", "type"]).text(),
            selinux_user: either(&["seLinuxOptions", "user"]).text(),
            selinux_role: either(&["seLinuxOptions", "role"]).text(),
            proc_mount: own.get("procMount").text(),
            host_process: either(&["windowsOptions", "hostProcess"]).is_true(),
            host_ports: host_ports.filter_map(|it| it.get("hostPort").number()).collect(),
            has_cpu_limit: has(&["resources", "limits", "cpu"]),
            has_memory_limit: has(&["resources", "limits", "memory"]),
            has_cpu_request: has(&["resources", "requests", "cpu"])
                || has(&["resources", "limits", "cpu"]),
            has_memory_request: has(&["resources", "requests", "memory"])
                || has(&["resources", "limits", "memory"]),
            has_liveness_probe: has(&["livenessProbe"]),
            has_readiness_probe: has(&["readinessProbe"]),
            probe_hosts: probe_hosts(node),
            environment: variables
                .iter()
                .map(|it| Variable::new(&it.get("name").text(), &it.get("value").text()))
                .collect(),
            secret_variables: (variables.iter().filter(secret))
                .map(|it| it.get("name").text())
                .collect(),
            secret_commands: (commands(node).iter())
                .filter_map(|words| mask::told_by(words))
                .collect(),
            takes_secrets: (node.get("envFrom").items().iter())
                .any(|it| !it.get("secretRef").is_nothing()),
            mount_paths: (node.get("volumeMounts").items().iter())
                .map(|it| it.get("mountPath").text())
                .collect(),
            workload: object.kind.clone(),
        }
    }

    pub(crate) fn example() -> Self {
        Self {
            environment: vec![Variable::new("A", "b")],
            secret_commands: vec!["app".to_owned()],
            ..Self::default()
        }
    }
}

/// The profile, which an annotation of the pod named before Kubernetes 1.30.
fn apparmor(profile: &Node, container: &Node, template: &Node) -> String {
    if !profile.is_nothing() {
        return profile.text();
    }
    let key = "container.apparmor.security.beta.kubernetes.io/";
    let key = format!("{key}{}", container.get("name").text());
    let value = template.at(&["metadata", "annotations", &key]).text();
    match value.split('/').next() {
        Some("unconfined") => "Unconfined".to_owned(),
        Some("localhost") => "Localhost".to_owned(),
        Some("runtime") => "RuntimeDefault".to_owned(),
        _ => value,
    }
}

/// Where the kubelet is told to ask or run something.
const PROBES: [&[&str]; 5] = [
    &["livenessProbe"],
    &["readinessProbe"],
    &["startupProbe"],
    &["lifecycle", "postStart"],
    &["lifecycle", "preStop"],
];

/// All that the container is told to run.
fn commands(container: &Node) -> Vec<Vec<String>> {
    let own = [container.get("command").texts(), container.get("args").texts()].concat();
    let probes = PROBES.map(|probe| container.at(probe).at(&["exec", "command"]).texts());
    [vec![own], probes.to_vec()].concat()
}

/// Whom probes and hooks ask that name somebody.
fn probe_hosts(container: &Node) -> Vec<String> {
    let asked = PROBES.into_iter().flat_map(|probe| {
        let probe = container.at(probe);
        ["httpGet", "tcpSocket"].map(|way| probe.at(&[way, "host"]).text())
    });
    asked.filter(|host| !host.is_empty()).collect()
}
