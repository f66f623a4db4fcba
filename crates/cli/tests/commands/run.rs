//! Runs `lazaret` in an environment of its own, and hides what differs between machines.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use wait4::Wait4;

const LAZARET: &str = env!("CARGO_BIN_EXE_lazaret");
/// What a command may take, whatever it is given. Unoptimised code, on a machine that is busy with
/// other tests, is given more time.
const PEAK_BYTES_MAX: u64 = 256 << 20;
const WALL_MAX: Duration = Duration::from_secs(if cfg!(debug_assertions) { 300 } else { 60 });

/// A folder of its own for a test: cache, advisories, images.
pub(crate) struct Sandbox {
    pub(crate) dir: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file into the sandbox and returns its path as text.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The command with nothing of the machine's settings: no proxies, no home, a fixed time.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(LAZARET);
        command.args(arguments);
        command
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path())
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("SOURCE_DATE_EPOCH", "1767225600")
            .env("DOCKER_HOST", "unix:///nonexistent/docker.sock")
            .current_dir(self.dir.path());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let output = self.command(arguments).output().unwrap();
        Ended {
            code: output.status.code(),
            stdout: self.redact(&output.stdout),
            stderr: self.redact(&output.stderr),
        }
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Runs a shell script, in which `$LAZARET` is the binary, with a file system of 32 KiB on the
    /// folder `small`. None where nobody may mount one.
    pub(crate) fn run_with_small_disk(&self, script: &str) -> Option<Ended> {
        std::fs::create_dir_all(self.path("small")).unwrap();
        let mount = "mount -t tmpfs -o size=32k tmpfs small";
        let unshare = |flags: &[&str], script: &str| {
            let mut command = self.program("unshare");
            command.args(flags).args(["sh", "-c", &format!("{mount} && {{ {script}\n}}")]);
            command.env("LAZARET", LAZARET).output().ok()
        };
        let own = ["--mount"];
        let users = ["--user", "--map-root-user", "--mount"];
        let may = |flags: &&&[&str]| unshare(flags, "true").is_some_and(|it| it.status.success());
        let Some(flags) = [&own[..], &users[..]].iter().find(may).copied() else {
            testkit::skip("nobody here may mount a file system");
            return None;
        };
        let output = unshare(flags, script).unwrap();
        Some(Ended {
            code: output.status.code(),
            stdout: self.redact(&output.stdout),
            stderr: self.redact(&output.stderr),
        })
    }

    /// Runs a command that reads what is hostile; it has to end within bounds of time and memory.
    /// What it writes goes to files, so that nobody else's memory is measured.
    #[expect(clippy::print_stderr, reason = "how much was taken is worth seeing")]
    pub(crate) fn run_bounded(&self, command: &mut Command) -> Ended {
        let open = |name: &str| std::fs::File::create(self.path(name)).unwrap();
        command.stdin(Stdio::null()).stdout(open("stdout")).stderr(open("stderr"));
        let begun = Instant::now();
        let ended = command.spawn().unwrap().wait4().unwrap();
        let (peak, wall) = (ended.rusage.maxrss, begun.elapsed());
        eprintln!("{:?}: {} MiB, {:.1} s", command.get_args(), peak >> 20, wall.as_secs_f32());
        assert!(peak <= PEAK_BYTES_MAX, "{command:?} took {} MiB", peak >> 20);
        assert!(wall <= WALL_MAX, "{command:?} took {wall:?}");
        Ended {
            code: ended.status.code(),
            stdout: self.redact(&std::fs::read(self.path("stdout")).unwrap()),
            stderr: self.redact(&std::fs::read(self.path("stderr")).unwrap()),
        }
    }

    /// The demo's feeds imported, so that a scan can find something.
    pub(crate) fn with_advisories(self) -> Self {
        let feeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/demo/feeds");
        let ended = self.run(&["db", "import", feeds.to_str().unwrap()]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        self
    }

    fn redact(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes);
        text.replace(self.dir.path().to_str().unwrap(), "[SANDBOX]")
    }
}
