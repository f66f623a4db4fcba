//! An alert in ArcSight's Common Event Format, `CEF:0`, as most collectors read it.
//!
//! Header: vendor, product, version, rule, title, severity; a pipe and a backslash are escaped.
//! Extension: `key=value`; an equals sign, a backslash and ends of lines are escaped. Who acts is the
//! source; a program that is begun, a process that is touched, a server that is called the destination.
//! Values are cut at the lengths of the format's dictionary.

use detect::audit::Record;
use detect::{Detection, Priority, printable};
use model::event::{Act, Container, Descriptor, Endpoint, Event, Object, PathArgument, Process};
use model::event::{Protocol, Socket, Text};

use super::{Alert, Stamp, Subject};

/// Of most texts in the dictionary.
const TEXT_MAX: usize = 1_023;
/// Of `cs1` to `cs6`.
const CUSTOM_MAX: usize = 4_000;
/// A header has no limit of its own; names of rules are short.
const HEADER_MAX: usize = 512;

pub(super) fn line(alert: &Alert<'_>, stamp: &Stamp<'_>) -> String {
    let Detection { rule, time, message, .. } = alert.detection;
    let head = [
        "CEF:0",
        "Lazaret",
        "lazaret",
        env!("CARGO_PKG_VERSION"),
        &header(&rule.name),
        &header(&rule.title),
        severity(rule.priority),
        "",
    ];
    let mut extension = Extension::default();
    extension.put("rt", &(time / 1_000_000).to_string());
    extension.put("dvchost", stamp.hostname);
    extension.put("externalId", &stamp.id.to_string());
    extension.put("cat", rule.source.name());
    extension.put("msg", message);
    match alert.subject {
        Subject::Event(event) => of_event(&mut extension, event),
        Subject::Record(record) => of_record(&mut extension, record),
    }
    extension.custom(5, "tags", &rule.tags.join(" "));
    head.join("|") + &extension.text
}

/// Ours begins with the most urgent, theirs ends with it: 0 to 10.
fn severity(priority: Priority) -> &'static str {
    match priority {
        Priority::Emergency => "10",
        Priority::Alert => "9",
        Priority::Critical => "8",
        Priority::Error => "7",
        Priority::Warning => "6",
        Priority::Notice => "4",
        Priority::Informational => "2",
        Priority::Debug => "1",
    }
}

fn header(text: &str) -> String {
    let text: String = text.chars().take(HEADER_MAX).collect();
    printable(&text.replace(['\n', '\r'], " ")).replace('\\', "\\\\").replace('|', "\\|")
}

#[derive(Default)]
struct Extension {
    text: String,
}

impl Extension {
    /// What is not known is left out.
    fn put(&mut self, key: &str, value: &str) {
        self.put_up_to(TEXT_MAX, key, value);
    }

    fn put_up_to(&mut self, max: usize, key: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        let value: String = value.chars().take(max).collect();
        let escaped = value.replace('\\', "\\\\").replace('=', "\\=");
        let escaped = escaped.replace('\n', "\\n").replace('\r', "\\r");
        self.text.extend([key, "=", &printable(&escaped)]);
    }

    fn bytes(&mut self, key: &str, value: &Text) {
        self.put(key, &value.to_string());
    }

    /// `cs1` to `cs6`, and what they are.
    fn custom(&mut self, number: u8, label: &str, value: &str) {
        if !value.is_empty() {
            self.put_up_to(CUSTOM_MAX, &format!("cs{number}"), value);
            self.put(&format!("cs{number}Label"), label);
        }
    }

    fn source(&mut self, process: &Process) {
        self.put("sproc", &program(process));
        self.put("spid", &process.pid.to_string());
        self.put("suid", &process.credentials.uid.to_string());
        self.put("suser", &user(process));
    }

    fn destination(&mut self, process: &Process) {
        self.put("dproc", &program(process));
        self.put("dpid", &process.pid.to_string());
        self.put("duid", &process.credentials.uid.to_string());
        self.put("duser", &user(process));
    }

    fn file(&mut self, path: &Text) {
        let path = path.to_string();
        self.put("fname", path.rsplit('/').next().unwrap_or_default());
        self.put("filePath", &path);
    }

    fn socket(&mut self, socket: &Socket) {
        let protocol = match socket.protocol {
            Protocol::Tcp => "TCP",
            Protocol::Udp => "UDP",
            Protocol::Icmp => "ICMP",
            Protocol::Raw | Protocol::Other => "",
        };
        self.put("proto", protocol);
        // Who calls is the source.
        let (source, destination) = match socket.server {
            Some(true) => (&socket.remote, &socket.local),
            _ => (&socket.local, &socket.remote),
        };
        self.endpoint("src", "spt", source.as_ref());
        self.endpoint("dst", "dpt", destination.as_ref());
    }

    fn endpoint(&mut self, address: &str, port: &str, endpoint: Option<&Endpoint>) {
        match endpoint {
            Some(Endpoint::Internet(socket)) => {
                self.put(address, &socket.ip().to_string());
                self.put(port, &socket.port().to_string());
            }
            Some(Endpoint::Unix(path)) => self.file(path),
            None => {}
        }
    }
}

/// Its file; the kernel's short name where that is not known.
fn program(process: &Process) -> String {
    let path = process.executable.path.to_string();
    if path.is_empty() { process.name.to_string() } else { path }
}

fn user(process: &Process) -> String {
    process.credentials.user.as_ref().map(|user| user.name.to_string()).unwrap_or_default()
}

fn of_event(extension: &mut Extension, event: &Event) {
    if event.denied {
        extension.put("act", "denied");
    }
    match (&event.act, event.ancestors.first()) {
        // The parent begins the program.
        (Act::Exec { .. }, Some(parent)) => {
            extension.source(parent);
            extension.destination(&event.process);
        }
        _ => extension.source(&event.process),
    }
    of_act(extension, &event.act);
    if let Some(container) = &event.container {
        of_container(extension, container);
    }
    let words: Vec<String> = event.process.arguments.iter().map(ToString::to_string).collect();
    extension.custom(4, "command", &words.join(" "));
    let ancestors: Vec<String> = event.ancestors.iter().map(|it| it.name.to_string()).collect();
    extension.custom(6, "ancestors", &ancestors.join(" "));
}

/// The file, the other side or the other process of what was done.
fn of_act(extension: &mut Extension, act: &Act) {
    match act {
        Act::Open { descriptor, path, .. } => match &descriptor.object {
            Object::File(file) => extension.file(&file.path),
            _ => extension.file(known(path)),
        },
        Act::Rename { from, to } | Act::Link { from, to } => {
            extension.file(known(to));
            extension.bytes("oldFilePath", known(from));
        }
        Act::Exec { file: path, .. }
        | Act::Symlink { path, .. }
        | Act::Unlink { path }
        | Act::MakeDirectory { path, .. }
        | Act::RemoveDirectory { path }
        | Act::MakeNode { path, .. }
        | Act::Chmod { path, .. }
        | Act::Chown { path, .. }
        | Act::SetAttribute { path, .. }
        | Act::ChangeDirectory { path }
        | Act::ChangeRoot { path }
        | Act::LoadModule { path, .. }
        | Act::Unmount { path, .. } => extension.file(known(path)),
        Act::Mount(mount) => extension.file(known(&mount.target)),
        Act::Trace { process, .. } | Act::ReadMemory { process } | Act::WriteMemory { process } => {
            extension.put("dpid", &process.to_string());
        }
        Act::Kill { process, .. } => extension.put("dpid", &process.to_string()),
        Act::Close { descriptor }
        | Act::Read { descriptor, .. }
        | Act::Write { descriptor, .. }
        | Act::Socket { descriptor, .. }
        | Act::Connect { descriptor }
        | Act::Bind { descriptor }
        | Act::Listen { descriptor }
        | Act::Accept { descriptor }
        | Act::Send { descriptor, .. }
        | Act::Receive { descriptor, .. }
        | Act::Duplicate { descriptor, .. }
        | Act::OpenByHandle { descriptor, .. }
        | Act::MakeMemoryFile { descriptor, .. } => of_descriptor(extension, descriptor),
        _ => {}
    }
}

fn of_descriptor(extension: &mut Extension, descriptor: &Descriptor) {
    match &descriptor.object {
        Object::File(file) => extension.file(&file.path),
        Object::Socket(socket) => extension.socket(socket),
        Object::Memory { name } => extension.file(name),
        Object::Pipe { .. } | Object::Anonymous { .. } | Object::Unknown => {}
    }
}

/// Where it leads to; what the process wrote where nobody knows.
fn known(path: &PathArgument) -> &Text {
    if path.path.is_empty() { &path.raw } else { &path.path }
}

fn of_container(extension: &mut Extension, container: &Container) {
    let name = container.name.as_ref().unwrap_or(&container.id);
    extension.custom(1, "container", name);
    let image = container.image.as_ref().map(|image| image.reference.as_str());
    extension.custom(2, "image", image.unwrap_or_default());
    if let Some(pod) = &container.pod {
        extension.custom(3, "pod", &format!("{}/{}", pod.namespace, pod.name));
    }
}

/// Who asked an API server for what.
fn of_record(extension: &mut Extension, record: &Record) {
    let text =
        |path: &str| record.json.pointer(path).and_then(|it| it.as_str()).unwrap_or_default();
    extension.put("suser", text("/user/username"));
    extension.put("src", text("/sourceIPs/0"));
    extension.put("requestMethod", text("/verb"));
    extension.put("request", text("/requestURI"));
    extension.put("requestClientApplication", text("/userAgent"));
    let code = record.json.pointer("/responseStatus/code").and_then(serde_json::Value::as_u64);
    extension.put("outcome", &code.map(|code| code.to_string()).unwrap_or_default());
    extension.custom(1, "audit id", record.id());
    extension.custom(2, "resource", text("/objectRef/resource"));
    extension.custom(3, "namespace", text("/objectRef/namespace"));
    extension.custom(4, "name", text("/objectRef/name"));
}

#[cfg(test)]
mod tests;
