//! Events as a sensor would tell them, for tests and benches.

use std::sync::Arc;

use model::event::{
    Act, Audience, Call, Capabilities, Container, ContainerMount, ContainerRuntime, Credentials,
    Descriptor, Endpoint, Event, Executable, File, FileKind, Layering, Loss, MountAct, Object,
    OpenFlags, PathArgument, Pod, Process, Protocol, Question, RunningImage, SetId, Socket,
    SocketFamily, Text, User,
};

/// 2026-01-31T13:53:31.726060287Z
pub(crate) const TIME: u64 = 1_769_867_611_726_060_287;
const SECOND: u64 = 1_000_000_000;

/// The event of a name.
pub(crate) fn event(name: &str) -> Event {
    let event = of_process(name).or_else(|| of_file(name)).or_else(|| of_socket(name));
    event.expect("an event of this name")
}

fn host(call: Call, act: Act, result: Option<i64>) -> Event {
    at(call, act, result, None, &["bash", "sshd", "systemd"])
}

fn inside(call: Call, act: Act, result: Option<i64>) -> Event {
    at(call, act, result, Some(container()), &["bash", "containerd-shim", "systemd"])
}

fn of_process(name: &str) -> Option<Event> {
    Some(match name {
        "shell" => exec(inside(Call::Execve, exec_of("/bin/bash"), Some(0)), "bash", "-c id"),
        "shell-on-host" => exec(host(Call::Execve, exec_of("/bin/bash"), Some(0)), "bash", "-i"),
        "ls" => exec(host(Call::Execve, exec_of("/bin/ls"), Some(0)), "ls", ""),
        "memory" => {
            let mut event = exec(host(Call::Execveat, exec_of(""), Some(0)), "3", "");
            let process = Arc::make_mut(&mut event.process);
            process.executable.from_memory = true;
            process.executable.writable = true;
            process.executable.path = "memfd:x".into();
            event
        }
        "dropped" => {
            let mut event = exec(inside(Call::Execve, exec_of("/bin/x"), Some(0)), "x", "");
            Arc::make_mut(&mut event.process).executable.layering = Layering::Upper;
            event
        }
        "below-runtime" => {
            let names = ["runc:[2:INIT]", "runc", "containerd-shim"];
            let act = exec_of("/proc/self/exe");
            let mut event = at(Call::Execve, act, Some(0), Some(container()), &names);
            Arc::make_mut(&mut event.process).control_group = 7;
            event
        }
        "below-copy" => {
            let mut event = event("below-runtime");
            let mut copy = process("runc", 1);
            copy.control_group = 7;
            copy.executable.layering = Layering::Upper;
            let mut kept = process("dpkg", 2);
            kept.executable.layering = Layering::Lower;
            event.ancestors = [Arc::new(copy), Arc::new(kept)].into();
            event
        }
        "lost" => {
            let loss = Loss {
                class: "open".to_owned(),
                of: Audience::Anyone,
                count: 12,
                cause: "over budget".to_owned(),
            };
            host(Call::Lost, Act::Lost(loss), None)
        }
        "setuid" => host(
            Call::Setuid,
            Act::SetId(SetId { group: false, asked: [Some(0), Some(0), Some(0)] }),
            Some(0),
        ),
        "ptrace" => host(Call::Ptrace, Act::Trace { request: 16, process: 77 }, Some(0)),
        "bpf" => host(Call::Bpf, Act::Bpf { command: 5, name: "probe".into() }, Some(9)),
        "orphan" => at(Call::Execve, exec_of("/bin/sh"), Some(0), Some(container()), &["sh"]),
        _ => return None,
    })
}

fn of_file(name: &str) -> Option<Event> {
    let open = |path: &str, bits, number| opened(path, path, bits, number);
    Some(match name {
        "read-shadow" => host(Call::Openat, open("/etc/shadow", 0, 3), Some(3)),
        "traversal" => {
            host(Call::Openat, opened("/etc/../etc/../etc/shadow", "/etc/shadow", 0, 3), Some(3))
        }
        "open-failed" => host(Call::Openat, open("/etc/none", 0, -1), Some(-2)),
        "truncate" => inside(Call::Openat, open("/var/log/syslog", 0o1101, 3), Some(3)),
        "folder" => {
            let mut event = host(Call::Openat, open("/etc", 0o200_000, 3), Some(3));
            if let Act::Open { descriptor: Descriptor { object: Object::File(file), .. }, .. } =
                &mut event.act
            {
                file.kind = FileKind::Directory;
            }
            event
        }
        "rename" => host(
            Call::Renameat2,
            Act::Rename { from: path("/root/.bash_history"), to: path("/tmp/x") },
            Some(0),
        ),
        "symlink" => host(
            Call::Symlinkat,
            Act::Symlink { target: "/etc/shadow".into(), path: path("/tmp/link") },
            Some(0),
        ),
        "chmod" => host(Call::Fchmodat, Act::Chmod { path: path("/tmp/x"), mode: 0o4755 }, Some(0)),
        "mount" => inside(
            Call::Mount,
            Act::Mount(MountAct {
                source: "/dev/sda1".into(),
                target: path("/mnt"),
                filesystem: "ext4".into(),
                flags: 4097,
            }),
            Some(-1),
        ),
        "environ" => inside(Call::Openat, open("/proc/1/environ", 0, 3), Some(3)),
        "own-environ" => inside(Call::Openat, open("/host/proc/100/environ", 0, 3), Some(3)),
        "cut" => host(
            Call::Ftruncate,
            Act::Truncate { path: path("/var/log/auth.log"), length: 0 },
            Some(0),
        ),
        "configure" => inside(
            Call::Fsconfig,
            Act::ConfigureFilesystem {
                descriptor: 3,
                command: 1,
                key: "source".into(),
                value: "/dev/sda".into(),
            },
            Some(0),
        ),
        "write" => host(
            Call::Write,
            Act::Write { descriptor: file("/tmp/x", 4), data: b"\xca\xfe\xba\xbe\x00".into() },
            Some(5),
        ),
        _ => return None,
    })
}

fn of_socket(name: &str) -> Option<Event> {
    Some(match name {
        "connect" => inside(Call::Connect, Act::Connect { descriptor: tcp(5) }, Some(-115)),
        "accept" => {
            let mut descriptor = tcp(6);
            if let Object::Socket(socket) = &mut descriptor.object {
                socket.server = Some(true);
            }
            host(Call::Accept4, Act::Accept { descriptor }, Some(6))
        }
        "datagram" => {
            let mut descriptor = tcp(7);
            if let Object::Socket(socket) = &mut descriptor.object {
                socket.protocol = Protocol::Udp;
                socket.connected = Some(false);
            }
            inside(Call::Sendto, Act::Send { descriptor, questions: Vec::new() }, Some(32))
        }
        "question" => {
            let name = "pool.example".into();
            let questions = vec![Question { name, kind: 16, answers: Vec::new() }];
            inside(Call::Sendmmsg, Act::Send { descriptor: tcp(7), questions }, Some(2))
        }
        "dup" => inside(Call::Dup2, Act::Duplicate { from: 5, to: 0, descriptor: tcp(0) }, Some(0)),
        "packet" => inside(
            Call::Socket,
            Act::Socket { descriptor: Descriptor::default(), domain: 17, kind: 3, protocol: 768 },
            Some(8),
        ),
        _ => return None,
    })
}

fn at(
    call: Call,
    act: Act,
    result: Option<i64>,
    container: Option<Arc<Container>>,
    line: &[&str],
) -> Event {
    let mut line = line.iter().enumerate().map(|(depth, name)| Arc::new(process(name, depth)));
    let process = line.next().expect("a process");
    Event {
        number: 7,
        time: TIME,
        call,
        thread: process.pid,
        processor: 1,
        process,
        ancestors: line.collect(),
        container,
        act,
        result,
        denied: false,
    }
}

fn process(name: &str, depth: usize) -> Process {
    let pid = 100 - u32::try_from(depth).expect("a depth");
    let user = User { name: "root".into(), home: "/root".into(), shell: "/bin/bash".into() };
    Process {
        pid,
        started: TIME - SECOND * (2 + depth as u64),
        executed: TIME - SECOND,
        born: 0,
        parent: pid - 1,
        virtual_pid: pid,
        session: 99,
        virtual_session: 99,
        group: pid,
        virtual_group: pid,
        name: name.into(),
        arguments: [name.into()].into(),
        environment: ["PATH=/bin:/usr/bin".into(), "HOME=/root".into()].into(),
        cut: false,
        directory: "/root".into(),
        terminal: 34816,
        executable: Executable {
            path: format!("/usr/bin/{name}").into(),
            inode: 4242,
            changed: TIME - 90 * SECOND,
            modified: TIME - 99 * SECOND,
            ..Executable::default()
        },
        credentials: Credentials {
            capabilities: Capabilities {
                effective: 1 << 21 | 1,
                permitted: 1 << 16,
                inheritable: 0,
            },
            user: Some(user),
            group: Some("root".into()),
            ..Credentials::default()
        },
        control_group: 1,
    }
}

fn exec(mut event: Event, name: &str, arguments: &str) -> Event {
    let process = Arc::make_mut(&mut event.process);
    process.name = name.into();
    process.executable.path = format!("/bin/{name}").into();
    let rest = arguments.split_whitespace().map(Text::from);
    process.arguments = std::iter::once(name.into()).chain(rest).collect();
    event
}

fn exec_of(path: &str) -> Act {
    Act::Exec { file: self::path(path), streams: Vec::new() }
}

fn path(path: &str) -> PathArgument {
    PathArgument { raw: path.into(), path: path.into(), resolved: true }
}

fn file(path: &str, number: i32) -> Descriptor {
    let file = File { path: path.into(), device: 8 << 32 | 1, inode: 12, ..File::default() };
    Descriptor { number, object: Object::File(file) }
}

fn opened(raw: &str, resolved: &str, bits: u32, number: i32) -> Act {
    Act::Open {
        descriptor: file(resolved, number),
        path: PathArgument { raw: raw.into(), path: resolved.into(), resolved: true },
        flags: OpenFlags { bits, created: false },
        mode: 0o644,
    }
}

fn tcp(number: i32) -> Descriptor {
    let end = |text: &str| Some(Endpoint::Internet(text.parse().expect("an address")));
    let socket = Socket {
        family: SocketFamily::Inet4,
        protocol: Protocol::Tcp,
        local: end("172.17.0.2:51234"),
        remote: end("10.96.0.1:443"),
        server: Some(false),
        connected: None,
        names: vec!["kubernetes.default.svc.cluster.local".into()],
    };
    Descriptor { number, object: Object::Socket(socket) }
}

fn container() -> Arc<Container> {
    let mount = ContainerMount {
        source: "/proc/sys".to_owned(),
        destination: "/host/proc".to_owned(),
        mode: "ro".to_owned(),
        writable: false,
        propagation: "rprivate".to_owned(),
    };
    Arc::new(Container {
        id: "0123456789abcdef0123456789abcdef".to_owned(),
        runtime: ContainerRuntime::Docker,
        described: true,
        name: Some("web".to_owned()),
        image: Some(RunningImage {
            reference: "docker.io/library/nginx:1.27".to_owned(),
            repository: "docker.io/library/nginx".to_owned(),
            tag: Some("1.27".to_owned()),
            ..RunningImage::default()
        }),
        privileged: Some(true),
        mounts: Some(vec![mount]),
        labels: [("team".to_owned(), "shop".to_owned())].into(),
        started: Some(TIME - 60 * SECOND),
        pod: Some(Pod { name: "web-1".to_owned(), namespace: "shop".to_owned(), ..Pod::default() }),
        ..Container::default()
    })
}
