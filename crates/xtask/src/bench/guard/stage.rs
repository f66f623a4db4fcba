//! What the benches of the guard stand on: two servers and two empty containers, the programs that
//! load them, and the guard itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::Duration;

use super::super::Session;
use crate::bench::succeed;
use crate::guard::Guard;
use crate::noise::image;

/// Containers and what each runs.
const CONTAINERS: &[(&str, &[&str])] = &[
    (REDIS, &["redis-server", "--save", "", "--protected-mode", "no"]),
    (NGINX, &["nginx", "-g", "daemon off;"]),
    (LOADED, &["sleep", "3600"]),
    (OTHER, &["sleep", "3600"]),
];
pub(super) const REDIS: &str = "lazaret-bench-redis";
pub(super) const NGINX: &str = "lazaret-bench-nginx";
/// Where storms are, and where another one is at the same time.
pub(super) const LOADED: &str = "lazaret-bench-loaded";
pub(super) const OTHER: &str = "lazaret-bench-other";
/// Until servers listen.
const SETTLE: Duration = Duration::from_secs(2);

/// Its containers are removed when this is dropped.
pub(super) struct Stage {
    lazaret: PathBuf,
    pub(super) folder: PathBuf,
    pub(super) root: PathBuf,
}

impl Stage {
    pub(super) fn make(session: &Session) -> Result<Self, String> {
        let folder = session.work.join("guard");
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let sources = session.root.join("crates/xtask/src/bench/guard");
        compile(&sources, &folder, "storm", &["-static"])?;
        compile(&sources, &folder, "floor", &["-lbpf"])?;
        image::make(&session.root)?;
        let stage = Self { lazaret: session.lazaret.clone(), folder, root: session.root.clone() };
        stage.remove();
        let programs = format!("{}:/bench:ro", stage.folder.display());
        for (name, words) in CONTAINERS {
            let mut command = docker(&["run", "--detach", "--name", name, "--volume", &programs]);
            said(command.arg(image::NAME).args(*words))?;
        }
        thread::sleep(SETTLE);
        Ok(stage)
    }

    /// Its alerts go to a file in the stage's folder.
    pub(super) fn guard(&self, arguments: &[&str]) -> Result<Guard, String> {
        let alerts = self.folder.join("alerts.json");
        drop(fs::remove_file(&alerts));
        let to = format!("json@file:{}", alerts.display());
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--to", &to]).collect();
        Guard::start(&self.lazaret, &arguments, &self.folder)
    }

    /// Its alerts go to the standard output, each one.
    pub(super) fn telling_guard(&self) -> Result<Guard, String> {
        let arguments = ["--merge-window", "0", "--to", "json@stdout"];
        Guard::start(&self.lazaret, &arguments, &self.folder)
    }

    pub(super) fn lazaret(&self) -> Command {
        Command::new(&self.lazaret)
    }

    /// Of a container.
    pub(super) fn address(&self, container: &str) -> Result<String, String> {
        let format = "{{.NetworkSettings.IPAddress}}";
        said(&mut docker(&["inspect", "--format", format, container]))
    }

    /// The storm program in a container, to be started.
    pub(super) fn storm(&self, container: &str, words: &[&str]) -> Command {
        let mut command = docker(&["exec", container, "/bench/storm"]);
        command.args(words);
        command
    }

    fn remove(&self) {
        let names = CONTAINERS.iter().map(|(name, _)| *name);
        // Those that are not there are complained about.
        drop(docker(&["rm", "--force"]).args(names).output());
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.remove();
    }
}

fn docker(words: &[&str]) -> Command {
    let mut command = Command::new("docker");
    command.args(words);
    command
}

fn compile(sources: &Path, folder: &Path, name: &str, options: &[&str]) -> Result<(), String> {
    let mut compiler = Command::new("gcc");
    compiler.args(["-O2", "-Wall", "-Werror", "-o"]).arg(folder.join(name));
    succeed(compiler.arg(sources.join(name).with_extension("c")).args(options))
}

/// What a command that has to succeed prints.
pub(super) fn said(command: &mut Command) -> Result<String, String> {
    let output = command.output();
    let Output { status, stdout, stderr } =
        output.map_err(|error| format!("{command:?}: {error}"))?;
    if !status.success() {
        let stderr = String::from_utf8_lossy(&stderr);
        return Err(format!("{command:?} ended with {status}: {stderr}"));
    }
    Ok(String::from_utf8_lossy(&stdout).trim().to_owned())
}
