//! Connections of a real container, refused by its control group.

use std::path::Path;
use std::process::{Command, Stdio};

use model::{Network, Prevention, Refused};
use sensor::prevent::Settings;

use super::stage::preventions;

const NAME: &str = "lazaret-test-prevent";

/// The group of a process, where groups are told apart.
fn group_of(process: &str) -> u64 {
    let hierarchy = Settings::new().hierarchy;
    let text = std::fs::read_to_string(format!("/proc/{process}/cgroup")).expect("its groups");
    let path = text.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        match hierarchy.controller {
            Some(wanted) => controllers.split(',').any(|it| it == wanted).then_some(path),
            None => controllers.is_empty().then_some(path),
        }
    });
    let folder = hierarchy.mounted.expect("a hierarchy");
    let folder = folder.join(path.expect("its group").trim_start_matches('/'));
    std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(folder).expect("the group"))
}

fn docker(arguments: &[&str]) -> Option<String> {
    let output = Command::new("docker").args(arguments).stderr(Stdio::inherit()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Gone with this.
struct Container(&'static str);

impl Drop for Container {
    fn drop(&mut self) {
        docker(&["rm", "--force", self.0]);
        docker(&["rmi", &format!("{NAME}:1")]);
    }
}

fn start() -> Option<Container> {
    if !Path::new("/var/run/docker.sock").exists() || !testkit::installed("docker") {
        testkit::skip("Docker's engine does not run");
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/acts.c");
    let program = folder.path().join("acts");
    let mut compiler = Command::new("gcc");
    compiler.args(["-O1", "-w", "-static", "-o"]).arg(&program).arg(source);
    assert!(compiler.status().expect("gcc runs").success());
    let archive = folder.path().join("image.tar");
    let mut tar = Command::new("tar");
    tar.arg("-cf").arg(&archive).arg("-C").arg(folder.path()).arg("acts");
    assert!(tar.status().expect("tar runs").success());
    docker(&["rm", "--force", NAME]);
    docker(&["import", archive.to_str()?, &format!("{NAME}:1")]).expect("an image");
    let container = Container(NAME);
    let image = format!("{NAME}:1");
    // Of the host's network, so that its addresses are there.
    let run = ["run", "--detach", "--network", "host", "--name", NAME, &image, "/acts", "wait"];
    docker(&run).expect("a container");
    Some(container)
}

fn reach(how: &str, address: &str, port: &str) -> Option<i32> {
    let status =
        Command::new("docker").args(["exec", NAME, "/acts", "deed", how, address, port]).status();
    status.expect("docker runs").code()
}

#[test]
fn a_container_is_refused_and_its_host_is_not() {
    let networks = ["127.0.0.9", "::1"].map(|address| Network {
        address: address.parse().expect("an address"),
        prefix: if address.contains(':') { 128 } else { 32 },
        ports: vec![4711..=4712],
    });
    let act = Refused::Connect(networks.to_vec());
    let Some(mut kernel) = preventions(&[Prevention { id: "a".to_owned(), act }]) else { return };
    let Some(_container) = start() else { return };
    let process = docker(&["inspect", "--format", "{{.State.Pid}}", NAME]).expect("it runs");
    let group = group_of(&process);
    let cases = [
        ("reach-connect", "127.0.0.9", "4711", 1),
        ("reach-udp-connect", "127.0.0.9", "4712", 1),
        ("reach-udp-send", "127.0.0.9", "4712", 1),
        ("reach-udp-message", "127.0.0.9", "4712", 1),
        ("reach-connect", "::1", "4711", 1),
        ("reach-udp-send", "::1", "4711", 1),
        ("reach-connect", "::ffff:127.0.0.9", "4711", 1),
        ("reach-udp-send", "::ffff:127.0.0.9", "4711", 1),
        ("reach-udp-send", "127.0.0.9", "4713", 0),
        ("reach-udp-send", "127.0.0.10", "4711", 0),
    ];
    for (how, address, port, _) in cases {
        assert_ne!(reach(how, address, port), Some(1), "nothing is set yet: {how} {address}");
    }
    kernel.set(group, 1, true).expect("the kernel takes it");
    for (how, address, port, code) in cases {
        assert_eq!(reach(how, address, port) == Some(1), code == 1, "{how} {address} {port}");
    }
    let mut told = Vec::new();
    kernel.denials(&mut |denial| told.push((denial.control_group, denial.refused)));
    let refused = cases.iter().filter(|(.., code)| *code == 1).count();
    assert_eq!(told, vec![(group, true); refused]);
    let host = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    host.send_to(b"x", "127.0.0.9:4711").expect("the host is not refused");
}
