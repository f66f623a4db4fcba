//! Records in, events out: of processes that never existed on the machine of the test.

use model::event::{Capabilities, Object, OpenFlags};

use super::*;
use crate::record::{Abi, Exec, Exit, Handle, Held as Behind, Identity, Inode, Part, Place, Walk};

const PROCESS: ProcessId = ProcessId { pid: 1 << 30, started: 1_000 };

fn host() -> Host {
    let now = Instant::now();
    let mut containers =
        Containers::new(Hierarchy { controller: None, mounted: None }, Places::default());
    containers.learn_group(&crate::record::Group { number: 1, path: "/".into() });
    Host {
        clock: Clock::of_boot(1_000_000),
        clock_read: now + Duration::from_secs(3600),
        swept: now,
        processes: Processes::new(Clock::of_boot(1_000_000)),
        containers,
        users: Users::default(),
        held: BTreeMap::new(),
        held_count: 0,
        settled: now,
        number: 0,
    }
}

fn record(deed: Deed) -> Record {
    Record {
        time: 5_000,
        processor: 1,
        thread: PROCESS.pid,
        process: PROCESS,
        parent: ProcessId::default(),
        virtual_thread: 3,
        virtual_process: 3,
        control_group: 1,
        name: "cat".into(),
        cut: false,
        deed,
    }
}

fn called(call: Call, arguments: [u64; 6], result: i64, parts: Vec<(Place, Part)>) -> Record {
    let call = CallRecord { call, abi: Abi::Native, number: 9, arguments, result, parts };
    record(Deed::Call(Box::new(call)))
}

fn text(text: &str) -> Part {
    Part::Text { text: text.into(), cut: false }
}

fn walk(path: &str) -> Walk {
    Walk { path: path.into(), ..Walk::default() }
}

fn only(host: &mut Host, record: &Record) -> Event {
    let [event] = <[Event; 1]>::try_from(host.take(record)).unwrap();
    event
}

#[test]
fn events_are_numbered_and_dated_and_the_process_is_what_it_was() {
    let mut host = host();
    let exec = Exec {
        named: "bin/cat".into(),
        arguments: ["cat".into(), "/etc/shadow".into()].into(),
        directory: walk("/tmp"),
        ..Exec::default()
    };
    let event = only(&mut host, &record(Deed::Exec(Box::new(exec))));
    assert_eq!((event.number, event.time, event.call), (1, 1_005_000, Call::Execve));
    assert_eq!(event.process.arguments.len(), 2);
    let Act::Exec { file, .. } = &event.act else { panic!("{event:?}") };
    assert_eq!(file.path, "/tmp/bin/cat");

    let open = called(
        Call::Openat,
        [u64::MAX, 0, 0, 0, 0, 0],
        3,
        vec![
            (Place::Argument(1), text("link")),
            (
                Place::Result,
                Part::Handle(Handle {
                    number: 3,
                    flags: 0,
                    held: Behind::File(Inode { walk: walk("/etc/shadow"), ..Inode::default() }),
                }),
            ),
        ],
    );
    let event = only(&mut host, &open);
    let Act::Open { descriptor, path, flags, .. } = &event.act else { panic!("{event:?}") };
    assert_eq!(
        (descriptor.number, path.raw.to_string(), path.path.to_string()),
        (3, "link".to_owned(), "/etc/shadow".to_owned())
    );
    assert!(path.resolved && flags.reads() && *flags == OpenFlags::default());
    assert!(matches!(descriptor.object, Object::File(_)));

    let failed = called(Call::Open, [0; 6], -2, vec![(Place::Argument(0), text("../etc/shadow"))]);
    let event = only(&mut host, &failed);
    let Act::Open { descriptor, path, .. } = &event.act else { panic!("{event:?}") };
    assert_eq!(
        (descriptor.number, path.resolved, path.path.to_string()),
        (-1, false, "/etc/shadow".to_owned())
    );
    assert!(event.failed());

    let event = only(&mut host, &record(Deed::Exit(Exit { status: 9 })));
    assert_eq!((event.number, &event.act), (4, &Act::Exit { status: 9 }));
    assert_eq!(event.process.arguments.len(), 2, "the exit of a process has its name");
}

#[test]
fn a_change_of_credentials_tells_both() {
    let mut host = host();
    host.take(&record(Deed::Exec(Box::default())));
    let capabilities = Capabilities { effective: 3, permitted: 3, inheritable: 0 };
    let identity = Identity { uid: 7, capabilities, ..Identity::default() };
    let parts = vec![(Place::Process, Part::Identity(Box::new(identity)))];
    let event = only(&mut host, &called(Call::Capset, [0; 6], 0, parts));
    let Act::SetCapabilities { before, after } = event.act else { panic!("{event:?}") };
    assert_eq!((before, after), (Capabilities::default(), capabilities));
    assert_eq!(event.process.credentials.uid, 7);
}

/// An event that waits is completed by the root that its process was in, not by the one it went to.
#[test]
fn names_are_those_of_the_root_of_that_moment() {
    let spaces = crate::users::spaces_of_host();
    let mut host = Host { users: Users::of_host(), ..host() };
    let path = format!("/system.slice/docker-{}.scope", "0123456789abcdef".repeat(4));
    let made = crate::record::Group { number: 7, path: path.as_str().into() };
    host.take(&record(Deed::Group(made)));
    let identity = |Spaces { mount, user, root }| Identity {
        mount_namespace: mount,
        user_namespace: user,
        root,
        ..Identity::default()
    };
    let inside = identity(Spaces { mount: 1, ..spaces });
    let exec = Exec { identity: inside, ..Exec::default() };
    let exec = Record { control_group: 7, ..record(Deed::Exec(Box::new(exec))) };
    assert_eq!(host.take(&exec), [], "it waits");
    let parts = vec![(Place::Process, Part::Identity(Box::new(identity(spaces))))];
    let went = called(Call::Setns, [0; 6], 0, parts);
    host.take(&Record { control_group: 7, ..went });
    let users: Vec<bool> = host
        .release(|_, _, _| true)
        .iter()
        .map(|event| event.process.credentials.user.is_some())
        .collect();
    assert_eq!(users, [false, true]);
}

#[test]
fn a_change_of_directory_is_where_relative_paths_begin() {
    let mut host = host();
    host.take(&record(Deed::Exec(Box::default())));
    let parts = vec![
        (Place::Argument(0), text("etc")),
        (Place::Process, Part::Directory(walk("/mnt/etc"))),
    ];
    let event = only(&mut host, &called(Call::Chdir, [0; 6], 0, parts));
    let Act::ChangeDirectory { path } = &event.act else { panic!("{event:?}") };
    assert_eq!((path.path.to_string(), path.resolved), ("/mnt/etc".to_owned(), true));
    let parts = vec![(Place::Argument(0), text("shadow"))];
    let event = only(&mut host, &called(Call::Unlink, [0; 6], 0, parts));
    let Act::Unlink { path } = &event.act else { panic!("{event:?}") };
    assert_eq!(path.path, "/mnt/etc/shadow");
}

#[test]
fn what_is_lost_has_a_number_too() {
    let mut host = host();
    let loss = Loss {
        class: "open".to_owned(),
        of: model::event::Audience::Anyone,
        count: 9,
        cause: "buffer full".to_owned(),
    };
    let event = host.lost(loss.clone());
    assert_eq!((event.number, event.act), (1, Act::Lost(loss)));
}

#[test]
fn what_a_container_lost_is_told_of_it() {
    let mut host = host();
    let id = "0123456789abcdef".repeat(4);
    let path = format!("/docker/{id}").into();
    host.containers.learn_group(&crate::record::Group { number: 7, path });
    let lost = |host: &mut Host, group| {
        let of = Audience::ControlGroup(group);
        let (class, cause) = ("open".to_owned(), "over budget".to_owned());
        host.lost(Loss { class, of, count: 9, cause }).container.map(|it| it.id.clone())
    };
    assert_eq!(lost(&mut host, 7), None, "nothing was seen of it yet");
    host.take(&Record { control_group: 7, ..called(Call::Capset, [0; 6], 0, Vec::new()) });
    assert_eq!([7, 1, 99].map(|group| lost(&mut host, group)), [Some(id), None, None]);
}

/// Every call that the sensor names is a deed of its own, whatever its record lacks.
#[test]
fn every_call_has_a_deed_and_records_without_parts_are_no_harm() {
    for call in Call::ALL {
        let record = called(*call, [u64::MAX; 6], i64::MAX, Vec::new());
        let event = only(&mut host(), &record);
        let is_other = matches!(event.act, Act::Other { .. });
        let has_none = matches!(
            call,
            Call::Clone
                | Call::Clone3
                | Call::Container
                | Call::Fcntl
                | Call::Fork
                | Call::Lost
                | Call::Malware
                | Call::Other
                | Call::Procexit
                | Call::Relay
                | Call::Vfork
        );
        assert_eq!(is_other, has_none, "{}", call.name());
    }
}

/// What a call takes as an `int` is half of the register; the rest may be anything.
#[test]
fn the_upper_half_of_an_int_says_nothing() {
    let ints: &[(Call, usize)] = &[
        (Call::Bpf, 0),
        (Call::Fcntl, 1),
        (Call::Fsconfig, 1),
        (Call::Fsmount, 1),
        (Call::Fsopen, 1),
        (Call::Keyctl, 0),
        (Call::MemfdCreate, 1),
        (Call::Mknod, 2),
        (Call::MoveMount, 4),
        (Call::OpenTree, 2),
        (Call::Openat, 2),
        (Call::Reboot, 2),
        (Call::Setns, 1),
        (Call::Umount2, 1),
        (Call::Unlinkat, 2),
        (Call::Userfaultfd, 0),
    ];
    for (call, index) in ints {
        let act = |upper: u64| {
            let mut arguments = [0; 6];
            arguments[*index] = upper << 32;
            only(&mut host(), &called(*call, arguments, 0, Vec::new())).act
        };
        assert_eq!(act(0), act(0x4711), "{}", call.name());
    }
}

const OWN: &str = "10.0.0.1:80";
const GIVEN: &str = "8.8.8.8:443";

/// The call, whether the socket is of datagrams, the remote end that the kernel has, and the one
/// that is told. All were given `GIVEN`, which anybody may have written there.
const SOCKETS: &[(Call, bool, Option<&str>, &str)] = &[
    (Call::Connect, false, Some(OWN), OWN),
    (Call::Connect, true, Some(OWN), OWN),
    (Call::Connect, false, None, GIVEN),
    // A refused connection leaves this.
    (Call::Connect, false, Some("10.0.0.1:0"), GIVEN),
    (Call::Sendto, false, Some(OWN), OWN),
    (Call::Sendmsg, false, Some(OWN), OWN),
    (Call::Sendto, false, None, GIVEN),
    (Call::Sendto, true, Some(OWN), GIVEN),
    (Call::Sendto, true, None, GIVEN),
    (Call::Recvfrom, false, Some(OWN), OWN),
    (Call::Recvfrom, true, None, GIVEN),
];

#[test]
fn whom_a_socket_speaks_with_is_for_the_kernel_to_say() {
    let end = |text: &str| model::event::Endpoint::Internet(text.parse().unwrap());
    for (call, is_datagram, own, expected) in SOCKETS {
        let socket = model::event::Socket {
            family: model::event::SocketFamily::Inet4,
            remote: own.map(end),
            ..model::event::Socket::default()
        };
        let held = Behind::Socket { inode: 1, socket, state: 1, is_datagram: *is_datagram };
        let given = [&2_u16.to_ne_bytes()[..], &443_u16.to_be_bytes(), &[8, 8, 8, 8]].concat();
        let given = Part::Address(given.into());
        let address = if matches!(call, Call::Sendto | Call::Recvfrom) { 4 } else { 1 };
        let parts = vec![
            (Place::Argument(0), Part::Handle(Handle { number: 0, flags: 0, held })),
            (Place::Argument(address), given),
        ];
        let event = only(&mut host(), &called(*call, [0; 6], 0, parts));
        let (Act::Connect { descriptor }
        | Act::Send { descriptor, .. }
        | Act::Receive { descriptor, .. }) = event.act
        else {
            panic!("{event:?}")
        };
        let Object::Socket(socket) = descriptor.object else { panic!("{descriptor:?}") };
        assert_eq!(socket.remote, Some(end(expected)), "{call:?} {is_datagram} {own:?}");
    }
}

/// A call that sends and connects by it is told as what rules ask for.
#[test]
fn what_sending_opens_is_a_connection() {
    const FAST_OPEN: u64 = 0x2000_0000;
    for (call, flags) in [(Call::Sendto, 3), (Call::Sendmsg, 2), (Call::Sendmmsg, 3)] {
        for (sent_with, is_datagram, told_as) in [
            (FAST_OPEN, false, Call::Connect),
            (FAST_OPEN | 1 << 63, false, Call::Connect),
            (FAST_OPEN, true, call),
            (0, false, call),
        ] {
            let socket = model::event::Socket::default();
            let held = Behind::Socket { inode: 1, socket, state: 1, is_datagram };
            let parts =
                vec![(Place::Argument(0), Part::Handle(Handle { number: 3, flags: 0, held }))];
            let mut arguments = [0; 6];
            arguments[flags] = sent_with;
            let event = only(&mut host(), &called(call, arguments, 5, parts));
            let is_connection = matches!(event.act, Act::Connect { .. });
            assert_eq!((event.call, is_connection), (told_as, told_as == Call::Connect));
        }
    }
}

#[test]
fn a_group_that_was_told_is_known_and_one_that_was_not_is_not_the_host() {
    let mut host = host();
    let id = "0123456789abcdef".repeat(4);
    // Another process in each: one that leaves the group of its container is still of it.
    let exit = |control_group: u64| {
        let process = ProcessId { started: 1_000 + control_group, ..PROCESS };
        Record { control_group, process, ..record(Deed::Exit(Exit::default())) }
    };
    let made = |number, path: &str| {
        record(Deed::Group(crate::record::Group { number, path: path.into() }))
    };
    assert_eq!(host.take(&made(7, &format!("/system.slice/docker-{id}.scope"))), []);
    assert_eq!(host.take(&made(8, "/system.slice")), []);
    host.take(&exit(7));
    let containers: Vec<&str> = host
        .held
        .values()
        .flatten()
        .filter_map(|held| held.event.container.as_ref().map(|container| &*container.id))
        .collect();
    assert_eq!(containers, [&*id], "it waits for its description");
    assert_eq!(only(&mut host, &exit(8)).container, None);
    // Whose names may be on their way.
    let mut events = host.take(&exit(9));
    while events.is_empty() {
        std::thread::sleep(Duration::from_millis(1));
        events = host.settle();
        events.retain(|event| event.container.as_ref().is_some_and(|it| it.id != id));
    }
    let unknown = events[0].container.as_ref().unwrap();
    assert_eq!((&*unknown.id, unknown.described), ("", false));
}

/// Whoever may write to the groups of the host leaves its own, and is no part of the host for it.
#[test]
fn who_left_the_group_of_its_container_is_told_as_of_it() {
    let mut host = host();
    let id = "0123456789abcdef".repeat(4);
    let path = format!("/docker/{id}").into();
    host.take(&record(Deed::Group(crate::record::Group { number: 7, path })));
    let seen = |host: &mut Host, process: ProcessId, control_group: u64| {
        let call = called(Call::Capset, [0; 6], 0, Vec::new());
        let mut events = host.take(&Record { process, control_group, ..call });
        events.extend(host.release(|_, _, _| true));
        events.last().and_then(|event| event.container.as_ref().map(|it| it.id.clone()))
    };
    assert_eq!(seen(&mut host, PROCESS, 1), None, "as what makes a container does");
    assert_eq!(seen(&mut host, PROCESS, 7), Some(id.clone()));
    assert_eq!(seen(&mut host, PROCESS, 1), Some(id.clone()), "into the host's");
    assert_eq!(seen(&mut host, PROCESS, 99), Some(id.clone()), "into one that nobody knows");
    let child = ProcessId { pid: PROCESS.pid + 1, started: 2_000 };
    let fork = crate::record::Fork {
        child,
        parent: PROCESS,
        control_group: 1,
        ..crate::record::Fork::default()
    };
    host.take(&record(Deed::Fork(Box::new(fork))));
    assert_eq!(seen(&mut host, child, 1), Some(id), "and what it starts");
    let other = ProcessId { pid: PROCESS.pid + 2, started: 3_000 };
    assert_eq!(seen(&mut host, other, 1), None, "which says nothing of others");
}
