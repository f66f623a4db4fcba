//! A container of its own for each test, and a state folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use model::Response;
use respond::{Entry, Order, Refusal, Responder, Target};
use sensor::containers::Places;
use tempfile::TempDir;
use testkit::Docker;

const IMAGE: &str = "lazaret-respond:1";
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// One that runs a shell script; removed when dropped.
pub(crate) struct Container {
    docker: Docker,
    pub(crate) name: String,
    pub(crate) id: String,
    state: TempDir,
}

impl Container {
    /// None, said, where there is no Docker.
    pub(crate) fn run(options: &[&str], script: &str) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        if !testkit::installed("busybox") {
            return None;
        }
        let docker = Docker::ready()?;
        make_image(&docker);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("resp-{}-{number}", std::process::id());
        let mut arguments = vec!["run", "--detach", "--name", &name];
        arguments.extend(options);
        arguments.extend([IMAGE, "sh", "-c", script]);
        let id = docker.docker(&arguments);
        let state = tempfile::tempdir().expect("a folder");
        Some(Self { docker, name, id, state })
    }

    pub(crate) fn target(&self) -> Target {
        Target::Container(self.name.clone())
    }

    pub(crate) fn file(&self, path: &str) -> Target {
        Target::File { container: Some(self.name.clone()), path: path.into(), told: None }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.state.path().join("state")
    }

    pub(crate) fn responder(&self) -> Responder {
        responder(&self.state(), self.docker.socket())
    }

    pub(crate) fn act(&self, response: Response, target: &Target) -> Result<Entry, Refusal> {
        self.responder().act(response, target, &order())
    }

    pub(crate) fn undo(&self, entry: &Entry) -> Result<Entry, Refusal> {
        self.responder().undo(entry.id, "a test")
    }

    pub(crate) fn socket(&self) -> &Path {
        self.docker.socket()
    }

    pub(crate) fn docker(&self, arguments: &[&str]) -> String {
        self.docker.docker(arguments)
    }

    pub(crate) fn exec(&self, command: &[&str]) -> Output {
        let mut docker = Command::new("docker");
        docker.arg("--host").arg(format!("unix://{}", self.docker.socket().display()));
        docker.arg("exec").arg(&self.name).args(command);
        docker.output().expect("docker runs")
    }

    /// A field of `docker inspect`.
    pub(crate) fn told(&self, field: &str) -> String {
        self.docker(&["inspect", "--format", &format!("{{{{{field}}}}}"), &self.name])
    }

    /// Its first process, as the host numbers it.
    pub(crate) fn pid(&self) -> u32 {
        self.told(".State.Pid").parse().expect("a number")
    }

    /// All of its processes, as the host numbers them.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let top = self.docker(&["top", &self.name, "-o", "pid"]);
        top.lines().filter_map(|line| line.trim().parse().ok()).collect()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        self.docker(&["rm", "--force", "--volumes", &self.name]);
    }
}

pub(crate) fn responder(state: &Path, socket: &Path) -> Responder {
    let places = Places { docker: vec![socket.to_owned()], ..Places::default() };
    Responder::open(state, places).expect("a state folder")
}

pub(crate) fn order() -> Order {
    Order { why: "a test".to_owned(), who: "a test".to_owned(), ..Order::default() }
}

pub(crate) fn until(said: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "{said}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub(crate) fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// One program in it. Several tests may make it at once: they make the same.
fn make_image(docker: &Docker) {
    if docker.docker(&["images", "--quiet", IMAGE]).is_empty() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("root");
        std::fs::create_dir_all(root.join("bin")).expect("a folder");
        std::fs::create_dir_all(root.join("tmp")).expect("a folder");
        testkit::run("cp", &["/bin/busybox", &root.join("bin/busybox").display().to_string()]);
        for name in ["sh", "sleep", "nc", "timeout", "setsid", "cat", "echo", "ln", "chmod", "true"]
        {
            std::os::unix::fs::symlink("busybox", root.join("bin").join(name)).expect("a link");
        }
        let archive = folder.path().join("image.tar").display().to_string();
        testkit::run("tar", &["-C", &root.display().to_string(), "-cf", &archive, "."]);
        docker.docker(&["import", &archive, IMAGE]);
    }
}
