//! Containers that cases share: made when the first case wants one, removed with the stage.
//!
//! They are privileged, as those of Falco's own runner are; where this machine cannot have such, they
//! have every capability that it has. They have no network but their own loopback.

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::thread::{CapabilitySet, capability_is_in_bounding_set};
use serde_json::json;

use super::conversation::{Ending, listen};
use super::engine::Engine;
use super::{Deadline, Trouble, image};
use crate::actor::chain::encoded;
use crate::actor::{Chain, KEEPER, MARK, Plan, keeper};
use crate::case::{Case, Wanted};

/// What a container's first process may take until it listens.
const START: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(10);

pub(super) struct Containers {
    sockets: Vec<PathBuf>,
    /// The program of all actors.
    actor: PathBuf,
    /// Distinguishes what is ours from what another run made.
    run: String,
    users: BTreeSet<String>,
    engine: Option<Engine>,
    images: Vec<String>,
    running: Option<Running>,
    started: usize,
    /// Whether a privileged container could be started, as far as is known.
    privileged: bool,
    /// Why there are none: every case that wants one says the same.
    trouble: Option<String>,
}

struct Running {
    wanted: Wanted,
    id: String,
    /// Of its first process.
    pid: u32,
}

impl Containers {
    pub(super) fn new(
        sockets: Vec<PathBuf>,
        folder: &Path,
        actor: PathBuf,
        cases: &[Case],
    ) -> Self {
        let inside = cases.iter().filter(|case| case.container.is_some());
        let users = inside.flat_map(|case| &case.processes).filter_map(|it| it.user.clone());
        let name = folder.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        Self {
            sockets,
            actor,
            // A letter or digit has to be at both ends of a name.
            run: format!("{name}0"),
            users: users.collect(),
            engine: None,
            images: Vec::new(),
            running: None,
            started: 0,
            privileged: true,
            trouble: None,
        }
    }

    pub(super) fn run(
        &mut self,
        wanted: &Wanted,
        chain: Chain,
        deadline: Deadline<'_>,
    ) -> Result<(), Trouble> {
        let pid = self.ready(wanted).map_err(Trouble::Unable)?;
        let mut plan = encoded(&Plan::Chain(chain))?;
        plan.push(b'\n');
        let path = format!("/proc/{pid}/root{}", keeper::SOCKET);
        let asked = UnixStream::connect(&path).and_then(|mut stream| {
            stream.write_all(&plan)?;
            Ok(stream)
        });
        let stream = match asked {
            Ok(stream) => stream,
            Err(error) => {
                self.end();
                return Err(Trouble::Unable(format!("the container does not answer: {error}")));
            }
        };
        let heard = listen(stream, deadline);
        if heard.ending != Ending::Closed {
            // Its processes end with it.
            self.end();
        }
        heard.verdict()
    }

    /// The first process of a container as it is wanted.
    fn ready(&mut self, wanted: &Wanted) -> Result<u32, String> {
        if let Some(running) = &self.running
            && running.wanted == *wanted
        {
            return Ok(running.pid);
        }
        self.end();
        if let Some(trouble) = &self.trouble {
            return Err(trouble.clone());
        }
        let engine = match self.engine.take().map_or_else(|| Engine::find(&self.sockets), Ok) {
            Ok(engine) => engine,
            Err(why) => {
                self.trouble = Some(why.clone());
                return Err(why);
            }
        };
        let started = self.start(&engine, wanted);
        self.engine = Some(engine);
        let (id, pid) = started?;
        self.running = Some(Running { wanted: wanted.clone(), id, pid });
        let listening = listening(pid);
        if listening.is_err() {
            self.end();
        }
        listening.map(|()| pid)
    }

    fn start(&mut self, engine: &Engine, wanted: &Wanted) -> Result<(String, u32), String> {
        self.started += 1;
        for name in [&wanted.image, &wanted.name].into_iter().flatten() {
            if !is_plain(name) {
                return Err(format!("`{name}` is no name of an image or a container"));
            }
        }
        let image = wanted.image.clone().unwrap_or_else(|| format!("{}:1", self.run));
        if !self.images.contains(&image) {
            if engine.has_image(&image)? {
                return Err(format!("there is an image `{image}` already"));
            }
            let archive = image::archive(&self.actor, &self.users);
            let archive = archive.map_err(|why| format!("no image can be packed: {why}"))?;
            engine.import(&image, archive)?;
            self.images.push(image.clone());
        }
        let name = match &wanted.name {
            Some(name) => name.clone(),
            None => format!("{}-{}", self.run, self.started),
        };
        let variables = wanted.environment.iter().map(|(name, value)| format!("{name}={value}"));
        let variables: Vec<String> = variables.chain([format!("{MARK}={KEEPER}")]).collect();
        let mut wanted = json!({
            "Image": image,
            "Entrypoint": [image::ACTOR],
            "Env": variables,
            "HostConfig": { "NetworkMode": "none", "Sysctls": settings() },
        });
        if self.privileged {
            wanted["HostConfig"]["Privileged"] = true.into();
            match engine.start(&name, &wanted) {
                Ok(started) => return Ok(started),
                // The next ones need not try.
                Err(_) => self.privileged = false,
            }
        }
        wanted["HostConfig"]["Privileged"] = false.into();
        wanted["HostConfig"]["CapAdd"] = json!(["ALL"]);
        wanted["HostConfig"]["CapDrop"] = missing_capabilities().into();
        wanted["HostConfig"]["SecurityOpt"] = json!(["seccomp=unconfined", "apparmor=unconfined"]);
        engine.start(&name, &wanted)
    }

    /// Removes the container that runs.
    fn end(&mut self) {
        if let (Some(running), Some(engine)) = (self.running.take(), &self.engine) {
            // An engine that is gone has nothing to remove.
            let _removed = engine.remove_container(&running.id);
        }
    }
}

/// Whether it is a name, and not part of a request.
fn is_plain(name: &str) -> bool {
    let is_one =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | ':' | '@' | '-');
    !name.is_empty() && name.chars().all(is_one)
}

/// Docker switches IPv6 off in a container without a network.
fn settings() -> serde_json::Value {
    let switches = ["net.ipv6.conf.all.disable_ipv6", "net.ipv6.conf.lo.disable_ipv6"];
    match Path::new("/proc/sys/net/ipv6").exists() {
        true => switches.iter().map(|switch| ((*switch).to_owned(), json!("0"))).collect(),
        false => json!({}),
    }
}

/// Those that no process of this machine can have, as an engine calls them.
fn missing_capabilities() -> Vec<&'static str> {
    let known = CapabilitySet::all().iter_names();
    let is_missing = |capability| capability_is_in_bounding_set(capability) == Ok(false);
    known.filter(|(_, it)| is_missing(*it)).map(|(name, _)| name).collect()
}

/// Waits until it does.
fn listening(pid: u32) -> Result<(), String> {
    let path = PathBuf::from(format!("/proc/{pid}/root{}", keeper::SOCKET));
    let begun = Instant::now();
    while !path.exists() {
        if begun.elapsed() > START {
            return Err("the container's first process does not listen".to_owned());
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

impl Drop for Containers {
    fn drop(&mut self) {
        self.end();
        if let Some(engine) = &self.engine {
            for image in &self.images {
                let _removed = engine.remove_image(image);
            }
        }
    }
}
