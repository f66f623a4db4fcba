//! Where runtimes listen, and where they keep what they run.

use std::path::{Path, PathBuf};

use model::event::ContainerRuntime;
use serde::{Deserialize, Serialize};

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
    /// Where `containers/storage` (Podman, CRI-O) keeps what runs.
    pub storage: Vec<PathBuf>,
    /// In which `UID/` is the runtime folder of a user; rootless runtimes listen there.
    pub users: PathBuf,
    /// The host's accounts: rootless runtimes keep what they run in the home of their user.
    pub accounts: PathBuf,
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
            storage: paths(&["/run/containers/storage", "/var/lib/containers/storage"]),
            users: PathBuf::from("/run/user"),
            accounts: PathBuf::from("/etc/passwd"),
        }
    }
}

/// A user of the host, who may have rootless runtimes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub uid: u32,
    pub group: u32,
    pub home: PathBuf,
    /// `XDG_RUNTIME_DIR`.
    pub runtime: PathBuf,
}

impl Account {
    /// Where Podman keeps what the user runs, unless he has it elsewhere.
    pub(super) fn storage(&self) -> PathBuf {
        self.home.join(".local/share/containers/storage")
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
    pub(super) fn of(&self, Place { named, user: uid }: &Place) -> Asked {
        let user = uid.map(|uid| self.users.join(uid.to_string()));
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
            Some(runtime) => {
                let tasks = runtime.join("docker/containerd/daemon").join(TASKS);
                let account = uid.and_then(|uid| self.account_of(uid));
                let storage = account.map(|account| Bundles::Storage(account.storage()));
                [Bundles::Containerd(tasks)].into_iter().chain(storage).collect()
            }
        };
        asked
    }

    /// By the file of accounts alone: whoever keeps them elsewhere may be far away.
    pub fn account_of(&self, uid: u32) -> Option<Account> {
        let accounts = crate::file::read(&self.accounts, ACCOUNTS_BYTES_MAX)?;
        let accounts = String::from_utf8_lossy(&accounts);
        accounts.lines().find_map(|line| {
            let mut parts = line.split(':').skip(2);
            let is_his = parts.next()?.parse() == Ok(uid);
            let (group, home) = (parts.next()?.parse().ok()?, PathBuf::from(parts.nth(1)?));
            let runtime = self.users.join(uid.to_string());
            (is_his && home.is_absolute()).then_some(Account { uid, group, home, runtime })
        })
    }

    fn bundles(&self) -> Vec<Bundles> {
        let tasks =
            self.containerd_state.iter().map(|state| Bundles::Containerd(state.join(TASKS)));
        tasks.chain(self.storage.iter().cloned().map(Bundles::Storage)).collect()
    }
}

/// Of 20 000 users.
const ACCOUNTS_BYTES_MAX: usize = 2 << 20;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_home_is_where_the_accounts_say() {
        let folder = tempfile::tempdir().unwrap();
        let accounts = folder.path().join("passwd");
        let lines = "root:x:0:0:root:/root:/bin/sh\nbroken:x\nweb:x:7:7:a, b:/home/web:/bin/sh\n\
            up:x:8:8::../..:/bin/sh\n";
        std::fs::write(&accounts, lines).unwrap();
        let places = Places { accounts, ..Places::default() };
        let (home, runtime) = ("/home/web".into(), "/run/user/7".into());
        assert_eq!(places.account_of(7), Some(Account { uid: 7, group: 7, home, runtime }));
        assert_eq!([8, 9].map(|uid| places.account_of(uid)), [None, None]);
    }
}
