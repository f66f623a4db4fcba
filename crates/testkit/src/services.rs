//! The real things, for tests that need them: Docker, containerd, Podman and the CNCF
//! distribution server, each on a socket or port of its own, in a directory of its own, stopped
//! when dropped.
//!
//! Each gives None, and says why on standard error, where its program is not installed or may not
//! be run, unless tests are strict; a program that is there and does not start is a failure of the test.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a service may take until it answers; dockerd on a busy machine takes seconds.
const START: Duration = Duration::from_secs(60);
/// How long it may take to end.
const END: Duration = Duration::from_secs(20);

/// A process that is stopped, and a directory that is removed, when dropped.
struct Service {
    child: Child,
    directory: Option<TempDir>,
}

impl Service {
    /// Starts `command` with its output in a log, and waits until `answers` says that it is up.
    fn start(mut command: Command, directory: TempDir, answers: impl Fn() -> bool) -> Self {
        let log_path = directory.path().join("log");
        let log = File::create(&log_path).expect("a temporary directory can be written to");
        let errors = log.try_clone().expect("a file can be shared");
        let child = command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn();
        let mut child = child.expect("an installed program starts");
        let begun = Instant::now();
        while !answers() {
            let ended = child.try_wait().expect("a child can be asked").is_some();
            let log = || fs::read_to_string(&log_path).unwrap_or_default();
            assert!(!ended, "{:?} ended:\n{}", command.get_program(), log());
            let late = begun.elapsed() > START;
            assert!(!late, "{:?} does not come up:\n{}", command.get_program(), log());
            thread::sleep(Duration::from_millis(50));
        }
        Self { child, directory: Some(directory) }
    }

    fn path(&self) -> &Path {
        self.directory.as_ref().expect("it is there until the service ends").path()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        // Daemons have mounts to undo, so they are asked first.
        let _ended = Command::new("kill").arg(&pid).status();
        let begun = Instant::now();
        while begun.elapsed() < END && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(20));
        }
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
        let Some(directory) = self.directory.take() else { return };
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let below = mounts.lines().filter_map(|line| line.split(' ').nth(1));
        for mount in below.filter(|mount| Path::new(mount).starts_with(directory.path())) {
            let _undone = Command::new("umount").args(["-l", mount]).status();
        }
    }
}

/// A Docker daemon: the one that runs, or else one of our own.
pub struct Docker {
    socket: PathBuf,
    _own: Option<Service>,
}

impl Docker {
    pub fn ready() -> Option<Self> {
        let usual = PathBuf::from("/var/run/docker.sock");
        if installed("docker") && docker(&usual, &["version"]).is_ok_and(|it| it.status.success()) {
            return Some(Self { socket: usual, _own: None });
        }
        if !(usable("dockerd") && usable("docker") && usable("containerd")) {
            return None;
        }
        Self::own(&[], |_| ())
    }

    /// One of our own beside any other, which asks the authorisation plugin of that name; `prepare`
    /// is told its socket before it starts, for it answers nobody while the plugin does not.
    pub fn with_plugin(name: &str, prepare: impl FnOnce(&Path)) -> Option<Self> {
        if !(usable("dockerd") && usable("docker") && usable("containerd")) {
            return None;
        }
        let apart =
            ["--containerd-namespace", name, "--containerd-plugins-namespace", "lz-plugins"];
        Self::own(&[&apart[..], &["--authorization-plugin", name]].concat(), prepare)
    }

    fn own(arguments: &[&str], prepare: impl FnOnce(&Path)) -> Option<Self> {
        let directory = directory();
        let root = directory.path();
        let socket = root.join("docker.sock");
        prepare(&socket);
        // In a network of its own: without a bridge it takes away that of any other daemon.
        let mut command = Command::new("unshare");
        command.args(["--net", "--", "dockerd"]);
        command.arg("--host").arg(format!("unix://{}", socket.display()));
        command.arg("--data-root").arg(root.join("data"));
        command.arg("--exec-root").arg(root.join("exec"));
        command.arg("--pidfile").arg(root.join("pid"));
        command.args(["--bridge", "none", "--iptables=false"]).args(arguments);
        let up = |socket: &Path| docker(socket, &["version"]).is_ok_and(|it| it.status.success());
        let service = Service::start(command, directory, || up(&socket));
        Some(Self { socket, _own: Some(service) })
    }

    /// Runs `docker` with these arguments, however it ends.
    pub fn output(&self, arguments: &[&str]) -> Output {
        docker(&self.socket, arguments).expect("an installed program runs")
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Runs `docker` with these arguments and gives what it writes.
    pub fn docker(&self, arguments: &[&str]) -> String {
        written(docker(&self.socket, arguments), "docker", arguments)
    }
}

fn docker(socket: &Path, arguments: &[&str]) -> std::io::Result<Output> {
    Command::new("docker")
        .arg("--host")
        .arg(format!("unix://{}", socket.display()))
        .args(arguments)
        .output()
}

/// A containerd without CRI.
pub struct Containerd {
    service: Service,
}

impl Containerd {
    pub fn start() -> Option<Self> {
        if !(usable("containerd") && usable("ctr")) {
            return None;
        }
        let directory = directory();
        let root = directory.path().display().to_string();
        let config = format!(
            "version = 2\nroot = \"{root}/root\"\nstate = \"{root}\"\n\
             disabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n\
             [grpc]\naddress = \"{root}/containerd.sock\"\n"
        );
        let path = directory.path().join("config.toml");
        fs::write(&path, config).expect("a temporary directory can be written to");
        let mut command = Command::new("containerd");
        command.arg("--config").arg(path);
        let socket = directory.path().join("containerd.sock");
        let up = || ctr(&socket, &["version"]).is_ok_and(|output| output.status.success());
        Some(Self { service: Service::start(command, directory, up) })
    }

    /// Where it keeps its store.
    pub fn root(&self) -> PathBuf {
        self.service.path().join("root")
    }

    pub fn socket(&self) -> PathBuf {
        self.service.path().join("containerd.sock")
    }

    /// Runs `ctr` with these arguments and gives what it writes.
    pub fn ctr(&self, arguments: &[&str]) -> String {
        written(ctr(&self.socket(), arguments), "ctr", arguments)
    }
}

fn ctr(socket: &Path, arguments: &[&str]) -> std::io::Result<Output> {
    Command::new("ctr").arg("--address").arg(socket).args(arguments).output()
}

/// Podman's API service.
pub struct Podman {
    service: Service,
}

impl Podman {
    pub fn start() -> Option<Self> {
        if !usable("podman") {
            return None;
        }
        let directory = directory();
        let socket = directory.path().join("podman.sock");
        let mut command = podman(directory.path());
        command.args(["system", "service", "--time", "0"]);
        command.arg(format!("unix://{}", socket.display()));
        Some(Self { service: Service::start(command, directory, || socket.exists()) })
    }

    pub fn socket(&self) -> PathBuf {
        self.service.path().join("podman.sock")
    }

    /// Runs `podman` with these arguments and gives what it writes.
    pub fn podman(&self, arguments: &[&str]) -> String {
        let output = podman(self.service.path()).args(arguments).output();
        written(output, "podman", arguments)
    }
}

/// The host's own Podman, as it is installed: without a service.
pub struct PodmanCommand {
    directory: TempDir,
}

impl PodmanCommand {
    pub fn ready() -> Option<Self> {
        let is_there = usable("podman") && usable("runc");
        is_there.then(|| Self { directory: directory() })
    }

    /// Runs `podman` with these arguments and gives what it writes.
    pub fn podman(&self, arguments: &[&str]) -> String {
        let mut command = podman_program(self.directory.path());
        command.args(["--cgroup-manager", "cgroupfs"]);
        written(command.args(arguments).output(), "podman", arguments)
    }
}

/// Podman asks for more open files than a test machine may allow.
const PODMAN: &str =
    "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n";

fn podman(directory: &Path) -> Command {
    let mut command = podman_program(directory);
    command.arg("--root").arg(directory.join("root"));
    command.arg("--runroot").arg(directory.join("run"));
    command.args(["--storage-driver", "overlay", "--cgroup-manager", "cgroupfs"]);
    command
}

fn podman_program(directory: &Path) -> Command {
    let settings = directory.join("containers.conf");
    if !settings.exists() {
        fs::write(&settings, PODMAN).expect("a temporary directory can be written to");
    }
    let mut command = Command::new("podman");
    // crun does not start on hybrid control groups.
    command.env("CONTAINERS_CONF", settings).args(["--runtime", "runc"]);
    command
}

/// The CNCF distribution server.
pub struct Distribution {
    host: String,
    service: Service,
}

impl Distribution {
    /// Starts it with `more` lines of configuration. `DIR` in them is its directory, which
    /// `prepare` may fill before, and `HOST` its address.
    pub fn start(more: &str, prepare: impl Fn(&Path)) -> Option<Self> {
        if !installed("docker-registry") {
            return None;
        }
        let directory = directory();
        prepare(directory.path());
        let host = format!("127.0.0.1:{}", free_port());
        let root = directory.path().display().to_string();
        let config = format!(
            "version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    \
             rootdirectory: DIR/store\nhttp:\n  addr: HOST\n{more}"
        );
        let config = config.replace("DIR", &root).replace("HOST", &host);
        let path = directory.path().join("config.yml");
        fs::write(&path, config).expect("a temporary directory can be written to");
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(path);
        let up = || std::net::TcpStream::connect(&host).is_ok();
        let service = Service::start(command, directory, up);
        Some(Self { host, service })
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn directory(&self) -> &Path {
        self.service.path()
    }
}

/// Runs a program that must succeed, and gives what it writes.
pub fn run(program: &str, arguments: &[&str]) -> String {
    written(Command::new(program).args(arguments).output(), program, arguments)
}

fn written(output: std::io::Result<Output>, program: &str, arguments: &[&str]) -> String {
    let output = output.expect("an installed program runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?} failed:\n{errors}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Whether a program is installed and may be used as it wants to be: these daemons want root.
fn usable(program: &str) -> bool {
    let root =
        fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0);
    if !root {
        skip(&format!("{program} wants root"));
    }
    root && installed(program)
}

/// Whether a program is installed.
pub fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|directory| directory.join(program).is_file());
    if !found {
        skip(&format!("{program} is not installed"));
    }
    found
}

/// Says what is not tested because a program or a right is missing. Where all of it should be there
/// (`LAZARET_TESTS=strict`, as `cargo xtask test` runs the tests as root) that is a failure.
pub fn skip(why: &str) {
    let is_strict = std::env::var_os("LAZARET_TESTS").is_some_and(|value| value == "strict");
    assert!(!is_strict, "{why}, and LAZARET_TESTS=strict\nhint: `cargo xtask test install`");
    lack(why);
}

/// Says what is not tested because data are missing that not everybody has.
#[expect(clippy::print_stderr, reason = "whoever reads the tests has to see what was not tested")]
pub fn lack(why: &str) {
    eprintln!("skipped: {why}");
}

/// Short, for the names of sockets are no longer than 107 bytes.
fn directory() -> TempDir {
    tempfile::Builder::new().prefix("lz").tempdir_in("/tmp").expect("/tmp can be written to")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback has a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}
