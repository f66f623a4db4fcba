//! The gate in front of a Docker daemon of its own.
//!
//! An image that must not start writes a file as its first deed: where there is none, nothing ran.

#![expect(clippy::unwrap_used, reason = "what these helpers unwrap is the test's own doing")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gate::docker::{Answer, Reader, Request, Server};
use gate::{Decided, Judge, Judged, Verdicts};
use jiff::civil::Date;
use model::{Decision, Digest, Hit, Reason, Verdict};
use policy::guard::start::StartPolicy;
use tempfile::TempDir;
use testkit::{Docker, TarBuilder, skip};

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
const PATIENCE: Duration = Duration::from_secs(60);
const TODAY: Date = Date::constant(2026, 3, 1);

/// A gate in front of a daemon.
struct Gated {
    docker: Docker,
    folder: TempDir,
    plugin: PathBuf,
    gate: Option<Server>,
    told: Arc<Mutex<Vec<Decided>>>,
}

impl Gated {
    fn start(name: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("verdicts")).unwrap();
        fs::create_dir(folder.path().join("out")).unwrap();
        let name = format!("lz{name}{}", std::process::id());
        let plugin = PathBuf::from(format!("/run/docker/plugins/{name}.sock"));
        let told = Arc::default();
        let mut gate = None;
        let docker = Docker::with_plugin(&name, |socket| {
            gate = Some(serve(folder.path(), &plugin, socket, &told));
        })?;
        Some(Self { docker, folder, plugin, gate, told })
    }

    fn make_images(&self, names: &[&str]) -> Option<()> {
        let Ok(busybox) = fs::read("/bin/busybox") else {
            skip("busybox-static is not installed");
            return None;
        };
        let tar = TarBuilder::new().executable("bin/busybox", &busybox);
        let tar = tar.symlink("bin/sh", "busybox").symlink("bin/sleep", "busybox");
        let tar = tar.symlink("bin/true", "busybox").finish();
        let archive = self.folder.path().join("image.tar");
        fs::write(&archive, tar).unwrap();
        for name in names {
            // Each has a digest of its own.
            let label = format!("LABEL name={name}");
            let archive = archive.display().to_string();
            self.docker.docker(&["import", "--change", &label, &archive, name]);
        }
        Some(())
    }

    fn keep(&self, image: &str, decision: Decision) {
        let id = self.docker.docker(&["image", "inspect", "--format", "{{.Id}}", image]);
        let hit = Hit {
            id: "CVE-2023-0286".to_owned(),
            place: "openssl 3.0.2".to_owned(),
            severity: None,
        };
        let reason = Reason {
            rule: "no-critical".to_owned(),
            decision,
            hits: vec![hit; 3],
            remedies: vec!["upgrade openssl to 3.0.8".to_owned()],
            ..Reason::default()
        };
        let verdict = Verdict {
            decision,
            policy: "images".to_owned(),
            reasons: vec![reason],
            ..Verdict::default()
        };
        let judged = Judged::new(&verdict, image, true, TODAY);
        let id: Digest = id.parse().unwrap();
        Verdicts::at(&self.folder.path().join("verdicts")).keep(&judged, [&id]).unwrap();
    }

    /// Has an image do something that can be seen, with these options.
    fn run_image(&self, options: &[&str], image: &str) -> (Output, bool) {
        let out = self.folder.path().join("out");
        let trace = out.join("trace");
        drop(fs::remove_file(&trace));
        let volume = format!("{}:/out", out.display());
        let before = ["run", "--rm", "--network", "none", "-v", &volume];
        let after = [image, "sh", "-c", "echo ran > /out/trace"];
        let output = self.docker.output(&[&before[..], options, &after].concat());
        (output, trace.exists())
    }

    /// A request as anybody may write it, and the answer.
    fn ask(&self, request: &str) -> String {
        let mut stream = UnixStream::connect(self.docker.socket()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        drop(stream.write_all(request.as_bytes()));
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn again(&mut self) {
        let socket = self.docker.socket();
        self.gate = Some(serve(self.folder.path(), &self.plugin, socket, &self.told));
    }
}

impl Drop for Gated {
    fn drop(&mut self) {
        let ids = self.docker.output(&["ps", "-aq"]);
        for id in String::from_utf8_lossy(&ids.stdout).lines() {
            self.docker.output(&["rm", "-f", id]);
        }
    }
}

fn serve(folder: &Path, plugin: &Path, socket: &Path, told: &Arc<Mutex<Vec<Decided>>>) -> Server {
    let policy = StartPolicy::parse(GATE, "gate.yaml", &mut |_| Err(String::new())).unwrap();
    let verdicts = Verdicts::at(&folder.join("verdicts"));
    let judge = Judge { policy, verdicts, enforce: true, closed: true };
    let reader = Reader::new(socket.to_owned());
    let told = Arc::clone(told);
    let decide = move |bytes: &[u8], _: &dyn Fn(Duration)| {
        let request = Request::parse(bytes).unwrap();
        let decided = match reader.wanted(&request) {
            Ok(None) => return Answer::Allow,
            Ok(Some(wanted)) => judge.judge(Ok(wanted), TODAY, None),
            Err(why) => judge.judge(Err(why), TODAY, None),
        };
        let answer = match decided.refused {
            true => Answer::Refuse(decided.lines.join("\n  ")),
            false => Answer::Allow,
        };
        if decided.told {
            told.lock().unwrap().push(decided);
        }
        answer
    };
    Server::start(plugin, PATIENCE, decide, || Answer::Refuse("late".to_owned())).unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn what_the_policy_denies_does_not_start_in_docker() {
    let Some(gated) = Gated::start("gate") else { return };
    let names = ["denied:1", "good:1", "hurried:1", "strange:1"];
    if gated.make_images(&names).is_none() {
        return;
    }
    gated.keep("denied:1", Decision::Deny);
    gated.keep("good:1", Decision::Allow);
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
    let told = gated.told.lock().unwrap();
    assert!(told.iter().filter(|it| it.refused).count() >= 9, "{told:#?}");
    let image = |it: &Decided| it.container.image.as_ref().map(|image| image.reference.clone());
    let heard = told.iter().find(|it| image(it).as_deref() == Some("hurried:1")).unwrap();
    assert!(!heard.refused && heard.lines[1].starts_with("image unscanned: alert"), "{heard:#?}");
}

#[test]
fn nobody_gets_around_the_gate_of_docker() {
    let Some(gated) = Gated::start("way") else { return };
    if gated.make_images(&["good:1"]).is_none() {
        return;
    }
    gated.keep("good:1", Decision::Allow);
    let docker = &gated.docker;
    // Made while it was allowed, started when it is not.
    docker.docker(&["create", "--name", "early", "--network", "none", "good:1", "sleep", "60"]);
    docker.docker(&["run", "-d", "--name", "runs", "--network", "none", "good:1", "sleep", "60"]);
    gated.keep("good:1", Decision::Deny);
    for verb in ["start", "restart"] {
        let output = docker.output(&[verb, "early"]);
        assert!(said(&output).contains("image denied"), "{}", said(&output));
    }
    gated.keep("good:1", Decision::Allow);
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
    if gated.make_images(&["good:1"]).is_none() {
        return;
    }
    gated.keep("good:1", Decision::Allow);
    drop(gated.gate.take());
    let (output, ran) = gated.run_image(&[], "good:1");
    let why = said(&output);
    assert!(!ran && why.contains("500 Internal Server Error"), "{why}");
    let answer = gated.ask("GET /v1.41/info HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n");
    assert!(answer.contains("failed with error") && answer.contains("dial unix"), "{answer}");
    gated.again();
    let (output, ran) = gated.run_image(&[], "good:1");
    assert!(ran, "{}", said(&output));
}
