//! A container of a small image: a shell, `/opt/ran`, a program that says so, and `/opt/cost`.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use sensor::kernel::Hierarchy;
use testkit::{Docker, TarBuilder};

const SHELL: &str = "/bin/busybox";
const APPLETS: [&str; 18] = [
    "cat", "chmod", "chown", "chroot", "cp", "dd", "echo", "ln", "mkdir", "mkfifo", "mount", "mv",
    "rm", "sh", "sleep", "true", "umount", "unshare",
];
const RAN: &str = "#include <unistd.h>\nint main(void) { return write(1, \"ran\\n\", 4) != 4; }\n";

/// An image, and what was started from it; both go when this is dropped.
pub(super) struct Cages {
    docker: Docker,
    image: String,
    started: AtomicU32,
    /// How the loader of programs is called in it.
    pub(super) loader: String,
}

pub(super) struct Cage<'a> {
    cages: &'a Cages,
    pub(super) name: String,
}

/// What a command in a container said, on both streams, and whether it ended well.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) succeeded: bool,
}

impl Said {
    fn of(output: &Output) -> Self {
        let text = [&*output.stdout, &*output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        Self { text, succeeded: output.status.success() }
    }

    pub(super) fn ran(&self) -> bool {
        self.text.lines().any(|line| line == "ran")
    }

    pub(super) fn was_refused(&self) -> bool {
        !self.ran() && self.text.to_lowercase().contains("operation not permitted")
    }
}

impl Cages {
    /// None, said, where there is no Docker, no compiler, or no right to ask the kernel.
    pub(super) fn ready() -> Option<Self> {
        if !testkit::installed("gcc") || !testkit::installed("busybox") {
            return None;
        }
        let docker = Docker::ready()?;
        let folder = tempfile::tempdir().expect("a folder");
        let build = |name: &str, source: &str| {
            let (file, program) = (folder.path().join("source.c"), folder.path().join(name));
            fs::write(&file, source).expect("a source");
            testkit::run("gcc", &["-O1", "-o", path(&program), path(&file)]);
            program
        };
        let (program, cost) = (build("ran", RAN), build("cost", include_str!("cost.c")));
        let libraries = libraries(&program);
        let loader = libraries.iter().find(|path| path.contains("/ld-")).expect("a loader").clone();
        let mut tar = TarBuilder::new()
            .executable("bin/busybox", read(Path::new(SHELL)))
            .executable("opt/ran", read(&program))
            .executable("opt/cost", read(&cost))
            .file("etc/secret", "ran\n")
            .file("etc/keys/deep/key", "ran\n")
            .directory("tmp");
        for applet in APPLETS {
            tar = tar.symlink(&format!("bin/{applet}"), "busybox");
        }
        for library in &libraries {
            tar = tar.executable(library.trim_start_matches('/'), read(Path::new(library)));
        }
        let archive = folder.path().join("image.tar");
        fs::write(&archive, tar.finish()).expect("an archive");
        let image = format!("lazaret-test-fan:{}", std::process::id());
        docker.docker(&["import", path(&archive), &image]);
        Some(Self { docker, image, started: AtomicU32::new(0), loader })
    }

    /// A container that sleeps, with more arguments for `docker run`.
    pub(super) fn start(&self, more: &[&str]) -> Cage<'_> {
        let name = self.name();
        let mut arguments = vec!["run", "--detach", "--network", "none", "--name", &name];
        arguments.extend(more);
        arguments.extend([&*self.image, "/bin/sleep", "600"]);
        self.docker.docker(&arguments);
        Cage { cages: self, name }
    }

    /// One whose first program is this, to its end.
    pub(super) fn run(&self, program: &[&str]) -> Said {
        let name = self.name();
        let cage = Cage { cages: self, name };
        let mut arguments = vec!["run", "--network", "none", "--name", &cage.name, &self.image];
        arguments.extend(program);
        Said::of(&self.command(&arguments).output().expect("docker runs"))
    }

    fn name(&self) -> String {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        format!("lazaret-test-fan-{}-{number}", std::process::id())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.arg("--host").arg(format!("unix://{}", self.docker.socket().display()));
        command.args(arguments);
        command
    }
}

impl Drop for Cages {
    fn drop(&mut self) {
        let _gone = self.command(&["image", "rm", "--force", &self.image]).output();
    }
}

impl Cage<'_> {
    pub(super) fn command(&self, program: &[&str]) -> Command {
        self.cages.command(&[&["exec", &*self.name], program].concat())
    }

    pub(super) fn exec(&self, program: &[&str]) -> Said {
        Said::of(&self.command(program).output().expect("docker runs"))
    }

    pub(super) fn shell(&self, script: &str) -> Said {
        self.exec(&["/bin/sh", "-c", script])
    }

    fn inspect(&self, format: &str) -> String {
        self.cages.docker.docker(&["inspect", "--format", format, &self.name])
    }

    /// The number of its control group.
    pub(super) fn group(&self) -> u64 {
        let pid = self.inspect("{{.State.Pid}}");
        let hierarchy = Hierarchy::find();
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).expect("it runs");
        let is_ours = |controllers: &str| match hierarchy.controller {
            Some(controller) => controllers.split(',').any(|it| it == controller),
            None => controllers.is_empty(),
        };
        let path = groups.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            is_ours(controllers).then_some(path)
        });
        let path = path.expect("it is in the hierarchy").trim_start_matches('/');
        let folder = hierarchy.mounted.expect("a hierarchy").join(path);
        fs::metadata(folder).expect("the group").ino()
    }

    /// The number of its first process.
    pub(super) fn pid(&self) -> u32 {
        self.inspect("{{.State.Pid}}").parse().expect("it runs")
    }

    /// Its files as the host shows them.
    pub(super) fn files(&self) -> PathBuf {
        self.inspect("{{.GraphDriver.Data.MergedDir}}").into()
    }
}

impl Drop for Cage<'_> {
    fn drop(&mut self) {
        let _gone = self.cages.command(&["rm", "--force", &self.name]).output();
    }
}

/// What a program is linked with, by their paths here.
fn libraries(program: &Path) -> Vec<String> {
    let listed = testkit::run("ldd", &[path(program)]);
    let words = listed.split_whitespace().filter(|word| word.starts_with('/'));
    words.map(str::to_owned).collect()
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).expect("a file of this machine")
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}
