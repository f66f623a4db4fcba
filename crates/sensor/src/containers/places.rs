//! Where runtimes listen, and where they keep what they run.

use std::path::{Path, PathBuf};

use model::event::ContainerRuntime;

use super::bundle::Bundles;
use super::group::Place;

/// Sockets and folders of the runtimes of a host. The first socket that knows a container is
/// believed.
#[derive(Clone, Debug)]
pub struct Places {
    pub docker: Vec<PathBuf>,
    pub podman: Vec<PathBuf>,
    pub containerd: Vec<PathBuf>,
    /// State folders of containerd, in which `io.containerd.runtime.v2.task` is.
    pub containerd_state: Vec<PathBuf>,
    /// What `containers/storage` (Podman, CRI-O) keeps of running containers.
    pub storage: Vec<PathBuf>,
    /// In which `UID/` is the runtime folder of a user; rootless runtimes listen there.
    pub users: PathBuf,
}

/// Where the distributions' packages put them.
impl Default for Places {
    fn default() -> Self {
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect();
        Self {
            docker: paths(&["/run/docker.sock"]),
            podman: paths(&["/run/podman/podman.sock"]),
            containerd: paths(&[
                "/run/containerd/containerd.sock",
                "/run/k3s/containerd/containerd.sock",
            ]),
            containerd_state: paths(&[
                "/run/containerd",
                "/run/docker/containerd/daemon",
                "/run/k3s/containerd",
            ]),
            storage: paths(&[
                "/run/containers/storage/overlay-containers",
                "/var/lib/containers/storage/overlay-containers",
            ]),
            users: PathBuf::from("/run/user"),
        }
    }
}

/// Whom to ask for a container.
#[derive(Default)]
pub(super) struct Asked {
    /// That speak Docker's API.
    pub(super) engines: Vec<(ContainerRuntime, PathBuf)>,
    pub(super) containerd: Vec<PathBuf>,
    pub(super) bundles: Vec<Bundles>,
}

impl Places {
    /// The host's runtimes for the host's containers, a user's for the user's: nobody describes
    /// what another one runs.
    pub(super) fn of(&self, Place { named, user }: &Place) -> Asked {
        let user = user.map(|uid| self.users.join(uid.to_string()));
        let is = |runtime| [runtime, ContainerRuntime::Other].contains(&named.runtime);
        let mut asked = Asked::default();
        if is(ContainerRuntime::Docker) {
            asked.add_engines(ContainerRuntime::Docker, &self.docker, user.as_deref());
        }
        if is(ContainerRuntime::Podman) {
            asked.add_engines(ContainerRuntime::Podman, &self.podman, user.as_deref());
        }
        if is(ContainerRuntime::Containerd) && user.is_none() {
            asked.containerd.clone_from(&self.containerd);
        }
        asked.bundles = match &user {
            None => self.bundles(),
            Some(runtime) => [
                Bundles::Containerd(runtime.join("docker/containerd/daemon").join(TASKS)),
                Bundles::Storage(runtime.join("containers/overlay-containers")),
            ]
            .into(),
        };
        asked
    }

    fn bundles(&self) -> Vec<Bundles> {
        let tasks =
            self.containerd_state.iter().map(|state| Bundles::Containerd(state.join(TASKS)));
        tasks.chain(self.storage.iter().cloned().map(Bundles::Storage)).collect()
    }
}

/// Below a state folder of containerd.
const TASKS: &str = "io.containerd.runtime.v2.task";

impl Asked {
    fn add_engines(&mut self, runtime: ContainerRuntime, system: &[PathBuf], user: Option<&Path>) {
        let of_user = match runtime {
            ContainerRuntime::Docker => "docker.sock",
            _ => "podman/podman.sock",
        };
        let of_user = user.map(|folder| vec![folder.join(of_user)]);
        let sockets = of_user.unwrap_or_else(|| system.to_vec());
        self.engines.extend(sockets.into_iter().map(|socket| (runtime, socket)));
    }
}
