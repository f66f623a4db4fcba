//! The views of objects that are no pods: services, roles and bindings, accounts, settings.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::mask;
use super::super::setting;
use super::super::thing::{On, Thing};
use super::super::yaml::Node;
use super::pod;

/// What conditions see as `object`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Object {
    pub(super) kind: String,
    pub(super) api_version: String,
    pub(super) name: String,
    /// Empty where the command that applies it decides.
    pub(super) namespace: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    /// Of a Service: `ClusterIP`, `NodePort`, `LoadBalancer`, `ExternalName`.
    service_type: String,
    external_ips: Vec<String>,
    /// Addresses that a load balancer lets in.
    source_ranges: Vec<String>,
    /// Of an Ingress: it serves encrypted.
    has_tls: bool,
    /// Of a ServiceAccount; None where nothing is said.
    automount_token: Option<bool>,
    /// Of a binding: `ClusterRole` or `Role`.
    role_kind: String,
    role_name: String,
    subjects: Vec<Subject>,
    /// Of a ConfigMap: keys whose values are for few.
    gives_away: Vec<String>,
    /// Of a NetworkPolicy: it lets all in, or all out.
    allows_all: bool,
}

/// Whom a binding gives a role.
#[derive(Debug, Default, Serialize)]
struct Subject {
    kind: String,
    name: String,
    namespace: String,
}

/// What conditions see as `rule`: one rule of a role.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Rule {
    /// `ClusterRole` or `Role`.
    role_kind: String,
    role_name: String,
    api_groups: Vec<String>,
    resources: Vec<String>,
    verbs: Vec<String>,
    resource_names: Vec<String>,
    urls: Vec<String>,
}

impl Object {
    fn of(node: &Node) -> Self {
        let meta = node.get("metadata");
        let spec = node.get("spec");
        let kind = node.get("kind").text();
        let gives_away = |(name, value): &&(String, Node)| setting::gives_away(name, &value.text());
        let data = node.get("data").entries().iter().filter(|_| kind == "ConfigMap");
        Self {
            api_version: node.get("apiVersion").text(),
            name: meta.get("name").text(),
            namespace: meta.get("namespace").text(),
            labels: texts(meta.get("labels")),
            annotations: texts(meta.get("annotations")),
            service_type: spec.get("type").text(),
            external_ips: spec.get("externalIPs").texts(),
            source_ranges: spec.get("loadBalancerSourceRanges").texts(),
            has_tls: !spec.get("tls").items().is_empty(),
            automount_token: node.get("automountServiceAccountToken").truth(),
            role_kind: node.at(&["roleRef", "kind"]).text(),
            role_name: node.at(&["roleRef", "name"]).text(),
            subjects: node.get("subjects").items().iter().map(Subject::of).collect(),
            gives_away: data.filter(gives_away).map(|(name, _)| name.clone()).collect(),
            allows_all: kind == "NetworkPolicy" && allows_all(spec),
            kind,
        }
    }

    pub(crate) fn example() -> Self {
        Self { subjects: vec![Subject::default()], ..Self::default() }
    }

    /// `Deployment shop/web`.
    pub(super) fn title(&self) -> String {
        let slash = if self.namespace.is_empty() { "" } else { "/" };
        format!("{} {}{slash}{}", self.kind, self.namespace, self.name)
    }
}

impl Subject {
    fn of(node: &Node) -> Self {
        let text = |key: &str| node.get(key).text();
        Self { kind: text("kind"), name: text("name"), namespace: text("namespace") }
    }
}

/// Whether a rule for everybody and every port stands there.
fn allows_all(spec: &Node) -> bool {
    let open = |rules: &str, peers: &str| {
        let mut rules = spec.get(rules).items().iter();
        rules.any(|rule| {
            let peers = rule.get(peers).items();
            let is_everybody = peers.is_empty() || peers.iter().any(is_every_address);
            is_everybody && rule.get("ports").items().is_empty()
        })
    };
    open("ingress", "from") || open("egress", "to")
}

/// Whether a peer is all addresses there are.
fn is_every_address(peer: &Node) -> bool {
    let block = peer.get("ipBlock");
    let addresses = block.get("cidr").text();
    let is_all = addresses.ends_with("/0") && !addresses.is_empty();
    is_all && block.get("except").items().is_empty()
}

fn texts(node: &Node) -> BTreeMap<String, String> {
    let entry = |(name, value): &(String, Node)| (name.clone(), mask::value(name, &value.text()));
    node.entries().iter().map(entry).collect()
}

/// The object and everything in it that checks look at.
pub(super) fn things(node: &Node) -> Vec<Thing> {
    let object = Object::of(node);
    let title = object.title();
    let mut things = vec![Thing::new(On::Object, node.line, &title, &object).named(title.clone())];
    if matches!(object.kind.as_str(), "Role" | "ClusterRole") {
        for rule in node.get("rules").items() {
            let view = Rule {
                role_kind: object.kind.clone(),
                role_name: object.name.clone(),
                api_groups: rule.get("apiGroups").texts(),
                resources: rule.get("resources").texts(),
                verbs: rule.get("verbs").texts(),
                resource_names: rule.get("resourceNames").texts(),
                urls: rule.get("nonResourceURLs").texts(),
            };
            let what = [view.resources.join(", "), view.urls.join(", ")].concat();
            let text = format!("{} {what}", view.verbs.join(", "));
            things.push(Thing::new(On::Rule, rule.line, &text, &view).named(title.clone()));
        }
    }
    for template in pod::templates(node, &object.kind) {
        things.extend(pod::things(template, &object));
    }
    things
}
