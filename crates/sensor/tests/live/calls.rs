//! System calls: paths, descriptors, addresses, and the calls of other ABIs.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};

use model::event::{Call, Endpoint, FileKind, Object, Protocol, SocketFamily, Text};
use sensor::record::{Abi, CallRecord, Held, Inode, Part, Place, WalkEnd};

use crate::watch::act;

fn file(record: &CallRecord) -> &Inode {
    match &record.handle(Place::Result).expect("a handle").held {
        Held::File(inode) => inode,
        held => panic!("{held:?} is no file"),
    }
}

#[test]
fn an_opened_file_is_what_the_kernel_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("real")).expect("a folder");
    std::fs::write(folder.path().join("real/secret"), "x").expect("a file");
    symlink("real", folder.path().join("link")).expect("a link");
    let written = folder.path().join("link/../link/./secret");
    let Some(seen) = act(&[Call::Openat], &["open".as_ref(), written.as_os_str()]) else { return };
    let calls = seen.calls(Call::Openat);
    let raw = Text::from(written.as_os_str().as_bytes());
    let record = calls.iter().find(|record| record.text(1) == Some(&raw)).expect("it is told");
    assert_eq!(record.abi, Abi::Native);
    assert!(record.result >= 0);
    assert_eq!(record.base(1), None, "an absolute path has none");
    let opened = file(record);
    let real = folder.path().canonicalize().expect("it is there").join("real/secret");
    assert_eq!(opened.walk.path, real.as_os_str().as_bytes());
    assert_eq!(opened.walk.end, WalkEnd::Root);
    let known = std::fs::metadata(&real).expect("it is there");
    assert_eq!(opened.inode, known.ino());
    assert_eq!(opened.kind(), FileKind::Regular);
    assert_eq!(opened.device, rustix_device(known.dev()));
}

/// `stat`'s number as records have it.
fn rustix_device(number: u64) -> u64 {
    u64::from(rustix::fs::major(number)) << 32 | u64::from(rustix::fs::minor(number))
}

#[test]
fn a_relative_path_comes_with_its_directory() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = ["openat".as_ref(), folder.path().as_os_str(), "none/../none".as_ref()];
    let Some(seen) = act(&[Call::Openat], &arguments) else { return };
    let calls = seen.calls(Call::Openat);
    let raw = Text::from("none/../none");
    let record = calls.iter().find(|record| record.text(1) == Some(&raw)).expect("it is told");
    assert_eq!(record.result, -2);
    assert!(record.failed());
    assert_eq!(record.handle(Place::Result), None);
    let base = record.base(1).expect("its directory");
    assert_eq!(base.path, folder.path().as_os_str().as_bytes());
}

#[test]
fn a_path_deeper_than_the_limit_is_cut_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(program) = crate::watch::acts() else { return };
    let Some(mut kernel) = crate::watch::kernel(&sensor::kernel::Settings::new()) else { return };
    for (depth, end) in [(100, WalkEnd::Root), (300, WalkEnd::Cut)] {
        let mut command = std::process::Command::new(program);
        command.args(["deep", &depth.to_string()]).current_dir(folder.path());
        let seen = crate::watch::run(&mut kernel, &[Call::Openat], &mut command);
        let calls = seen.calls(Call::Openat);
        let record = calls.iter().find(|record| record.text(1) == Some(&Text::from("file")));
        let walk = &file(record.expect("it is told")).walk;
        assert_eq!(walk.end, end, "{depth}");
        assert!(walk.path.ends_with(b"/dddddddddddddddddddd/file"));
    }
}

/// What `dup2` becomes on machines that have no such call.
const COPY: Call = if cfg!(target_arch = "x86_64") { Call::Dup2 } else { Call::Dup3 };
const NETWORK: [Call; 5] = [Call::Connect, Call::Accept, Call::Bind, COPY, Call::Socket];

/// Local and remote of the connected socket, which then stands at 0.
fn connected(arguments: &[&str]) -> Option<(Endpoint, Endpoint, SocketFamily)> {
    let seen = act(&NETWORK, arguments)?;
    let connects = seen.calls(Call::Connect);
    let [connect] = *connects else { panic!("{:#?}", seen.records) };
    assert_eq!(connect.result, 0);
    let handle = connect.handle(Place::Argument(0)).expect("a handle");
    let Object::Socket(socket) = handle.held.object() else { panic!("{handle:?}") };
    assert_eq!(socket.server, Some(false));
    assert_eq!(socket.connected, Some(true));

    let copies = seen.calls(COPY);
    let copy = copies.last().expect("a copy");
    let standard = copy.handle(Place::Result).expect("a handle");
    assert_eq!(standard.number, 0);
    assert!(matches!(standard.held, Held::Socket { .. }), "{standard:?}");
    assert_eq!(inode(&standard.held), inode(&handle.held));

    let accepts = seen.calls(Call::Accept);
    let accepted = accepts[0].handle(Place::Result).expect("a handle").held.object();
    let Object::Socket(accepted) = accepted else { panic!("{accepted:?}") };
    assert_eq!(accepted.server, Some(true));
    assert_eq!(accepted.local, socket.remote);
    if let Some(local) = &socket.local {
        assert_eq!(accepted.remote.as_ref(), Some(local));
    }
    let local = socket.local.unwrap_or_else(|| Endpoint::Unix(Text::default()));
    Some((local, socket.remote.expect("a remote end"), socket.family))
}

fn inode(held: &Held) -> u64 {
    match held {
        Held::Socket { inode, .. } => *inode,
        held => panic!("{held:?} is no socket"),
    }
}

#[test]
fn connections_tell_both_ends() {
    for (act, family) in [("v4", SocketFamily::Inet4), ("v6", SocketFamily::Inet6)] {
        let Some((local, remote, found)) = connected(&[act]) else { return };
        assert_eq!(found, family);
        assert!(local.address().expect("an address").is_loopback());
        assert!(remote.address().expect("an address").is_loopback());
        assert!(local.port() > Some(0) && remote.port() > Some(0));
        assert_ne!(local.port(), remote.port());
    }
}

#[test]
fn unix_sockets_are_known_by_path_and_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("../").join(folder.path().file_name().expect("a name")).join("s");
    let Some((_, remote, family)) = connected(&["unix", path.to_str().expect("text")]) else {
        return;
    };
    assert_eq!(family, SocketFamily::Unix);
    let real = folder.path().join("s");
    assert_eq!(remote, Endpoint::Unix(real.as_os_str().as_bytes().into()));
    let name = format!("lazaret-{}", std::process::id());
    let Some((_, remote, _)) = connected(&["abstract", &name]) else { return };
    assert_eq!(remote, Endpoint::Unix(format!("\0{name}").into()));
}

#[test]
fn a_refused_connection_tells_where_it_was_meant_to_go() {
    let Some(seen) = act(&NETWORK, &["refused"]) else { return };
    let connects = seen.calls(Call::Connect);
    let record = connects[0];
    assert_eq!(record.result, -111);
    let address = record.parts_of(Place::Argument(1)).find_map(|part| match part {
        Part::Address(bytes) => Some(bytes),
        _ => None,
    });
    let address = address.expect("an address");
    assert_eq!(address.get(..8), Some([2, 0, 0, 1, 127, 0, 0, 1].as_slice()));
    assert_eq!(address.len(), 16);
}

/// Who wants connections is told of those that sending opens (TCP Fast Open), and of nothing else that is
/// sent.
#[test]
fn a_connection_that_sending_opens_is_told() {
    const SENDS: [(Call, u8); 3] = [(Call::Sendto, 4), (Call::Sendmsg, 1), (Call::Sendmmsg, 1)];
    let Some(seen) = act(&[Call::Connect], &["fast-open"]) else { return };
    for (call, address) in SENDS {
        let told = seen.calls(call);
        let [record] = *told else { panic!("{call:?}: {told:#?}") };
        let given = record.parts_of(Place::Argument(address)).find_map(|part| match part {
            Part::Address(bytes) => bytes.get(..8),
            _ => None,
        });
        assert_eq!(given, Some([2, 0, 0, 1, 127, 0, 0, 1].as_slice()), "{call:?}");
        // Refused, or not switched on (`net.ipv4.tcp_fastopen`).
        assert!(matches!(record.result, -111 | -95), "{call:?}: {}", record.result);
    }
    let Some(seen) = act(&[Call::Bind], &["fast-open"]) else { return };
    assert!(SENDS.iter().all(|(call, _)| seen.calls(*call).is_empty()), "nobody asked");
}

#[test]
fn a_datagram_tells_its_bytes_and_its_target() {
    let Some(seen) = act(&[Call::Sendto], &["datagram"]) else { return };
    let sent = seen.calls(Call::Sendto);
    let data = sent[0].parts_of(Place::Argument(1)).next().expect("bytes");
    assert_eq!(*data, Part::Data(Text::from("question")));
    let address = sent[0].parts_of(Place::Argument(4)).next().expect("an address");
    assert!(matches!(address, Part::Address(bytes) if bytes.get(2..4) == Some(&[0, 53])));
    let Object::Socket(socket) = sent[0].handle(Place::Argument(0)).expect("it").held.object()
    else {
        panic!("no socket")
    };
    assert_eq!(socket.protocol, Protocol::Udp);
    assert_eq!(socket.connected, Some(false));
}

/// glibc asks for both kinds of addresses with one call, whose result counts messages.
#[test]
fn several_datagrams_tell_the_first_whole() {
    let Some(seen) = act(&[Call::Sendmmsg], &["datagrams"]) else { return };
    let sent = seen.calls(Call::Sendmmsg);
    // Nobody listens, which the second may be told.
    assert!(matches!(sent[0].result, 1 | 2), "{}", sent[0].result);
    let data = sent[0].parts_of(Place::Argument(1)).next().expect("bytes");
    assert!(
        matches!(data, Part::Data(bytes) if bytes.ends_with(b"example\0\0\x01\0\x01")),
        "{data:?}"
    );
    let Object::Socket(socket) = sent[0].handle(Place::Argument(0)).expect("it").held.object()
    else {
        panic!("no socket")
    };
    assert_eq!(socket.remote.and_then(|it| it.port()), Some(53));
}

#[test]
fn a_file_that_is_cut_is_known_by_name_and_by_descriptor() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let calls = [Call::Truncate, Call::Ftruncate];
    let Some(seen) = act(&calls, &["truncate".as_ref(), file.path().as_os_str()]) else { return };
    let named = seen.calls(Call::Truncate)[0];
    let raw = Text::from(file.path().as_os_str().as_bytes());
    assert_eq!((named.text(0), named.arguments[1], named.result), (Some(&raw), 3, 0));
    let opened = seen.calls(Call::Ftruncate)[0];
    assert_eq!((opened.arguments[1], opened.result), (2, 0));
    let Held::File(inode) = &opened.handle(Place::Argument(0)).expect("a handle").held else {
        panic!("{opened:?}")
    };
    assert_eq!(inode.walk.path, raw);
}

#[test]
fn a_mount_by_the_new_calls_is_told_step_by_step() {
    let folder = tempfile::tempdir().expect("a folder");
    let calls = [Call::Fsopen, Call::Fsconfig, Call::Fsmount, Call::OpenTree];
    let Some(seen) = act(&calls, &["mount-new".as_ref(), folder.path().as_os_str()]) else {
        return;
    };
    let begun = seen.calls(Call::Fsopen)[0];
    assert_eq!(begun.text(0), Some(&Text::from("tmpfs")));
    let configured = seen.calls(Call::Fsconfig);
    let [source, flag, create] = *configured else { panic!("{configured:#?}") };
    assert_eq!(source.arguments[1], 1);
    let texts = (source.text(2), source.text(3));
    assert_eq!(texts, (Some(&Text::from("source")), Some(&Text::from("nothing"))));
    assert_eq!((flag.arguments[1], create.arguments[1]), (0, 6));
    assert_eq!(create.text(2), None);
    let made = seen.calls(Call::Fsmount)[0];
    assert_eq!(made.result < 0, begun.result < 0, "{made:?}");
    let copied = seen.calls(Call::OpenTree)[0];
    assert_eq!(copied.text(1), Some(&Text::from(folder.path().as_os_str().as_bytes())));
}

#[test]
fn new_credentials_are_told() {
    let Some(seen) = act(&[Call::Setresuid], &["setuid"]) else { return };
    let record = seen.calls(Call::Setresuid)[0];
    let Some(Part::Identity(identity)) = record.parts_of(Place::Process).next() else {
        panic!("{record:?}")
    };
    assert_eq!((identity.uid, identity.effective_uid, identity.saved_uid), (1, 2, 3));
}

#[cfg(target_arch = "x86_64")]
#[test]
fn calls_of_32_bits_are_known_as_what_they_are() {
    let Some(seen) = act(&[Call::Open], &["compat-open", "/etc/passwd"]) else { return };
    let opens = seen.calls(Call::Open);
    let [record] = *opens else { panic!("{:#?}", seen.records) };
    assert_eq!((record.abi, record.number), (Abi::Compat, 5));
    assert_eq!(record.text(0), Some(&Text::from("/etc/passwd")));
    assert_eq!(file(record).walk.path, "/etc/passwd");

    let Some(seen) = act(&[Call::Socket], &["compat-socketcall"]) else { return };
    let record = seen.calls(Call::Socket)[0];
    assert_eq!(record.abi, Abi::Compat);
    assert_eq!(record.arguments.get(..3), Some([2, 1, 0].as_slice()));
    assert!(matches!(record.handle(Place::Result).expect("it").held, Held::Socket { .. }));

    let Some(seen) = act(&[Call::Open], &["x32-open", "/etc/passwd"]) else { return };
    let opens = seen.calls(Call::Open);
    let record = opens.iter().find(|record| record.abi == Abi::X32);
    let record = record.expect("x32 calls are told, even where the kernel has none");
    assert_eq!(record.number, 2);
}

/// By a program of 32 bits: no other one can make them.
#[cfg(target_arch = "aarch64")]
#[test]
fn calls_of_32_bits_are_known_as_what_they_are() {
    if !crate::watch::has_acts_of_compat() {
        return;
    }
    let Some(seen) = act(&[Call::Open], &["compat-open", "/etc/passwd"]) else { return };
    let opens = seen.calls(Call::Open);
    let [record] = *opens else { panic!("{:#?}", seen.records) };
    assert_eq!((record.abi, record.number), (Abi::Compat, 5));
    assert_eq!(record.text(0), Some(&Text::from("/etc/passwd")));
    assert_eq!(file(record).walk.path, "/etc/passwd");

    let Some(seen) = act(&[Call::Socket], &["compat-socket"]) else { return };
    let record = seen.calls(Call::Socket)[0];
    assert_eq!((record.abi, record.number), (Abi::Compat, 281));
    assert_eq!(record.arguments.get(..3), Some([2, 1, 0].as_slice()));
    assert!(matches!(record.handle(Place::Result).expect("it").held, Held::Socket { .. }));

    let Some(seen) = act(&[Call::Sendmsg], &["compat-datagram"]) else { return };
    let record = seen.calls(Call::Sendmsg)[0];
    assert_eq!((record.abi, record.number), (Abi::Compat, 296));
    let mut parts = record.parts_of(Place::Argument(1));
    assert!(
        matches!(parts.next(), Some(Part::Address(bytes)) if bytes.get(2..4) == Some(&[0, 53]))
    );
    assert_eq!(parts.next(), Some(&Part::Data(Text::from("question"))));
}

#[test]
fn a_number_with_more_than_32_bits_hides_nothing() {
    let opens = [Call::Open, Call::Openat];
    let acts = [("high-open", Call::Openat), ("high-x32-open", Call::Open)];
    // The latter is x86-64's alone.
    let acts = if cfg!(target_arch = "x86_64") { &acts[..] } else { &acts[..1] };
    for (act_of, call) in acts.iter().copied() {
        let Some(seen) = act(&opens, &[act_of, "/etc/passwd"]) else { return };
        let calls = seen.calls(call);
        let path = Text::from("/etc/passwd");
        let is_it = |record: &&&CallRecord| [0, 1].iter().any(|it| record.text(*it) == Some(&path));
        let record = calls.iter().find(is_it);
        assert!(record.is_some(), "{act_of}: {calls:#?}");
    }
}
