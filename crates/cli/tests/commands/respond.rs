//! `lazaret respond`: whole commands on processes, files and containers of this host. What was done is
//! looked at by other means.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::{Docker, run, skip};

use crate::guard::make_image;
use crate::run::{Ended, Sandbox};

const PATIENCE: Duration = Duration::from_secs(30);
/// What the sandbox's clock shows, and ten minutes and a second later.
const NOW: &str = "1767225600";
const LATER: &str = "1767226201";

/// A sandbox with a journal in it, and where Docker listens.
struct Bench(Sandbox, String);

impl Bench {
    /// None, said, where nobody may respond.
    fn new() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            skip("responses want root");
            return None;
        }
        Some(Self(Sandbox::new(), String::new()))
    }

    fn with(docker: &Docker) -> Option<Self> {
        let Self(sandbox, _) = Self::new()?;
        Some(Self(sandbox, format!("unix://{}", docker.socket().display())))
    }

    fn respond(&self, arguments: &[&str]) -> Ended {
        self.respond_at(NOW, arguments)
    }

    fn respond_at(&self, now: &str, arguments: &[&str]) -> Ended {
        let mut command = self.0.command(&["respond", "--state", "state"]);
        command.args(arguments).env("SOURCE_DATE_EPOCH", now);
        if !self.1.is_empty() {
            command.env("DOCKER_HOST", &self.1);
        }
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ended {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// It is done, and this is what it says.
    fn done(&self, arguments: &[&str]) -> String {
        let ended = self.respond(arguments);
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{arguments:?}: {ended:?}");
        ended.stdout
    }

    /// It is not done, and says so, with a hint.
    fn refused(&self, arguments: &[&str], code: i32, words: &str) {
        let ended = self.respond(arguments);
        assert_eq!((ended.code, &*ended.stdout), (Some(code), ""), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(words), "{arguments:?}: {ended:?}");
    }

    fn list(&self, arguments: &[&str]) -> Vec<Value> {
        let text = self.done(&[&["list", "--format", "json"], arguments].concat());
        serde_json::from_str(&text).unwrap()
    }

    /// Ids and states.
    fn states(&self, arguments: &[&str]) -> Vec<(String, String)> {
        let listed = self.list(arguments);
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
        listed.iter().map(|entry| (text(entry, "id"), text(entry, "state"))).collect()
    }
}

fn states(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(id, state)| ((*id).to_owned(), (*state).to_owned())).collect()
}

/// Killed when dropped.
struct Process(Child);

impl Process {
    fn start(program: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        Self(command.args(arguments).stdout(Stdio::null()).spawn().unwrap())
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }

    fn runs(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _killed = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// A container of its own, removed when dropped.
struct Container<'a> {
    docker: &'a Docker,
    name: &'static str,
}

impl<'a> Container<'a> {
    fn start(bench: &Bench, docker: &'a Docker, name: &'static str, script: &str) -> Option<Self> {
        make_image(&bench.0, docker, "guarded:mend")?;
        let with = ["run", "-d", "--network", "none", "--name", name, "guarded:mend", "sh", "-c"];
        docker.docker(&[&with[..], &[script]].concat());
        Some(Self { docker, name })
    }

    fn told(&self, field: &str) -> String {
        self.docker.docker(&["inspect", "--format", &format!("{{{{{field}}}}}"), self.name])
    }

    fn pid(&self) -> String {
        self.told(".State.Pid")
    }

    /// As the kernel says of its first process, whoever froze it.
    fn is_frozen(&self) -> bool {
        let pid = self.pid();
        let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
        groups.lines().any(|line| {
            let path = line.rsplit(':').next().unwrap_or_default();
            let states = [
                format!("/sys/fs/cgroup/freezer{path}/freezer.state"),
                format!("/sys/fs/cgroup{path}/cgroup.freeze"),
            ];
            let frozen = |file: &String| {
                let state = std::fs::read_to_string(file).unwrap_or_default();
                matches!(state.trim(), "FROZEN" | "1")
            };
            states.iter().any(frozen)
        })
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        self.docker.docker(&["rm", "-f", self.name]);
    }
}

fn until(said: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{said}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_is_not_there_is_said_with_its_code() {
    let Some(bench) = Bench::new() else { return };
    assert_eq!(bench.list(&[]), [] as [Value; 0]);
    assert!(bench.done(&["list"]).starts_with("ID"));
    assert_eq!(bench.done(&["expire"]), "");
    for verb in ["undo", "finish", "restore"] {
        bench.refused(&[verb, "r7"], 10, "there is no response `r7`");
        bench.refused(&[verb, "x"], 2, "`x` is no id (want `r12`)");
    }
    bench.refused(&["restore", "r7", "--to", "copy"], 10, "there is no response `r7`");
    bench.refused(&["resume", "nobody"], 10, "container paused by us");
    bench.refused(&["unisolate", "nobody"], 10, "isolated container");
    bench.refused(&["kill", "999999999"], 10, "there is no process `999999999`");
    bench.refused(&["pause", "mend-nobody"], 10, "there is no running container `mend-nobody`");
    bench.refused(&["quarantine", "relative"], 2, "want /PATH or CONTAINER:/PATH");
    bench.refused(&["quarantine", "/nonexistent/file"], 10, "there is no file");
    assert_eq!(bench.list(&[]), [] as [Value; 0], "nothing was begun");
}

#[test]
fn without_root_nothing_is_done() {
    let Some(bench) = Bench::new() else { return };
    let mut victim = Process::start("sleep", &["1000"]);
    bench.done(&["list"]);
    let state = bench.0.path("own");
    std::fs::create_dir(&state).unwrap();
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o700)).unwrap();
    chown(&state, Some(65_534), Some(65_534)).unwrap();
    std::fs::set_permissions(bench.0.dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    // Where the binary lies, others may have no way to.
    let lazaret = bench.0.path("lazaret");
    std::fs::copy(env!("CARGO_BIN_EXE_lazaret"), &lazaret).unwrap();
    for (state, words) in [("state", "state folder"), ("own", "")] {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&lazaret);
        command.args(["respond", "--state", state, "kill", &victim.pid()]);
        let ended = command.current_dir(bench.0.dir.path()).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(31), "{said}");
        assert!(said.contains(words), "{said}");
        assert!(victim.runs());
    }
}

#[test]
fn a_tree_is_killed_and_the_host_is_protected() {
    let Some(bench) = Bench::new() else { return };
    let mut victim = Process::start("sh", &["-c", "sleep 1000 & (sleep 1000 & sleep 1000) & wait"]);
    let mut other = Process::start("sleep", &["1000"]);
    let pid = victim.pid();
    let below = || run("ps", &["-o", "pid=", "--ppid", &pid]).split_whitespace().count();
    until("it forked", || below() == 2);
    let said = bench.done(&["kill", &pid, "--why", "a test"]);
    assert!(said.starts_with(&format!("r1 kill sh {pid}")) && said.contains("killed"), "{said}");
    assert!(!victim.runs() && other.runs());
    let listed = bench.list(&[]);
    let [entry] = listed.as_slice() else { unreachable!("{listed:?}") };
    assert_eq!((&entry["state"], &entry["why"]), (&"done".into(), &"a test".into()));
    assert_eq!(entry["who"].as_str().map(|who| who.starts_with("user 0")), Some(true), "{entry}");
    bench.refused(&["undo", "r1"], 2, "cannot be undone");
    bench.refused(&["kill", "1"], 1, "protected");
    bench.refused(&["kill", "2"], 1, "protected");
    bench.refused(&["kill", &std::process::id().to_string()], 1, "ourselves");
    bench.refused(&["pause", &other.pid()], 2, "cannot be done");
    assert_eq!(bench.states(&[]), states(&[("r1", "done")]), "what is refused is no response");
}

#[test]
fn a_file_goes_and_comes_back_as_it_was() {
    let Some(bench) = Bench::new() else { return };
    let content: Vec<u8> = (0..=255).cycle().take(300_001).collect();
    let path = bench.0.file("folder/evil", &content);
    chown(&path, Some(1_234), Some(4_321)).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o6711)).unwrap();
    let set = |name: &str, value: &[u8]| {
        rustix::fs::setxattr(&*path, name, value, rustix::fs::XattrFlags::empty())
    };
    let attributes: Vec<(&str, &[u8])> = [("user.a", &b"\0\x01 b"[..]), ("trusted.b", &b"c"[..])]
        .into_iter()
        .filter(|(name, value)| set(name, value).is_ok())
        .collect();
    let before = std::fs::metadata(&path).unwrap();
    let said = bench.done(&["quarantine", &path, "--for", "10m"]);
    assert!(said.contains("300001 bytes sealed away"), "{said}");
    assert!(!Path::new(&path).exists());
    let sealed = std::fs::read_dir(bench.0.path("state/quarantine")).unwrap().next().unwrap();
    let sealed = std::fs::read(sealed.unwrap().path()).unwrap();
    assert!(!sealed.windows(64).any(|window| content.starts_with(window)), "it is encrypted");
    assert_eq!(bench.done(&["restore", "r1", "--to", "copy"]), "");
    assert_eq!(std::fs::read(bench.0.path("copy")).unwrap(), content);
    assert_eq!(bench.states(&["--open"]), states(&[("r1", "active")]));

    // Another file under that name is another response; then there is no room to come back to.
    bench.0.file("folder/evil", "another");
    bench.refused(&["restore", "r1"], 31, "restore with --to FILE");
    bench.done(&["quarantine", &path]);
    assert!(!Path::new(&path).exists());
    // Only the first had a limit.
    let ended = bench.respond_at(LATER, &["list", "--open"]);
    assert!(ended.stdout.contains("overdue"), "{ended:?}");
    let ended = bench.respond_at(LATER, &["expire"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("r1 quarantine of") && ended.stdout.contains("put back"));
    let after = std::fs::metadata(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), content);
    let of = |it: &std::fs::Metadata| (it.mode(), it.uid(), it.gid(), it.mtime(), it.mtime_nsec());
    assert_eq!(of(&after), of(&before));
    for (name, value) in attributes {
        let mut found = [0; 16];
        let length = rustix::fs::getxattr(&*path, name, &mut found).unwrap();
        assert_eq!(&found[..length], value, "{name}");
    }
    bench.refused(&["undo", "r1"], 2, "nothing left of it to undo");
    assert_eq!(bench.states(&[]), states(&[("r1", "undone"), ("r2", "active")]));
}

/// Whoever brings a file names it.
#[test]
fn a_name_that_is_no_text_goes_and_comes_back() {
    let Some(bench) = Bench::new() else { return };
    let folder = bench.0.path("folder");
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join(std::ffi::OsStr::from_bytes(b"evil\xff"));
    std::fs::write(&path, "evil").unwrap();
    let mut command = bench.0.command(&["respond", "--state", "state", "quarantine"]);
    let ended = command.arg(&path).output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(!path.exists());
    bench.done(&["undo", "r1"]);
    assert_eq!(std::fs::read(&path).unwrap(), b"evil");
}

#[test]
fn a_container_is_paused_isolated_and_let_go() {
    let Some(docker) = Docker::ready() else { return };
    let Some(bench) = Bench::with(&docker) else { return };
    let Some(container) = Container::start(&bench, &docker, "mend-held", "sleep 1000") else {
        return;
    };
    assert!(!container.is_frozen());
    let said = bench.done(&["pause", "mend-held", "--for", "10m"]);
    assert!(said.starts_with("r1 pause mend-held (") && said.ends_with("): frozen\n"), "{said}");
    assert!(container.is_frozen());
    bench.refused(&["pause", "mend-held"], 1, "under pause already, by r1");
    bench.refused(&["stop", "mend-held"], 31, "it is paused");
    assert_eq!(bench.respond_at(NOW, &["expire"]).stdout, "", "not yet");
    assert!(bench.respond_at(LATER, &["expire"]).stdout.contains("runs again"));
    assert!(!container.is_frozen());
    bench.done(&["pause", &container.pid()]);
    bench.done(&["resume", "mend-held"]);
    assert!(!container.is_frozen());

    let said = bench.done(&["isolate", "mend-held", "--keep", "10.0.0.0/8", "--keep", "::1"]);
    assert!(said.contains("10.0.0.0/8"), "{said}");
    let pins =
        Path::new("/sys/fs/bpf/lazaret/isolated").join(format!("c-{}", container.told(".Id")));
    assert!(pins.join("egress").exists() && pins.join("ingress").exists());
    bench.refused(&["isolate", "mend-held", "--keep", "10.0.0.0/33"], 2, "10.0.0.0/33");
    assert!(bench.done(&["list", "--open"]).contains("isolate"));
    bench.done(&["unisolate", "mend-held"]);
    assert!(!pins.exists());

    let said = bench.done(&["kill", "mend-held"]);
    assert!(said.contains(" killed"), "{said}");
    until("Docker notices", || container.told(".State.Status") == "exited");
    assert_eq!(
        bench.states(&[]),
        states(&[("r1", "undone"), ("r2", "undone"), ("r3", "undone"), ("r4", "done")])
    );
    assert_eq!(bench.list(&["--open"]), [] as [Value; 0]);
}

#[test]
fn a_containers_file_comes_back_into_its_own_root_alone() {
    let Some(docker) = Docker::ready() else { return };
    let Some(bench) = Bench::with(&docker) else { return };
    let script = "echo evil > /evil; sleep 1000";
    let Some(container) = Container::start(&bench, &docker, "mend-file", script) else { return };
    let inside = || format!("/proc/{}/root/evil", container.pid());
    until("it is written", || std::fs::read(inside()).is_ok_and(|text| text == b"evil\n"));
    // What Docker mounts by itself: the name is the mount's, and the file would stay.
    let hosts = format!("/proc/{}/root/etc/hosts", container.pid());
    let before = std::fs::read(&hosts).unwrap();
    bench.refused(&["quarantine", "mend-file:/etc/hosts"], 31, "it is a mount of its own");
    assert_eq!(std::fs::read(&hosts).unwrap(), before);
    bench.done(&["quarantine", "mend-file:/evil"]);
    assert!(!Path::new(&inside()).exists());
    let said = bench.done(&["undo", "r2"]);
    assert!(said.contains("put back"), "{said}");
    assert_eq!(std::fs::read(inside()).unwrap(), b"evil\n");

    bench.done(&["quarantine", "mend-file:/evil"]);
    let id = container.told(".Id");
    docker.docker(&["kill", "mend-file"]);
    until("it ended", || container.told(".State.Status") == "exited");
    // Whoever may make groups gives one the container's name: his root is not the container's.
    let trees = ["/sys/fs/cgroup/freezer", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
    let tree = trees.iter().map(Path::new).find(|tree| tree.join("cgroup.procs").exists()).unwrap();
    let group = tree.join("mend-faked").join(&id);
    std::fs::create_dir_all(&group).unwrap();
    let faker = Process::start("sleep", &["1000"]);
    std::fs::write(group.join("cgroup.procs"), faker.pid()).unwrap();
    let ended = bench.respond(&["undo", "r3"]);
    std::fs::write(tree.join("cgroup.procs"), faker.pid()).unwrap();
    std::fs::remove_dir(&group).unwrap();
    std::fs::remove_dir(tree.join("mend-faked")).unwrap();
    assert_eq!(ended.code, Some(31), "{ended:?}");
    assert!(ended.stderr.contains("restore with --to FILE"), "{ended:?}");
    assert!(!Path::new("/evil").exists(), "it is not on the host");
    assert_eq!(bench.states(&["--open"]), states(&[("r3", "active")]));
    bench.done(&["restore", "r3", "--to", "copy"]);
    assert_eq!(std::fs::read(bench.0.path("copy")).unwrap(), b"evil\n");
}
