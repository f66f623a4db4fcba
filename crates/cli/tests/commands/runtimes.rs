//! The guard on containers of Podman, whose service does not run, and of containerd: who they are, what
//! is told of them, what is refused, and what responses do.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Containerd, ImageBuilder, LayerBuilder, PodmanCommand, TarBuilder, skip};

use crate::guard::Guard;
use crate::run::{Ended, Sandbox};

const IMAGE: &str = "localhost/lazaret-runtimes:1";
const PATIENCE: Duration = Duration::from_secs(30);

const POLICY: &str = "
version: 1
prevent:
  - {id: foreign, refuse: execute-foreign, scope: {containers: [lzr-held]}, mode: enforce}
  - {id: inwards, refuse: connect, networks: [127.0.0.0/8], scope: {containers: [lzr-held]}, mode: enforce}
";

/// A copy of busybox is no file of the image; port 9 has nobody.
const DEEDS: &str = "cat /etc/shadow > /dev/null; /bin/busybox cp /bin/busybox /true; \
                     /true && echo ran; /bin/busybox nc -w 1 127.0.0.1 9 < /dev/null 2>&1; true";
/// Longer than the test takes; ends when it is told to.
const WAIT: &str = "trap exit TERM; while :; do sleep 1; done";
const CONTAINERS: [&str; 2] = ["lzr-held", "lzr-free"];

/// What can be asked of either.
trait Runtime {
    const NAME: &'static str;
    fn load(&self, sandbox: &Sandbox, image: &ImageBuilder);
    fn begin(&self, name: &str, script: &str);
    fn exec(&self, name: &str, script: &str) -> String;
    /// Whether it says that the container runs.
    fn runs(&self, name: &str) -> bool;
    fn remove(&self, name: &str);
    /// Where the guard finds it.
    fn environment(&self) -> (&'static str, String);
}

impl Runtime for PodmanCommand {
    const NAME: &'static str = "podman";

    fn load(&self, sandbox: &Sandbox, image: &ImageBuilder) {
        let archive = sandbox.file("image.tar", image.old_docker_archive());
        self.podman(&["load", "--quiet", "--input", &archive]);
    }

    fn begin(&self, name: &str, script: &str) {
        let with = ["run", "--detach", "--network", "none", "--name", name, IMAGE, "sh", "-c"];
        self.podman(&[&with[..], &[script]].concat());
    }

    fn exec(&self, name: &str, script: &str) -> String {
        self.podman(&["exec", name, "sh", "-c", script])
    }

    fn runs(&self, name: &str) -> bool {
        let filter = format!("name={name}");
        !self.podman(&["ps", "--quiet", "--filter", &filter]).is_empty()
    }

    fn remove(&self, name: &str) {
        self.podman(&["rm", "--force", "--ignore", "--time", "0", name]);
    }

    /// Nowhere: it has no service.
    fn environment(&self) -> (&'static str, String) {
        ("CONTAINER_HOST", "unix:///nonexistent/podman.sock".to_owned())
    }
}

impl Runtime for Containerd {
    const NAME: &'static str = "containerd";

    fn load(&self, sandbox: &Sandbox, image: &ImageBuilder) {
        let archive = sandbox.file("image.tar", image.oci_archive());
        self.ctr(&["images", "import", "--base-name", "localhost/lazaret-runtimes", &archive]);
    }

    fn begin(&self, name: &str, script: &str) {
        self.ctr(&["run", "--detach", IMAGE, name, "sh", "-c", script]);
    }

    fn exec(&self, name: &str, script: &str) -> String {
        self.ctr(&["task", "exec", "--exec-id", "deeds", name, "sh", "-c", script])
    }

    fn runs(&self, name: &str) -> bool {
        let tasks = self.ctr(&["task", "list"]);
        tasks.lines().any(|line| line.starts_with(name) && line.ends_with("RUNNING"))
    }

    fn remove(&self, name: &str) {
        self.ctr(&["task", "delete", "--force", name]);
        self.ctr(&["container", "delete", name]);
    }

    fn environment(&self) -> (&'static str, String) {
        ("CONTAINERD_ADDRESS", self.socket().display().to_string())
    }
}

#[test]
fn podman_without_its_service_is_guarded() {
    if let Some(podman) = PodmanCommand::ready() {
        for name in CONTAINERS {
            podman.remove(name);
        }
        guard_holds(&podman);
        podman.podman(&["image", "rm", "--force", IMAGE]);
    }
}

#[test]
fn containerd_is_guarded() {
    if let Some(containerd) = Containerd::start() {
        guard_holds(&containerd);
    }
}

fn guard_holds<R: Runtime>(runtime: &R) {
    let sandbox = Sandbox::new();
    let Some(image) = make_image() else { return };
    runtime.load(&sandbox, &image);
    let policy = sandbox.file("guard.yaml", POLICY);
    let state = sandbox.path("state").display().to_string();
    let to = format!("json@file:{}", sandbox.path("alerts.json").display());
    let arguments = ["guard", "--merge-window", "0", "--policy", &policy, "--enforce"];
    let places = ["--state", &state, "--to", &to];
    let (variable, value) = runtime.environment();
    let arguments = [&arguments[..], &places].concat();
    let mut guard = Guard::start_with(sandbox, (variable, &value), &arguments);
    for name in CONTAINERS {
        runtime.begin(name, WAIT);
    }
    // From when its runtime has described it.
    let begun = Instant::now();
    let mut held = runtime.exec("lzr-held", DEEDS);
    while held.contains("ran") && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(200));
        held = runtime.exec("lzr-held", DEEDS);
    }
    let free = runtime.exec("lzr-free", DEEDS);
    respond(runtime, &guard, &state, (variable, &value));
    let said = guard.said();
    let alerts = guard.end();
    for name in CONTAINERS {
        runtime.remove(name);
    }
    assert!(!held.contains("ran") && held.contains("not permitted"), "{held}\n{said}");
    assert!(free.contains("ran") && free.contains("refused"), "{free}\n{said}");
    check_alerts::<R>(&alerts);
}

/// Nothing but what was done is told, with who it was.
fn check_alerts<R: Runtime>(alerts: &[Value]) {
    let of = |name: &'static str| alerts.iter().filter(move |it| it["container"]["name"] == name);
    let free: BTreeSet<&str> = of("lzr-free").filter_map(|it| it["rule"].as_str()).collect();
    let expected = BTreeSet::from(["credentials-password-file", "execution-drift"]);
    assert_eq!(free, expected, "{alerts:#?}");
    for alert in of("lzr-free").chain(of("lzr-held")) {
        assert_eq!(alert["container"]["runtime"], R::NAME, "{alert:#}");
        assert_eq!(alert["container"]["image"], IMAGE, "{alert:#}");
        let digest = alert["container"]["image_digest"].as_str().unwrap_or_default();
        assert!(digest.starts_with("sha256:"), "{alert:#}");
    }
    for (prevention, object) in [("foreign", "/true"), ("inwards", "127.0.0.1:9")] {
        let mut told = alerts.iter().filter(|it| it["fields"]["prevention"] == prevention);
        let first = told.clone().next();
        assert!(first.is_some(), "{prevention}: {alerts:#?}");
        assert!(told.all(|it| {
            it["container"]["name"] == "lzr-held"
                && it["fields"]["prevention.object"] == object
                && it["blocked"] == true
        }));
    }
}

/// Each response, and what the container shows of it.
fn respond<R: Runtime>(runtime: &R, guard: &Guard, state: &str, variable: (&str, &str)) {
    let respond = |arguments: &[&str]| {
        let ended = run(&guard.sandbox, state, variable, arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
        ended.stdout
    };
    assert!(respond(&["pause", "lzr-free"]).contains("frozen"));
    assert!(respond(&["resume", "lzr-free"]).contains("runs again"));
    assert!(respond(&["isolate", "lzr-free"]).contains("cut from every network"));
    assert!(respond(&["unisolate", "lzr-free"]).contains("its network again"));
    let sealed = respond(&["quarantine", "lzr-free:/true"]);
    assert!(!runtime.exec("lzr-free", "ls /").contains("true"), "{sealed}");
    let id = sealed.split(' ').next().unwrap_or_default();
    respond(&["restore", id]);
    assert!(runtime.exec("lzr-free", "ls /").contains("true"), "{sealed}");
    let stopped = respond(&["stop", "lzr-free"]);
    let is_asked = stopped.contains("stopped by its runtime");
    assert_eq!(is_asked, R::NAME == "podman", "{stopped}");
    assert!(respond(&["kill", "lzr-held"]).contains("killed"));
    let begun = Instant::now();
    while CONTAINERS.iter().any(|name| runtime.runs(name)) {
        assert!(begun.elapsed() < PATIENCE, "{stopped}");
        thread::sleep(Duration::from_millis(100));
    }
}

fn run(
    sandbox: &Sandbox,
    state: &str,
    (variable, value): (&str, &str),
    arguments: &[&str],
) -> Ended {
    let whole = [&["respond", "--state", state], arguments].concat();
    let output = sandbox.command(&whole).env(variable, value).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// Of nothing but busybox and a few files.
fn make_image() -> Option<ImageBuilder> {
    let Ok(busybox) = std::fs::read("/bin/busybox") else {
        skip("busybox-static is not installed");
        return None;
    };
    let mut tar = TarBuilder::new()
        .executable("bin/busybox", &busybox)
        .file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
        .file("etc/group", "root:x:0:\n")
        .file("etc/shadow", "root:*:1:0:99999:7:::\n");
    for name in ["sh", "cat", "ls", "sleep"] {
        tar = tar.symlink(&format!("bin/{name}"), "busybox");
    }
    Some(ImageBuilder::new(IMAGE).layer(LayerBuilder::plain(tar)))
}
