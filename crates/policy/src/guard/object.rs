//! What an act was done to: files, an address, names of domains.

use core::net::SocketAddr;

use model::event::{Act, Descriptor, Endpoint, Event, Object, PathArgument, Question, Text};

/// Longer texts of an object are cut: paths are 4 096 bytes, and a rename has two of them.
const TEXT_BYTES_MAX: usize = 8_192;

/// The objects of an event, each as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Objects<'a> {
    /// Unix sockets among them.
    pub(super) files: Vec<&'a Text>,
    pub(super) remote: Option<&'a SocketAddr>,
    /// Under which the address is known, or which were asked of DNS.
    pub(super) domains: Vec<&'a Text>,
}

/// In a few words, for people and to tell one alert from another: `/etc/shadow`, `192.0.2.7:443`.
pub fn object(event: &Event) -> String {
    let Objects { files, remote, domains } = Objects::of(event);
    let files = files.into_iter().map(ToString::to_string);
    let domains = domains.into_iter().map(ToString::to_string);
    let remote = remote.map(ToString::to_string);
    let name = named(&event.act).map(ToString::to_string);
    let all: Vec<String> = files.chain(domains).chain(remote).chain(name).collect();
    let mut text = all.join(" ");
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
    }
    text
}

/// The file that was executed, written or put somewhere: what is taken away by a quarantine. Of a
/// script, that is not its interpreter.
pub fn file(event: &Event) -> Option<&Text> {
    let file = match &event.act {
        Act::Exec { file, .. } if !file.path.is_empty() => Some(&file.path),
        Act::Exec { .. } => Some(&event.process.executable.path),
        _ => Objects::of(event).files.pop(),
    };
    file.filter(|path| path.starts_with(b"/"))
}

/// Which file that is, where the event tells it: device and inode. Of what is only named, as the file
/// that a rename made, it does not.
pub fn file_identity(event: &Event) -> Option<(u64, u64)> {
    let path = file(event)?;
    let executable = &event.process.executable;
    let (device, inode) = match &event.act {
        Act::Exec { .. } if executable.path == *path => (executable.device, executable.inode),
        act => match descriptor(act)? {
            Object::File(file) if file.path == *path => (file.device, file.inode),
            _ => return None,
        },
    };
    (inode != 0).then_some((device, inode))
}

fn descriptor(act: &Act) -> Option<&Object> {
    match act {
        Act::Open { descriptor, .. }
        | Act::Close { descriptor }
        | Act::Read { descriptor, .. }
        | Act::Write { descriptor, .. }
        | Act::Duplicate { descriptor, .. }
        | Act::OpenByHandle { descriptor, .. } => Some(&descriptor.object),
        _ => None,
    }
}

/// The name of what has neither path nor address.
fn named(act: &Act) -> Option<&Text> {
    match act {
        Act::LoadModule { name, .. }
        | Act::Bpf { name, .. }
        | Act::SetAttribute { name, .. }
        | Act::MakeMemoryFile { name, .. } => Some(name).filter(|name| !name.is_empty()),
        Act::Malware(suspicion) => Some(&suspicion.rule),
        _ => None,
    }
}

impl<'a> Objects<'a> {
    pub(super) fn of(event: &'a Event) -> Self {
        let mut objects = Self::default();
        objects.take(&event.act);
        objects
    }

    fn take(&mut self, act: &'a Act) {
        match act {
            Act::Exec { file: path, .. }
            | Act::Unlink { path }
            | Act::MakeDirectory { path, .. }
            | Act::RemoveDirectory { path }
            | Act::MakeNode { path, .. }
            | Act::Chmod { path, .. }
            | Act::Chown { path, .. }
            | Act::SetAttribute { path, .. }
            | Act::ChangeDirectory { path }
            | Act::ChangeRoot { path }
            | Act::Unmount { path, .. }
            | Act::LoadModule { path, .. }
            | Act::Symlink { path, .. } => self.path(path),
            Act::Rename { from, to } | Act::Link { from, to } => {
                self.path(from);
                self.path(to);
            }
            Act::PivotRoot { new, old } => {
                self.path(new);
                self.path(old);
            }
            Act::Mount(mount) => {
                if mount.source.starts_with(b"/") {
                    self.files.push(&mount.source);
                }
                self.path(&mount.target);
            }
            Act::Open { descriptor, path, .. } => match &descriptor.object {
                Object::File(file) if !file.path.is_empty() => self.files.push(&file.path),
                _ => self.path(path),
            },
            Act::Send { descriptor, questions } | Act::Receive { descriptor, questions } => {
                self.descriptor(descriptor);
                self.domains.extend(questions.iter().map(|Question { name, .. }| name));
            }
            Act::Close { descriptor }
            | Act::Read { descriptor, .. }
            | Act::Write { descriptor, .. }
            | Act::Socket { descriptor, .. }
            | Act::Connect { descriptor }
            | Act::Bind { descriptor }
            | Act::Listen { descriptor }
            | Act::Accept { descriptor }
            | Act::Duplicate { descriptor, .. }
            | Act::MakeMemoryFile { descriptor, .. }
            | Act::OpenByHandle { descriptor, .. } => self.descriptor(descriptor),
            Act::Malware(suspicion) => self.descriptor(&suspicion.descriptor),
            Act::Relay(relay) => self.descriptor(&relay.connection),
            _ => {}
        }
    }

    fn path(&mut self, path: &'a PathArgument) {
        let text = if path.path.is_empty() { &path.raw } else { &path.path };
        if !text.is_empty() {
            self.files.push(text);
        }
    }

    fn descriptor(&mut self, descriptor: &'a Descriptor) {
        match &descriptor.object {
            Object::File(file) => self.files.push(&file.path),
            Object::Socket(socket) => {
                self.domains.extend(&socket.names);
                // Who only listens has no other side; then it is the own address that tells.
                match socket.remote.as_ref().or(socket.local.as_ref()) {
                    Some(Endpoint::Internet(address)) => self.remote = Some(address),
                    Some(Endpoint::Unix(path)) => self.files.push(path),
                    None => {}
                }
            }
            Object::Pipe { .. }
            | Object::Memory { .. }
            | Object::Anonymous { .. }
            | Object::Unknown => {}
        }
    }
}
