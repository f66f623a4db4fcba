//! `resources`: what is there before a step is made. A kind is an arm.

use std::collections::BTreeSet;

use detect::yaml::Node;

use super::chain;
use crate::case::{Protocol, Resource, ResourceKind};
use crate::form::{Form, Mistakes};

const RESOURCES_MAX: usize = 64;

const PROTOCOLS: [(&str, Protocol); 5] = [
    ("tcp4", Protocol::Tcp4),
    ("tcp6", Protocol::Tcp6),
    ("udp4", Protocol::Udp4),
    ("udp6", Protocol::Udp6),
    ("unix", Protocol::Unix),
];

/// What a resource of any kind may say.
const KEYS: [&str; 13] = [
    "type", "name", "subtype", "filePath", "dirPath", "fileName", "l4Proto", "address", "exePath",
    "args", "exe", "procName", "env",
];

pub(super) fn read(items: &[Node], about: &str, mistakes: &mut Mistakes<'_>) -> Vec<Resource> {
    let mut resources: Vec<Resource> = Vec::new();
    let mut names = BTreeSet::new();
    if let Some(node) = items.get(RESOURCES_MAX) {
        mistakes.at(node, about, format!("more than {RESOURCES_MAX} resources"));
    }
    for node in items.iter().take(RESOURCES_MAX) {
        let keys = [&KEYS[..], &["fileLess"]].concat();
        let Some(mut form) = Form::of(node, about, &keys, mistakes) else { continue };
        let (kind, name) = (form.required("type"), form.required("name"));
        let (Some(kind), Some(name)) = (kind, name) else { continue };
        if !names.insert(name.clone()) {
            form.mistake(node, format!("another resource is called `{name}`"));
        }
        let kind = match kind.as_str() {
            "clientServer" => connection(&mut form),
            "fd" => descriptor(&mut form),
            "process" => process(node, &name, about, mistakes),
            other => {
                form.mistake(node, format!("there is no resource of the type `{other}`"));
                None
            }
        };
        resources.extend(kind.map(|kind| Resource { name, kind }));
    }
    resources
}

fn connection(form: &mut Form<'_, '_, '_>) -> Option<ResourceKind> {
    let (name, address) = (form.required("l4Proto")?, form.text("address").unwrap_or_default());
    match PROTOCOLS.iter().find(|(known, _)| *known == name) {
        Some((_, protocol)) => Some(ResourceKind::Connection { protocol: *protocol, address }),
        None => {
            form.mistake(form.node, format!("there is no protocol `{name}`"));
            None
        }
    }
}

fn descriptor(form: &mut Form<'_, '_, '_>) -> Option<ResourceKind> {
    let subtype = form.required("subtype")?;
    Some(match subtype.as_str() {
        "file" => ResourceKind::File { path: form.required("filePath")? },
        "directory" => ResourceKind::Folder { path: form.required("dirPath")? },
        "pipe" => ResourceKind::Pipe,
        "event" => ResourceKind::Event,
        "signalfd" => ResourceKind::Signals,
        "eventpoll" => ResourceKind::Poll,
        "inotify" => ResourceKind::Watch,
        "memfd" => ResourceKind::Memory { name: form.required("fileName")? },
        other => {
            form.mistake(form.node, format!("there is no descriptor of the subtype `{other}`"));
            return None;
        }
    })
}

fn process(
    node: &Node,
    name: &str,
    about: &str,
    mistakes: &mut Mistakes<'_>,
) -> Option<ResourceKind> {
    let keys = ["type", "name", "exePath", "args", "exe", "procName", "env", "fileLess"];
    // Here `name` is the resource's, and the process' own is `procName`.
    let mut program = chain::program(node, &keys, about, mistakes)?;
    let mut form = Form::of(node, about, &keys, mistakes)?;
    program.name = form.text("procName").or_else(|| Some(name.to_owned()));
    let from_memory = form.truth("fileLess");
    Some(ResourceKind::Process { program: Box::new(program), from_memory })
}
