//! Isolate: over a cable of our own between host and container, so that no bridge is needed.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use model::Response;
use respond::{Order, Refusal, State};

use crate::container::{Container, order, until};

/// The host's end of the cable of the test with this number.
fn host(number: u8) -> [IpAddr; 2] {
    let four = Ipv4Addr::new(10, 231, number, 1);
    [four.into(), Ipv6Addr::new(0xfd00, 0x231, number.into(), 0, 0, 0, 0, 1).into()]
}

/// A container with a cable to the host; the cable goes with it.
fn wired(number: u8, script: &str) -> Option<Container> {
    if !testkit::installed("ip") || !testkit::installed("nsenter") {
        return None;
    }
    let container = Container::run(
        &["--network", "none", "--sysctl", "net.ipv6.conf.all.disable_ipv6=0"],
        script,
    )?;
    let pid = container.pid().to_string();
    let cable = format!("lzr{}{number}", std::process::id() % 100_000);
    let ip = |arguments: &[&str]| testkit::run("ip", arguments);
    let inside = |arguments: &[&str]| {
        testkit::run("nsenter", &[&["--target", &pid, "--net", "ip"], arguments].concat())
    };
    ip(&["link", "add", &cable, "type", "veth", "peer", "name", "eth0", "netns", &pid]);
    let [four, six] = host(number);
    ip(&["addr", "add", &format!("{four}/24"), "dev", &cable]);
    ip(&["addr", "add", &format!("{six}/64"), "dev", &cable, "nodad"]);
    ip(&["link", "set", &cable, "up"]);
    inside(&["addr", "add", &format!("10.231.{number}.2/24"), "dev", "eth0"]);
    inside(&["addr", "add", &format!("fd00:231:{number:x}::2/64"), "dev", "eth0", "nodad"]);
    inside(&["link", "set", "eth0", "up"]);
    inside(&["link", "set", "lo", "up"]);
    Some(container)
}

/// At an address, on a port that is free.
fn listen(address: IpAddr) -> (TcpListener, u16) {
    let listener = TcpListener::bind((address, 0)).expect("the cable's address");
    let port = listener.local_addr().expect("bound").port();
    (listener, port)
}

/// Takes every connection and ends it.
fn greet(listener: TcpListener) {
    std::thread::spawn(move || listener.incoming().for_each(drop));
}

/// Whether the container can connect there.
fn reaches(container: &Container, address: IpAddr, port: u16) -> bool {
    let connect = format!("echo hello | timeout 2 nc -w 1 {address} {port}");
    container.exec(&["sh", "-c", &connect]).status.success()
}

/// Bytes that arrive now.
fn arrives(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_millis(10))).expect("a time");
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
    stream.set_read_timeout(Some(Duration::from_millis(1_500))).expect("a time");
    stream.read(&mut buffer).is_ok_and(|count| count > 0)
}

#[test]
fn no_packet_comes_or_goes_and_open_connections_are_cut() {
    let Some(container) = wired(1, "sleep 1000") else { return };
    let listeners = host(1).map(listen);
    let sends = |address: IpAddr, port: u16| {
        let command = format!("(while :; do echo x; sleep 0.05; done) | nc {address} {port} &");
        container.exec(&["sh", "-c", &format!("setsid sh -c '{command}' >/dev/null 2>&1")]);
    };
    let mut streams = Vec::new();
    for ((listener, port), address) in listeners.iter().zip(host(1)) {
        sends(address, *port);
        streams.push(listener.accept().expect("it connects").0);
        greet(listener.try_clone().expect("a listener"));
    }
    assert!(streams.iter_mut().all(arrives));
    let local = "(echo there | nc -l -p 99 & sleep 0.3; timeout 2 nc 127.0.0.1 99 </dev/null)";
    let is_local = || container.exec(&["sh", "-c", local]).stdout == b"there\n";
    assert!(is_local());

    let entry = container.act(Response::Isolate, &container.target()).expect("it is isolated");
    assert_eq!((entry.state, entry.is_lapsed()), (State::Active, false));
    assert!(!streams.iter_mut().any(arrives), "open connections are cut");
    for ((_, port), address) in listeners.iter().zip(host(1)) {
        assert!(!reaches(&container, address, *port), "{address}");
    }
    let inside = IpAddr::from([10, 231, 1, 2]);
    let server = "setsid nc -l -p 98 >/dev/null 2>&1 &";
    container.exec(&["sh", "-c", server]);
    let timeout = Duration::from_secs(1);
    assert!(TcpStream::connect_timeout(&(inside, 98).into(), timeout).is_err(), "nor from outside");
    assert!(is_local(), "its own loopback stays");
    let again = container.act(Response::Isolate, &container.target()).expect_err("it is already");
    assert!(matches!(again, Refusal::Already { id, .. } if id == entry.id), "{again}");

    assert_eq!(container.undo(&entry).expect("it is undone").note, "has its network again");
    for ((_, port), address) in listeners.iter().zip(host(1)) {
        assert!(reaches(&container, address, *port), "{address}");
    }
    until("what waited is sent again", || streams.iter_mut().all(arrives));
}

#[test]
fn what_an_operator_keeps_is_kept() {
    let Some(container) = wired(2, "sleep 1000") else { return };
    let [four, six] = host(2).map(|address| {
        let (listener, port) = listen(address);
        greet(listener);
        port
    });
    for (kept, of_four, of_six) in [
        (&["10.231.2.0/24"][..], true, false),
        (&["fd00:231:2::1"], false, true),
        (&["10.0.0.0/8", "fd00::/8"], true, true),
        (&["10.231.2.2", "10.231.3.0/24", "fd00:231:3::/48"], false, false),
    ] {
        let keep = kept.iter().map(|network| network.parse().expect("a network")).collect();
        let order = Order { keep, ..order() };
        let responder = container.responder();
        let entry = responder.act(Response::Isolate, &container.target(), &order);
        let entry = entry.expect("it is isolated");
        let [host_four, host_six] = host(2);
        assert_eq!(reaches(&container, host_four, four), of_four, "{kept:?}");
        assert_eq!(reaches(&container, host_six, six), of_six, "{kept:?}");
        container.undo(&entry).expect("it is undone");
    }
}

#[test]
fn on_the_hosts_network_the_loopback_is_cut_too() {
    let Some(container) = Container::run(&["--network", "host"], "sleep 1000") else { return };
    let local = IpAddr::from([127, 0, 0, 1]);
    let (listener, port) = listen(local);
    greet(listener);
    assert!(reaches(&container, local, port));
    let entry = container.act(Response::Isolate, &container.target()).expect("it is isolated");
    assert!(entry.note.contains("host's network"), "{}", entry.note);
    assert!(!reaches(&container, local, port));
    assert!(TcpStream::connect((local, port)).is_ok(), "the host has it still");
    container.undo(&entry).expect("it is undone");
    assert!(reaches(&container, local, port));
}

#[test]
fn an_isolation_ends_with_its_container_and_leaves_nothing() {
    let Some(container) = Container::run(&[], "sleep 1000") else { return };
    let entry = container.act(Response::Isolate, &container.target()).expect("it is isolated");
    let pins = format!("/sys/fs/bpf/lazaret/isolated/c-{}", container.id);
    assert_eq!(std::fs::read_dir(&pins).expect("pins").count(), 2);
    container.docker(&["restart", "--time", "0", &container.name]);
    let listed = container.responder().list().expect("a journal").entries;
    assert!(listed[0].is_lapsed(), "the new one is not isolated, and that is said");
    let anew = container.act(Response::Isolate, &container.target()).expect("it is isolated");
    let listed = container.responder().list().expect("a journal").entries;
    assert_eq!((listed[0].id, listed[0].state), (entry.id, State::Undone));
    container.docker(&["kill", &container.name]);
    assert_eq!(container.undo(&anew).expect("it is undone").note, "the container is gone");
    assert!(!Path::new(&pins).exists());
}
