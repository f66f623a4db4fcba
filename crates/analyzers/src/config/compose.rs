//! The analyzer `compose`: Compose files (compose-spec.io), service by service.
//!
//! What other files add (`extends`, `include`, overrides) is not put together: each file is judged
//! as it stands.

mod interpolation;

use model::ProblemKind;
use serde::Serialize;

use super::image::Variable;
use super::mask;
use super::path;
use super::reference::Reference;
use super::setting;
use super::thing::{On, Thing};
use super::yaml::{self, Node, YAML_BYTES_MAX};
use crate::file::Check;
use crate::{Analyzer, File, FileFacts, Select};

/// The analyzer `compose`.
pub(crate) struct Compose;

/// What conditions see as `service`. Masked throughout.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Service {
    pub(crate) name: String,
    image: Reference,
    /// The image is built from sources beside the file.
    builds: bool,
    privileged: bool,
    /// As it is set; empty where the image decides.
    user: String,
    cap_add: Vec<String>,
    cap_drop: Vec<String>,
    security_opt: Vec<String>,
    network_mode: String,
    pid: String,
    ipc: String,
    uts: String,
    userns_mode: String,
    cgroup: String,
    devices: Vec<String>,
    /// Rules of devices that the container may make itself: `c 1:3 mr`.
    device_rules: Vec<String>,
    mounts: Vec<Mount>,
    ports: Vec<PublishedPort>,
    environment: Vec<Variable>,
    /// The command, and the test of its health, if there is a secret in it.
    secret_commands: Vec<String>,
    /// Build arguments by whose names secrets are handed to the build.
    secret_arguments: Vec<String>,
    read_only: bool,
    has_memory_limit: bool,
    has_pids_limit: bool,
    healthcheck_disabled: bool,
    restart: String,
}

/// Ports of one range that are told apart; whoever publishes more publishes them all.
const RANGE_MAX: usize = 1024;

/// What is mounted where.
#[derive(Debug, Default, Serialize)]
struct Mount {
    /// `bind`, `volume` or `tmpfs`.
    kind: String,
    /// Without `..` and other detours.
    source: String,
    target: String,
    read_only: bool,
    propagation: String,
}

/// A port of the container that the host listens on.
#[derive(Clone, Debug, Default, Serialize)]
struct PublishedPort {
    /// Empty for all addresses.
    address: String,
    /// A number or range; empty for one that the engine chooses.
    published: String,
    /// 0 where it is not one number.
    target: i64,
    protocol: String,
}

impl Analyzer for Compose {
    fn name(&self) -> &'static str {
        "compose"
    }

    fn version(&self) -> u32 {
        5
    }

    fn check(&self) -> Option<Check> {
        Some(Check::Sources)
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                // Whatever it is called: what tells is the content.
                Select::Anywhere { directory: "*", name: "*.yml" },
                Select::Anywhere { directory: "*", name: "*.yaml" },
                Select::Anywhere { directory: "*", name: "*.YML" },
                Select::Anywhere { directory: "*", name: "*.YAML" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        // As much as readers hand over: what is no Compose file is not parsed, whatever its size.
        1 << 30
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let size = file.bytes.len() as u64;
        let is_named = is_named(file.name());
        if size > YAML_BYTES_MAX {
            if is_named {
                let message = format!("{size} bytes, more than the {YAML_BYTES_MAX} that are read");
                facts.problem(ProblemKind::LimitReached, message);
            }
            return;
        }
        let text = yaml::text(file);
        if !(is_named || may_be_one(&text)) {
            return;
        }
        for mut document in yaml::documents(&text, facts) {
            document.change_texts(&interpolation::with_defaults);
            let volumes = document.get("volumes");
            for (name, node) in services(&document, is_named) {
                let service = Service::of(name, node, volumes);
                let text = format!("service {name}");
                let thing = Thing::new(On::Compose, node.line, &text, &service);
                facts.thing(thing.named(text));
            }
        }
    }
}

/// Whether a file is called as Compose looks for it.
fn is_named(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["compose", "docker-compose", "podman-compose"].iter().any(|begin| name.starts_with(begin))
}

/// Whether a file by any name may have services that Compose starts.
fn may_be_one(text: &str) -> bool {
    let begins = |line: &str| line.starts_with("services:");
    text.lines().any(begins) && (text.contains("image:") || text.contains("build:"))
}

/// The services of a document. The first format has them without `services:` around them; other files
/// have services of another kind, which neither name nor build an image.
fn services(document: &Node, is_named: bool) -> Vec<(&str, &Node)> {
    let is_service =
        |node: &Node| !node.get("image").text().is_empty() || !node.get("build").is_nothing();
    let named = document.get("services").entries();
    let is_first_format = is_named && document.get("services").is_nothing();
    let all = if is_first_format { document.entries() } else { named };
    let holds = all.iter().any(|(_, node)| is_service(node));
    let wanted = |node: &Node| if is_first_format { is_service(node) } else { is_named || holds };
    let is_other = !is_named && !document.get("apiVersion").is_nothing();
    let all = all.iter().filter(|(_, node)| wanted(node) && !is_other);
    all.map(|(name, node)| (name.as_str(), node)).collect()
}

impl Service {
    fn of(name: &str, node: &Node, volumes: &Node) -> Self {
        let text = |key: &str| node.get(key).text();
        let hooks = ["post_start", "pre_stop"].map(|hook| node.get(hook).items());
        let limits = node.at(&["deploy", "resources", "limits"]);
        let has = |node: &Node| !node.is_nothing();
        let health = node.get("healthcheck");
        let is_none = health.get("test").texts().first().is_some_and(|test| test == "NONE");
        Self {
            name: name.to_owned(),
            image: Reference::of(&text("image")),
            builds: has(node.get("build")),
            privileged: node.get("privileged").is_true()
                || node.at(&["build", "privileged"]).is_true()
                || hooks.into_iter().flatten().any(|hook| hook.get("privileged").is_true()),
            user: text("user"),
            cap_add: capabilities(node.get("cap_add")),
            cap_drop: capabilities(node.get("cap_drop")),
            security_opt: node.get("security_opt").texts(),
            network_mode: text("network_mode"),
            pid: text("pid"),
            ipc: text("ipc"),
            uts: text("uts"),
            userns_mode: text("userns_mode"),
            cgroup: text("cgroup"),
            devices: node.get("devices").items().iter().map(device).collect(),
            device_rules: node.get("device_cgroup_rules").texts(),
            mounts: (node.get("volumes").items().iter())
                .map(|it| Mount::of(it).with_device(volumes))
                .chain(node.get("use_api_socket").is_true().then(Mount::of_the_engine))
                .collect(),
            ports: node.get("ports").items().iter().flat_map(PublishedPort::all).collect(),
            environment: environment(node.get("environment")),
            secret_commands: [
                [node.get("entrypoint").texts(), node.get("command").texts()].concat(),
                health.get("test").texts(),
            ]
            .iter()
            .filter_map(|words| mask::told_by(words))
            .collect(),
            secret_arguments: secret_arguments(node.at(&["build", "args"])),
            read_only: node.get("read_only").is_true(),
            has_memory_limit: has(node.get("mem_limit")) || has(limits.get("memory")),
            has_pids_limit: has(node.get("pids_limit")) || has(limits.get("pids")),
            healthcheck_disabled: health.get("disable").is_true() || is_none,
            restart: text("restart"),
        }
    }

    pub(crate) fn example() -> Self {
        Self {
            mounts: vec![Mount::default()],
            ports: vec![PublishedPort::default()],
            environment: vec![Variable::new("A", "b")],
            secret_commands: vec!["app".to_owned()],
            ..Self::default()
        }
    }
}

/// In capitals, without the prefix that may be left out.
pub(super) fn capabilities(node: &Node) -> Vec<String> {
    let name = |name: String| {
        let name = name.to_ascii_uppercase();
        name.strip_prefix("CAP_").map_or_else(|| name.clone(), str::to_owned)
    };
    node.texts().into_iter().map(name).collect()
}

/// The device of the host.
fn device(node: &Node) -> String {
    let source = node.get("source").text();
    let text = if source.is_empty() { node.text() } else { source };
    path::clean(text.split(':').next().unwrap_or_default())
}

fn environment(node: &Node) -> Vec<Variable> {
    assignments(node).iter().map(|(name, value)| Variable::new(name, value)).collect()
}

/// What the value is does not matter: it comes from somewhere.
fn secret_arguments(node: &Node) -> Vec<String> {
    let names = assignments(node).into_iter().map(|(name, _)| name);
    names.filter(|name| setting::gives_away(name, "something")).collect()
}

/// A list of `NAME=value`, or a map.
fn assignments(node: &Node) -> Vec<(String, String)> {
    let listed = node.items().iter().map(|item| {
        let text = item.text();
        let (name, value) = text.split_once('=').unwrap_or((&text, ""));
        (name.to_owned(), value.to_owned())
    });
    let mapped = node.entries().iter().map(|(name, value)| (name.clone(), value.text()));
    listed.chain(mapped).collect()
}

impl Mount {
    fn of(node: &Node) -> Self {
        if !node.entries().is_empty() {
            return Self {
                kind: node.get("type").text(),
                source: path::clean(&node.get("source").text()),
                target: node.get("target").text(),
                read_only: node.get("read_only").is_true(),
                propagation: node.at(&["bind", "propagation"]).text(),
            };
        }
        let text = node.text();
        let mut parts = text.split(':');
        let first = parts.next().unwrap_or_default();
        let Some(target) = parts.next() else {
            return Self { kind: "volume".to_owned(), target: first.to_owned(), ..Self::default() };
        };
        let options: Vec<&str> = parts.next().unwrap_or_default().split(',').collect();
        let is_path = first.starts_with(['/', '.', '~', '$']);
        let shared = options.iter().find(|it| it.ends_with("shared") || it.ends_with("slave"));
        Self {
            kind: if is_path { "bind" } else { "volume" }.to_owned(),
            source: if is_path { path::clean(first) } else { first.to_owned() },
            target: target.to_owned(),
            read_only: options.contains(&"ro"),
            propagation: shared.map_or_else(String::new, |it| (*it).to_owned()),
        }
    }
}

impl Mount {
    /// What `use_api_socket` mounts.
    fn of_the_engine() -> Self {
        let socket = || "/var/run/docker.sock".to_owned();
        Self { kind: "bind".to_owned(), source: socket(), target: socket(), ..Self::default() }
    }

    /// A named volume may be a directory of the host by another name.
    fn with_device(self, volumes: &Node) -> Self {
        let options = volumes.at(&[&self.source, "driver_opts"]);
        let binds =
            options.get("o").text().split(',').any(|it| matches!(it.trim(), "bind" | "rbind"));
        if self.kind != "volume" || !binds {
            return self;
        }
        let source = path::clean(&options.get("device").text());
        Self { kind: "bind".to_owned(), source, ..self }
    }
}

impl PublishedPort {
    /// The ports of one entry, each of a range by itself.
    fn all(node: &Node) -> Vec<Self> {
        let (port, target) = Self::of(node);
        let (first, last) = target.split_once('-').unwrap_or((&target, &target));
        let (first, last) = (first.parse().unwrap_or(0), last.parse().unwrap_or(0));
        let targets = (first..=last).take(RANGE_MAX);
        targets.map(|target| Self { target, ..port.clone() }).collect()
    }

    /// What an entry says, and its target: a number or a range.
    fn of(node: &Node) -> (Self, String) {
        if !node.entries().is_empty() {
            let protocol = node.get("protocol").text();
            let port = Self {
                address: node.get("host_ip").text(),
                published: node.get("published").text(),
                target: 0,
                protocol: if protocol.is_empty() { "tcp".to_owned() } else { protocol },
            };
            return (port, node.get("target").text());
        }
        let text = mask::text(&node.text());
        let (ports, protocol) = text.rsplit_once('/').unwrap_or((&text, "tcp"));
        let (rest, target) = ports.rsplit_once(':').unwrap_or(("", ports));
        // An address of version 6 has colons of its own, in brackets.
        let (address, published) = rest.rsplit_once(':').unwrap_or(("", rest));
        let port = Self {
            address: address.trim_matches(['[', ']']).to_owned(),
            published: published.to_owned(),
            target: 0,
            protocol: protocol.to_owned(),
        };
        (port, target.to_owned())
    }
}
