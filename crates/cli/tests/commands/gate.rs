//! The start gate in front of a Docker daemon of its own, and of Podman.
//!
//! An image that must not start writes a file as its first deed: where there is none, nothing ran.

use std::fs;
use std::io::{Read as _, Write as _};
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

/// A gate in front of a daemon.
struct Gated {
    docker: Docker,
    sandbox: Sandbox,
    plugin: PathBuf,
    arguments: Vec<String>,
    gate: Child,
}

impl Gated {
    fn start(name: &str) -> Option<Self> {
        let sandbox = Sandbox::new();
        let name = format!("lz{name}{}", std::process::id());
        let plugin = PathBuf::from(format!("/run/docker/plugins/{name}.sock"));
        let policy = sandbox.file("gate.yaml", GATE);
        let verdicts = sandbox.path("verdicts");
        fs::create_dir(&verdicts).unwrap();
        let mut begun = None;
        let docker = Docker::with_plugin(&name, |socket| {
            let to = format!("json@file:{}", sandbox.path("alerts.json").display());
            let places = [
                ("--policy", policy.clone()),
                ("--verdicts", verdicts.display().to_string()),
                ("--to", to),
                ("--socket", plugin.display().to_string()),
                ("--daemon", socket.display().to_string()),
            ];
            let mut arguments =
                vec!["gate".to_owned(), "docker".to_owned(), "--enforce".to_owned()];
            arguments.extend(places.into_iter().flat_map(|(key, value)| [key.to_owned(), value]));
            begun = Some((run(&sandbox, &arguments, &plugin), arguments));
        })?;
        let (gate, arguments) = begun.unwrap();
        Some(Self { docker, sandbox, plugin, arguments, gate })
    }

    fn keep(&self, image: &str, decision: &str) {
        let id = self.docker.docker(&["image", "inspect", "--format", "{{.Id}}", image]);
        keep(&self.sandbox.path("verdicts"), &id, decision);
    }

    fn again(&mut self) {
        self.gate = run(&self.sandbox, &self.arguments, &self.plugin);
    }

    /// Has an image do something that can be seen, with these options.
    fn run_image(&self, options: &[&str], image: &str) -> (Output, bool) {
        let out = self.sandbox.path("out");
        fs::create_dir_all(&out).unwrap();
        let trace = out.join("trace");
        drop(fs::remove_file(&trace));
        let volume = format!("{}:/out", out.display());
        let before = ["run", "--rm", "--network", "none", "-v", &volume];
        let after = [image, "sh", "-c", "echo ran > /out/trace"];
        let output = self.docker.output(&[&before[..], options, &after].concat());
        (output, trace.exists())
    }

    fn alerts(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.sandbox.path("alerts.json")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// A request as anybody may write it, and the status of the answer.
    fn ask(&self, request: &str) -> String {
        let mut stream = UnixStream::connect(self.docker.socket()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Drop for Gated {
    fn drop(&mut self) {
        // Without the gate the daemon would not let anything be removed.
        if matches!(self.gate.try_wait(), Ok(Some(_))) {
            self.again();
        }
        let ids = self.docker.output(&["ps", "-aq"]);
        for id in String::from_utf8_lossy(&ids.stdout).lines() {
            self.docker.output(&["rm", "-f", id]);
        }
        drop(self.gate.kill());
        drop(self.gate.wait());
        drop(fs::remove_file(&self.plugin));
    }
}

fn run(sandbox: &Sandbox, arguments: &[String], plugin: &Path) -> Child {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = sandbox.command(&arguments);
    command.stdout(Stdio::null()).stderr(Stdio::inherit());
    let gate = command.spawn().unwrap();
    let begun = Instant::now();
    while UnixStream::connect(plugin).is_err() {
        assert!(begun.elapsed() < PATIENCE, "the gate does not listen");
        thread::sleep(Duration::from_millis(50));
    }
    gate
}

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

#[test]
fn what_the_policy_denies_does_not_start_in_docker() {
    let Some(gated) = Gated::start("gate") else { return };
    for name in ["denied:1", "good:1", "hurried:1", "strange:1"] {
        if make_image(&gated.sandbox, &gated.docker, name).is_none() {
            return;
        }
    }
    gated.keep("denied:1", "Deny");
    gated.keep("good:1", "Allow");
    let cases: [(&[&str], &str, Option<&str>); 12] = [
        (&[], "good:1", None),
        (&[], "hurried:1", None),
        (&["--pid", "container:none"], "hurried:1", Some("No such container")),
        (&[], "denied:1", Some("image denied")),
        (&[], "strange:1", Some("image unscanned")),
        (&["--privileged"], "good:1", Some("privileged: deny by starts `ways out`: not here")),
        (&["--cap-add", "sys_admin"], "good:1", Some("capability:SYS_ADMIN")),
        (&["--cap-add", "ALL"], "good:1", Some("capability:ALL")),
        (&["--pid", "host"], "good:1", Some("namespace:pid")),
        (&["-v", "/etc/ssl:/x"], "good:1", Some("mount:/etc/ssl")),
        (&["-v", "/:/x:ro"], "good:1", Some("mount:/: deny")),
        (
            &[
                "--mount",
                "type=volume,dst=/x,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=/etc",
            ],
            "good:1",
            Some("mount:/etc"),
        ),
    ];
    for (options, image, expected) in cases {
        let (output, ran) = gated.run_image(options, image);
        let said = said(&output);
        assert_eq!(ran, expected.is_none(), "{options:?} {image}: {said}");
        if let Some(expected) = expected {
            assert!(said.contains(expected), "{options:?} {image}: {said}");
        }
    }
    let (output, _) = gated.run_image(&[], "denied:1");
    let said = said(&output);
    for part in ["authorization denied by plugin", "upgrade openssl to 3.0.8", "CVE-2023-0286"] {
        assert!(said.contains(part), "{said}");
    }
    let alerts = gated.alerts();
    let refused = |alert: &&Value| alert["fields"]["gate.refused"] == true;
    assert!(alerts.iter().filter(refused).count() >= 9, "{alerts:#?}");
    let heard = alerts.iter().find(|alert| alert["container"]["image"] == "hurried:1").unwrap();
    assert_eq!(
        (&heard["blocked"], &heard["rule"]),
        (&false.into(), &"Start of a container".into())
    );
    assert_eq!(heard["fields"]["gate.grounds"][0]["about"], "image:unscanned");
}

#[test]
fn nobody_gets_around_the_gate_of_docker() {
    let Some(gated) = Gated::start("way") else { return };
    if make_image(&gated.sandbox, &gated.docker, "good:1").is_none() {
        return;
    }
    gated.keep("good:1", "Allow");
    let docker = &gated.docker;
    // Made while it was allowed, started when it is not.
    docker.docker(&["create", "--name", "early", "--network", "none", "good:1", "sleep", "60"]);
    docker.docker(&["run", "-d", "--name", "runs", "--network", "none", "good:1", "sleep", "60"]);
    gated.keep("good:1", "Deny");
    for verb in ["start", "restart"] {
        let output = docker.output(&[verb, "early"]);
        assert!(said(&output).contains("image denied"), "{}", said(&output));
    }
    gated.keep("good:1", "Allow");
    let denied: [&[&str]; 3] = [
        &["exec", "--privileged", "runs", "true"],
        &["volume", "create", "-o", "type=none", "-o", "o=bind", "-o", "device=/etc", "v"],
        &["plugin", "install", "--grant-all-permissions", "nobody.invalid/x"],
    ];
    for arguments in denied {
        let output = docker.output(arguments);
        assert!(said(&output).contains("authorization denied"), "{arguments:?} {}", said(&output));
    }
    assert!(docker.output(&["exec", "runs", "true"]).status.success());

    let body = r#"{"Image":"good:1","HostConfig":{"NetworkMode":"none","Privileged":true}}"#;
    let folded = r#"{"Image":"good:1","hoſtconfig":{"NetworkMode":"none","pRIVILEGED":true}}"#;
    let twice = r#"{"Image":"good:1","HostConfig":{"NetworkMode":"none"},"hostConfig":{"Privileged":true}}"#;
    let long = format!(r#"{{"Image":"good:1","Labels":{{"x":"{}"}}}}"#, "x".repeat(2 << 20));
    let post = |path: &str, kind: &str, length: usize, body: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: d\r\nConnection: close\r\nContent-Type: {kind}\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
    };
    let json = "application/json";
    let requests = [
        post("/v1.41/containers/create", json, body.len(), body),
        post("/containers/create", json, body.len(), body),
        post("/v1.41/%63ontainers/creat%65", json, body.len(), body),
        post("http://d/v1.41/containers/create", json, body.len(), body),
        post("/v1.41/containers/create", json, folded.len(), folded),
        post("/v1.41/containers/create", json, twice.len(), twice),
        post("/v1.41/containers/create", json, long.len(), &long),
        post("/v1.41/containers/create", json, 0, body),
        post("/v1.41/containers/create", "text/plain", body.len(), body),
        post("/v1.23/containers/early/start", json, body.len(), body),
    ];
    for request in requests {
        let answer = gated.ask(&request);
        assert!(
            answer.contains("403 Forbidden") && answer.contains("authorization denied"),
            "{request:.300}\n{answer}"
        );
    }
    let made = docker.docker(&["ps", "-a", "--format", "{{.Names}}"]);
    let mut made: Vec<&str> = made.lines().collect();
    made.sort_unstable();
    assert_eq!(made, ["early", "runs"]);
}

#[test]
fn without_its_plugin_docker_starts_nothing() {
    let Some(mut gated) = Gated::start("gone") else { return };
    if make_image(&gated.sandbox, &gated.docker, "good:1").is_none() {
        return;
    }
    gated.keep("good:1", "Allow");
    gated.gate.kill().unwrap();
    gated.gate.wait().unwrap();
    let (output, ran) = gated.run_image(&[], "good:1");
    assert!(!ran && !output.status.success(), "{}", said(&output));
    gated.again();
    let (output, ran) = gated.run_image(&[], "good:1");
    assert!(ran, "{}", said(&output));
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
    let lazaret = env!("CARGO_BIN_EXE_lazaret");
    let hook = json!({"version": "1.0.0", "when": {"always": true}, "stages": ["createRuntime"],
        "hook": {"path": lazaret, "timeout": 30, "env": ["HOME=/tmp"], "args": ["lazaret", "gate", "oci-hook", "--enforce",
            "--policy", policy, "--verdicts", verdicts, "--to", format!("json@file:{}", alerts.display())]}});
    sandbox.file("hooks/gate.json", hook.to_string());
    let podman = |arguments: &[&str]| {
        let mut command = Command::new("podman");
        command.arg("--root").arg(sandbox.path("root")).arg("--runroot").arg(sandbox.path("run"));
        command.args(["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--hooks-dir"]);
        command.arg(sandbox.path("hooks")).args(arguments).output().unwrap()
    };
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
        let before = ["run", "--network", "none", "-v", &volume];
        let output = podman(
            &[&before[..], options, &[image, "/bin/sh", "-c", "echo ran > /out/trace"]].concat(),
        );
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
        "json@file:/dev/null",
    ];
    for (more, code) in [
        (&["--enforce"][..], Some(2)),
        (&["--enforce", "--when-broken", "allow"], Some(0)),
        (&[], Some(0)),
    ] {
        assert_eq!(sandbox.run(&[&base[..], more].concat()).code, code, "{more:?}");
    }
}
