//! Which runtimes of this host can be asked, tried: what each answers, or what it is known by else.
//!
//! Nothing is changed by asking. Each is asked once and waited for as long as the sensor would.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::http::{self, AskError};
use super::places::{Account, Places};
use super::protobuf::string;
use super::{grpc, storage};

/// Users whose own runtimes are looked for.
const USERS_MAX: usize = 1_024;
const VERSION: &str = "/containerd.services.version.v1.Version/Version";

/// What became of asking one runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// `docker`, `podman`, `containerd`.
    pub runtime: &'static str,
    /// Whose; None for the host's.
    pub user: Option<u32>,
    pub what: Reach,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    Answers {
        socket: PathBuf,
        version: String,
    },
    /// It is there, and does not answer.
    Silent {
        why: String,
    },
    /// Nobody listens, but its containers are told by what lies there: without labels.
    Stored {
        folder: PathBuf,
    },
    /// Nothing of it was found.
    Absent,
}

impl Places {
    /// The host's runtimes, and those of users who have some.
    pub fn reached(&self) -> Vec<Reached> {
        let stored = |folders: &[PathBuf]| folders.iter().find(|it| is_store(it)).cloned();
        let podman = first(&self.podman, engine).or_stored(|| stored(&self.storage));
        let of_host = [
            ("docker", first(&self.docker, engine)),
            ("podman", podman),
            ("containerd", first(&self.containerd, containerd)),
        ];
        let of_host = of_host.map(|(runtime, what)| Reached { runtime, user: None, what });
        of_host.into_iter().chain(self.users().iter().flat_map(of_user)).collect()
    }

    /// Those who are logged in, or whose services stay: nobody else has a folder there.
    fn users(&self) -> Vec<Account> {
        let entries = std::fs::read_dir(&self.users).into_iter().flatten().flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let mut numbers: Vec<u32> = numbers.take(USERS_MAX).collect();
        numbers.sort_unstable();
        numbers.into_iter().filter_map(|uid| self.account_of(uid)).collect()
    }
}

/// What a user has; nothing where he has none. His home may be far away, so only its folder is
/// looked at.
fn of_user(account: &Account) -> Vec<Reached> {
    let engine_at = |socket: &str| first(&[account.runtime.join(socket)], engine);
    let store = Some(account.storage()).filter(|it| is_store(it));
    let found = [
        ("docker", engine_at("docker.sock")),
        ("podman", engine_at("podman/podman.sock").or_stored(|| store)),
    ];
    let there = found.into_iter().filter(|(_, what)| *what != Reach::Absent);
    let user = Some(account.uid);
    there.map(|(runtime, what)| Reached { runtime, user, what }).collect()
}

impl Reach {
    fn or_stored(self, folder: impl FnOnce() -> Option<PathBuf>) -> Self {
        match self {
            Self::Absent => folder().map_or(Self::Absent, |folder| Self::Stored { folder }),
            other => other,
        }
    }
}

/// The first that answers; else why the first that is there does not.
fn first(sockets: &[PathBuf], ask: impl Fn(&Path) -> Result<String, AskError>) -> Reach {
    let mut silent = None;
    for socket in sockets {
        match ask(socket) {
            Ok(version) => return Reach::Answers { socket: socket.clone(), version },
            Err(why) if why.nobody_listens() => {}
            Err(why) => silent = silent.or_else(|| Some(Reach::Silent { why: why.to_string() })),
        }
    }
    silent.unwrap_or(Reach::Absent)
}

fn engine(socket: &Path) -> Result<String, AskError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Version {
        version: String,
    }
    let body = http::get(socket, "/version")?.unwrap_or_default();
    let told: serde_json::Result<Version> = serde_json::from_slice(&body);
    told.map(|told| told.version).map_err(|why| senseless(socket, why.to_string()))
}

/// `VersionResponse`: the version is field 1.
fn containerd(socket: &Path) -> Result<String, AskError> {
    let answer = grpc::call(socket, VERSION, ("containerd-namespace", "default"), &[])?;
    let version = answer.and_then(|answer| string(&answer, 1));
    version.ok_or_else(|| senseless(socket, "no version".to_owned()))
}

fn senseless(socket: &Path, why: String) -> AskError {
    AskError::Senseless { socket: socket.to_owned(), why }
}

fn is_store(folder: &Path) -> bool {
    let lists = storage::DRIVERS.iter().map(|it| folder.join(format!("{it}-containers")));
    lists.map(|list| list.join("containers.json")).any(|list| list.is_file())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    /// Nobody there, one that says nonsense, and a user's store without a service.
    #[test]
    fn runtimes_are_told_by_what_they_answer() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        let listener = UnixListener::bind(at("docker.sock")).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                // Who closes before it has read all resets the connection.
                let _request = std::io::Read::read(&mut stream, &mut [0; 1024]).unwrap();
                let said = "HTTP/1.0 200 OK\r\n\r\n{\"Version\":\"20.10.24\"}";
                std::io::Write::write_all(&mut stream, said.as_bytes()).unwrap();
            }
        });
        let broken = UnixListener::bind(at("containerd.sock")).unwrap();
        std::thread::spawn(move || broken.incoming().for_each(drop));
        let store = at("home/.local/share/containers/storage/vfs-containers");
        std::fs::create_dir_all(&store).unwrap();
        std::fs::write(store.join("containers.json"), "[]").unwrap();
        std::fs::create_dir_all(at("users/7")).unwrap();
        std::fs::write(at("passwd"), format!("web:x:7:7::{}:/bin/sh\n", at("home").display()))
            .unwrap();
        let places = Places {
            docker: vec![at("docker.sock")],
            podman: vec![at("podman.sock")],
            containerd: vec![at("containerd.sock")],
            storage: vec![at("storage")],
            users: at("users"),
            accounts: at("passwd"),
            ..Places::default()
        };
        let reached = places.reached();
        let named: Vec<_> = reached.iter().map(|it| (it.runtime, it.user)).collect();
        let all = [("docker", None), ("podman", None), ("containerd", None), ("podman", Some(7))];
        assert_eq!(named, all);
        let version = "20.10.24".to_owned();
        assert_eq!(reached[0].what, Reach::Answers { socket: at("docker.sock"), version });
        assert_eq!(reached[1].what, Reach::Absent);
        assert!(matches!(&reached[2].what, Reach::Silent { why } if why.contains("containerd")));
        let folder = at("home/.local/share/containers/storage");
        assert_eq!(reached[3].what, Reach::Stored { folder });
    }
}
