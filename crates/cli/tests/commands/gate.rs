//! The start gate in front of a Docker daemon of its own, and of Podman.
//!
//! An image that must not start writes a file as its first deed: where there is none, nothing ran.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Docker, ImageBuilder, LayerBuilder, TarBuilder, installed};

use crate::guard::make_image;
use crate::run::Sandbox;

const GATE: &str = "
version: 1
name: tried
images:
  - unscanned: deny
  - {scope: {images: [\"hurried:*\"]}, unscanned: alert}
starts:
  - {id: ways out, asks: [privileged, capability:SYS_ADMIN, namespace:pid], action: deny, reason: not here}
  - {id: host files, asks: [mount:/etc], action: deny}
  - {id: around, asks: [\"around:*\"], action: deny}
";
/// The image of the test has no user.
const SCAN: &str = "
version: 1
name: images
rules:
  - {id: no-root, on: image, when: image.runs_as_root, action: deny}
";
const PATIENCE: Duration = Duration::from_secs(60);

/// A verdict as a scan keeps it.
fn keep(verdicts: &Path, id: &str, decision: &str) {
    let folder = verdicts.join("sha256");
    fs::create_dir_all(&folder).unwrap();
    let today = today_in_utc();
    let reasons = json!([{"rule": "no-critical", "decision": decision, "count": 3,
        "example": "CVE-2023-0286 in openssl 3.0.2", "remedies": ["upgrade openssl to 3.0.8"]}]);
    let judged = json!({"version": 1, "image": "x", "policy": "images", "policy_version": "",
        "decision": decision, "judged_on": today, "data_of": null, "reasons": reasons});
    let hex = id.rsplit(':').next().unwrap();
    fs::write(folder.join(format!("{hex}.json")), judged.to_string()).unwrap();
}

fn today_in_utc() -> String {
    let output = Command::new("date").args(["-u", "+%F"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The plugin's process, which ends when dropped.
struct Plugin(Child);

impl Drop for Plugin {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn plugin(sandbox: &Sandbox, arguments: &[&str], socket: &Path) -> Plugin {
    let mut command = sandbox.command(arguments);
    command.stdout(Stdio::null()).stderr(Stdio::inherit());
    let gate = Plugin(command.spawn().unwrap());
    let begun = Instant::now();
    while UnixStream::connect(socket).is_err() {
        assert!(begun.elapsed() < PATIENCE, "the gate does not listen");
        thread::sleep(Duration::from_millis(50));
    }
    gate
}

#[test]
fn the_plugin_of_docker_tells_what_it_refuses() {
    let sandbox = Sandbox::new();
    let policy = sandbox.file("gate.yaml", GATE);
    let verdicts = sandbox.path("verdicts");
    fs::create_dir(&verdicts).unwrap();
    let alerts = sandbox.path("alerts.json");
    let to = format!("json@file:{}", alerts.display());
    let name = format!("lzcli{}", std::process::id());
    let socket = PathBuf::from(format!("/run/docker/plugins/{name}.sock"));
    let mut gate = None;
    let started = Docker::with_plugin(&name, |daemon| {
        let (verdicts, at) = (verdicts.display().to_string(), socket.display().to_string());
        let daemon = daemon.display().to_string();
        let arguments = [
            "gate",
            "docker",
            "--enforce",
            "--policy",
            &policy,
            "--verdicts",
            &verdicts,
            "--to",
            &to,
            "--socket",
            &at,
            "--daemon",
            &daemon,
        ];
        gate = Some(plugin(&sandbox, &arguments, &socket));
    });
    let Some(docker) = started else { return };
    if make_image(&sandbox, &docker, "good:1").is_none() {
        return;
    }
    let run = |options: &[&str]| {
        let before = ["run", "--rm", "--network", "none"];
        docker.output(&[&before[..], options, &["good:1", "true"]].concat())
    };
    assert!(said(&run(&[])).contains("image unscanned: deny"));
    keep(&verdicts, &docker.docker(&["image", "inspect", "-f", "{{.Id}}", "good:1"]), "Allow");
    assert!(run(&[]).status.success());
    let refused = run(&["--privileged"]);
    assert!(said(&refused).contains("authorization denied by plugin"), "{refused:?}");
    let text = fs::read_to_string(&alerts).unwrap();
    let alerts: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [unscanned, privileged] = <[Value; 2]>::try_from(alerts).unwrap();
    for (alert, about) in [(unscanned, "image:unscanned"), (privileged, "privileged")] {
        assert_eq!(
            (&alert["blocked"], &alert["rule"]),
            (&true.into(), &"Start of a container".into())
        );
        assert_eq!(alert["container"]["image"], "good:1");
        let grounds = alert["fields"]["gate.grounds"].as_array().unwrap();
        assert!(grounds.iter().any(|ground| ground["about"] == about), "{alert:#}");
    }
    drop(fs::remove_file(&socket));
}

const SCANNING: &str = "
version: 1
name: scanning
images:
  - {unscanned: scan, stale: scan, unknown: deny}
starts:
  - {asks: [\"around:*\"], action: alert}
";

/// Of a program that is of no package, so that no advisories are wanted.
fn make_tiny_images(sandbox: &Sandbox, docker: &Docker) {
    let source = sandbox.file("true.c", "int main(void) { return 0; }");
    let program = sandbox.path("true").display().to_string();
    testkit::run("gcc", &["-static", "-o", &program, &source]);
    let tar = TarBuilder::new().executable("bin/true", fs::read(&program).unwrap());
    let archive = sandbox.file("image.tar", tar.finish());
    docker.docker(&["import", &archive, "root:1"]);
    docker.docker(&["import", "--change", "USER 1000", &archive, "user:1"]);
    docker.docker(&["import", "--change", "USER 1001", &archive, "other:1"]);
}

/// Images that nobody scanned are scanned before they start: once, by another process, and what cannot be
/// scanned does not start.
#[test]
fn what_nobody_scanned_is_scanned_before_it_starts() {
    if !installed("gcc") {
        return;
    }
    let sandbox = Sandbox::new();
    let policy = sandbox.file("gate.yaml", SCANNING);
    let scan_policy = sandbox.file("policy.yaml", SCAN);
    let verdicts = sandbox.path("verdicts");
    fs::create_dir(&verdicts).unwrap();
    let to = format!("json@file:{}", sandbox.path("alerts.json").display());
    let name = format!("lzsc{}", std::process::id());
    let socket = PathBuf::from(format!("/run/docker/plugins/{name}.sock"));
    let at = socket.display().to_string();
    let kept_in = verdicts.display().to_string();
    let before = ["--offline", "gate", "docker", "--enforce", "--policy", &policy, "--to", &to];
    let before = [&before[..], &["--verdicts", &kept_in, "--socket", &at]].concat();
    // A policy that has images scanned needs one that judges them.
    let ended = sandbox.run(&before);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("--scan-policy"), "{}", ended.stderr);
    let mut gate = None;
    let started = Docker::with_plugin(&name, |daemon| {
        let daemon = daemon.display().to_string();
        let more = ["--daemon", &daemon, "--scan-policy", &scan_policy, "--scan-time", "60"];
        gate = Some(plugin(&sandbox, &[&before[..], &more].concat(), &socket));
    });
    let Some(docker) = started else { return };
    make_tiny_images(&sandbox, &docker);
    let id = |image: &str| docker.docker(&["image", "inspect", "-f", "{{.Id}}", image]);
    let hex = |id: &str| id.rsplit(':').next().unwrap().to_owned();
    let file = |id: &str| verdicts.join("sha256").join(format!("{}.json", hex(id)));
    let run = |image: &str| docker.output(&["run", "--rm", "--network", "none", image, "true"]);
    // Many at once, of one image: each starts, and one scan was enough.
    let (user, output) = (
        id("user:1"),
        thread::scope(|scope| {
            let all: Vec<_> = (0..3).map(|_| scope.spawn(|| run("user:1"))).collect();
            all.into_iter().map(|it| it.join().unwrap()).collect::<Vec<_>>()
        }),
    );
    assert!(output.iter().all(|it| it.status.success()), "{output:?}");
    let kept: Value = serde_json::from_slice(&fs::read(file(&user)).unwrap()).unwrap();
    assert_eq!((&kept["decision"], &kept["policy"]), (&"Allow".into(), &"images".into()));
    // What it says is denied does not start, now and later.
    for _ in 0..2 {
        let refused = run("root:1");
        let said = said(&refused);
        assert!(said.contains("image denied") && said.contains("no-root"), "{said}");
    }
    // A verdict that is old is made anew.
    let old = fs::read_to_string(file(&user)).unwrap().replace(&today_in_utc(), "2020-01-01");
    fs::write(file(&user), &old).unwrap();
    thread::sleep(Duration::from_secs(1));
    assert!(run("user:1").status.success());
    // Who scans cannot: it is unknown, and an old verdict of another day does not help.
    fs::write(&scan_policy, "version: 99").unwrap();
    keep(&verdicts, &id("other:1"), "Allow");
    let stale = fs::read_to_string(file(&id("other:1"))).unwrap();
    fs::write(file(&id("other:1")), stale.replace(&today_in_utc(), "2020-01-01")).unwrap();
    let refused = run("other:1");
    let said = said(&refused);
    assert!(said.contains("image unknown: deny") && said.contains("without a verdict"), "{said}");
    drop(fs::remove_file(&socket));
}

/// Not everywhere may limits be raised.
const RUN: [&str; 7] =
    ["run", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--network", "none"];

fn hook([policy, verdicts, alerts]: &[String; 3]) -> Value {
    let to = format!("json@file:{alerts}");
    json!({
        "version": "1.0.0",
        "when": {"always": true},
        "stages": ["createRuntime"],
        "hook": {
            "path": env!("CARGO_BIN_EXE_lazaret"),
            "timeout": 30,
            "env": ["HOME=/tmp"],
            "args": ["lazaret", "gate", "oci-hook", "--enforce", "--policy", policy,
                "--verdicts", verdicts, "--to", to],
        },
    })
}

fn podman(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    let mut command = Command::new("podman");
    command.arg("--root").arg(sandbox.path("root")).arg("--runroot").arg(sandbox.path("run"));
    command.args(["--runtime", "runc", "--storage-driver", "vfs"]);
    command.args(["--cgroup-manager", "cgroupfs", "--hooks-dir"]);
    command.arg(sandbox.path("hooks")).args(arguments).output().unwrap()
}

#[test]
fn what_the_policy_denies_does_not_start_in_podman() {
    if !installed("podman") || !is_root() {
        return;
    }
    let Ok(busybox) = fs::read("/bin/busybox") else { return };
    let sandbox = Sandbox::new();
    let policy = sandbox.file("gate.yaml", GATE);
    let verdicts = sandbox.path("verdicts");
    fs::create_dir(&verdicts).unwrap();
    let alerts = sandbox.path("alerts.json");
    let places = [policy, verdicts.display().to_string(), alerts.display().to_string()];
    sandbox.file("hooks/gate.json", hook(&places).to_string());
    let podman = |arguments: &[&str]| podman(&sandbox, arguments);
    let tar = TarBuilder::new().executable("bin/busybox", &busybox).symlink("bin/sh", "busybox");
    let archive = sandbox.file("image.tar", tar.finish());
    for (number, name) in ["good:1", "denied:1", "strange:1"].iter().enumerate() {
        let label = format!("LABEL number={number}");
        let output = podman(&["import", "--change", &label, &archive, name]);
        assert!(output.status.success(), "{}", said(&output));
    }
    let id = |name: &str| {
        let output = podman(&["image", "inspect", "--format", "{{.Id}}", name]);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    keep(&verdicts, &id("good:1"), "Allow");
    keep(&verdicts, &id("denied:1"), "Deny");
    let out = sandbox.path("out");
    fs::create_dir(&out).unwrap();
    let volume = format!("{}:/out", out.display());
    let cases: [(&[&str], &str, Option<&str>); 7] = [
        (&[], "good:1", None),
        (&["--rm"], "good:1", None),
        (&[], "denied:1", Some("image denied")),
        (&["--rm"], "strange:1", Some("image unscanned")),
        (&["--privileged"], "good:1", Some("privileged: deny")),
        (&["--cap-add", "SYS_ADMIN"], "good:1", Some("capability:SYS_ADMIN: deny")),
        (&["-v", "/etc:/x:ro"], "good:1", Some("mount:/etc: deny")),
    ];
    for (options, image, expected) in cases {
        let trace = out.join("trace");
        drop(fs::remove_file(&trace));
        let script = [image, "/bin/sh", "-c", "echo ran > /out/trace"];
        let output = podman(&[&RUN[..], &["-v", &volume], options, &script].concat());
        let told = fs::read_to_string(&alerts).unwrap_or_default();
        assert_eq!(
            trace.exists(),
            expected.is_none(),
            "{options:?} {image}: {}\n{told}",
            said(&output)
        );
        if let Some(expected) = expected {
            let last = told.lines().last().unwrap();
            assert!(last.contains(expected), "{options:?} {image}: {last}\n{}", said(&output));
        }
    }
    podman(&["rm", "-fa"]);
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self").unwrap()) == 0
}

#[test]
fn a_scan_keeps_its_verdict_for_the_gate() {
    let sandbox = Sandbox::new();
    let tar = || TarBuilder::new().file("etc/x", "x");
    let image = ImageBuilder::new("shop:1").layer(LayerBuilder::gzip(tar()));
    let archive = sandbox.file("image.tar", image.docker_archive());
    let folder = sandbox.file("rootfs.tar", tar().finish());
    let policy = sandbox.file("policy.yaml", SCAN);
    let verdicts = sandbox.path("verdicts").display().to_string();
    let scan = ["scan", "--offline", "--policy", &policy, "--keep-verdict", &verdicts];
    let ended = sandbox.run(&[&scan[..], &[&archive]].concat());
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let id = testkit::sha256(&image.config()).to_string().replace(':', "/");
    let kept = fs::read_to_string(sandbox.path(&format!("verdicts/{id}.json"))).unwrap();
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!((&kept["decision"], &kept["policy"]), (&"Deny".into(), &"images".into()));
    assert_eq!(kept["reasons"][0]["rule"], "no-root");
    // What has no digest is no image that a gate could know.
    let ended = sandbox.run(&[&scan[..], &[&format!("fs-archive:{folder}")]].concat());
    assert!(ended.stderr.contains("no verdict is kept"), "{ended:?}");
    assert_eq!(ended.code, Some(2));
    assert_eq!(sandbox.run(&["scan", "--keep-verdict", &verdicts, "x"]).code, Some(2));
}

#[test]
fn mistakes_of_a_gate_s_policy_are_told() {
    let sandbox = Sandbox::new();
    let text = "version: 1\nstarts: [{asks: [capability:SYS_ADMN], action: deny}]\n";
    let policy = sandbox.file("gate.yaml", text);
    let ended = sandbox.run(&["gate", "check", &policy]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("did you mean `SYS_ADMIN`?"), "{ended:?}");
    // A hook that cannot judge does what was chosen.
    let base = [
        "gate",
        "oci-hook",
        "--policy",
        &policy,
        "--verdicts",
        "/nonexistent",
        "--to",
        "json@file:alerts.json",
    ];
    for (more, code) in [
        (&["--enforce"][..], Some(2)),
        (&["--enforce", "--when-broken", "allow"], Some(0)),
        (&[], Some(0)),
    ] {
        assert_eq!(sandbox.run(&[&base[..], more].concat()).code, code, "{more:?}");
    }
}
