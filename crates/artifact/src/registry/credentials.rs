//! Who the user is to a registry, as `docker login` and `podman login` wrote it down.
//!
//! The places, in the order of containers-auth.json(5): `$REGISTRY_AUTH_FILE`;
//! `$XDG_RUNTIME_DIR/containers/auth.json`, without that variable `/run/containers/UID/auth.json`; `~/.config/containers/auth.json`;
//! `~/.docker/config.json`. The first that knows the registry wins. A secret must never reach a
//! message, a log or a `Debug` text: it is a [`Secret`].

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use model::{ImageRef, Problem, ProblemKind};
use serde::Deserialize;

use super::helper;
use crate::http::Secret;
use crate::{Environment, Stop};

/// A login file with hundreds of registries stays far below.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// What the user may show to a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    Password {
        user: String,
        password: Secret,
    },
    /// An OAuth2 refresh token, to be exchanged at the token server.
    Identity(Secret),
    /// A bearer token, to be shown as it is.
    Registry(Secret),
}

impl Credential {
    /// The value of a Basic `Authorization` header (RFC 7617), if there is a password.
    pub(crate) fn basic(&self) -> Option<Secret> {
        match self {
            Self::Password { user, password } => {
                let pair = format!("{user}:{}", password.reveal());
                Some(Secret::new(format!("Basic {}", BASE64_STANDARD.encode(pair))))
            }
            Self::Identity(_) | Self::Registry(_) => None,
        }
    }
}

/// The user's login at the registry of `image`, and what was wrong with the files read on the way
/// (a broken file hides a login, it does not stop an anonymous pull).
pub(crate) fn find(
    image: &ImageRef,
    environment: &Environment,
    stop: &Stop,
) -> (Option<Credential>, Vec<Problem>) {
    let mut problems = Vec::new();
    for path in places(environment) {
        let found = match read(&path) {
            Ok(Some(logins)) => logins.find(image, environment, stop),
            Ok(None) => continue,
            Err(why) => Err(why),
        };
        match found {
            Ok(Some(credential)) => return (Some(credential), problems),
            Ok(None) => {}
            Err(why) => {
                let subject = path.display().to_string();
                problems.push(Problem::new(ProblemKind::Notice, subject, why));
            }
        }
    }
    (None, problems)
}

fn places(environment: &Environment) -> Vec<PathBuf> {
    let explicit = environment.path("REGISTRY_AUTH_FILE");
    let session = environment.containers_session().map(|dir| dir.join("auth.json"));
    let podman = environment.containers_config().map(|dir| dir.join("auth.json"));
    let docker = environment.docker_config().map(|dir| dir.join("config.json"));
    [explicit, session, podman, docker].into_iter().flatten().collect()
}

fn read(path: &Path) -> Result<Option<Logins>, String> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => {
            file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(|why| why.to_string())?;
        }
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(format!("logins were not read: {why}")),
    }
    parse(&bytes).map(Some)
}

/// Reads a `config.json` or `auth.json`. The message says where it is broken, not what it holds.
pub(crate) fn parse(bytes: &[u8]) -> Result<Logins, String> {
    serde_json::from_slice(bytes).map_err(|why| {
        format!("logins were not read: not valid at line {}, column {}", why.line(), why.column())
    })
}

/// A login file (docker's `config.json`, containers-auth.json(5)).
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Logins {
    #[serde(default)]
    auths: BTreeMap<String, Login>,
    /// The helper program that keeps all logins but those in `helpers`.
    #[serde(default, rename = "credsStore")]
    store: String,
    #[serde(default, rename = "credHelpers")]
    helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
struct Login {
    /// Base64 of `user:password`.
    #[serde(default)]
    auth: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default, rename = "identitytoken")]
    identity_token: String,
    #[serde(default, rename = "registrytoken")]
    registry_token: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login")
    }
}

impl Logins {
    fn find(
        &self,
        image: &ImageRef,
        environment: &Environment,
        stop: &Stop,
    ) -> Result<Option<Credential>, String> {
        let keys = keys(image);
        for key in &keys {
            if let Some(name) = lookup(&self.helpers, key) {
                return helper::get(name, &server(image), environment, stop);
            }
        }
        let stored = match self.store.as_str() {
            "" => Ok(None),
            name => helper::get(name, &server(image), environment, stop),
        };
        // The store is asked for everything, so that it fails must not hide a plain login.
        let mut trouble = None;
        match stored {
            Ok(None) => {}
            Ok(found) => return Ok(found),
            Err(why) => trouble = Some(why),
        }
        for key in &keys {
            match lookup(&self.auths, key).map(Login::credential) {
                Some(Ok(Some(credential))) => return Ok(Some(credential)),
                Some(Err(why)) => trouble = Some(format!("the login for `{key}` {why}")),
                Some(Ok(None)) | None => {}
            }
        }
        trouble.map_or(Ok(None), Err)
    }
}

impl Login {
    /// None where the entry is empty, as it stands beside a `credsStore`.
    fn credential(&self) -> Result<Option<Credential>, &'static str> {
        if !self.registry_token.is_empty() {
            return Ok(Some(Credential::Registry(Secret::new(&self.registry_token))));
        }
        if !self.identity_token.is_empty() {
            return Ok(Some(Credential::Identity(Secret::new(&self.identity_token))));
        }
        let decoded = BASE64_STANDARD.decode(self.auth.trim());
        let decoded = decoded.ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let decoded = decoded.ok_or("is not Base64 of a text")?;
        let (user, password) = match decoded.split_once(':') {
            // Old clients padded with zero bytes.
            Some((user, password)) => (user, password.trim_end_matches('\0')),
            None => (self.username.as_str(), self.password.as_str()),
        };
        if user.is_empty() || password.is_empty() {
            return Ok(None);
        }
        let (user, password) = (user.to_owned(), Secret::new(password));
        Ok(Some(Credential::Password { user, password }))
    }
}

/// The names under which a login for this image may stand, the most particular first.
fn keys(image: &ImageRef) -> Vec<String> {
    let mut keys = Vec::new();
    let mut path = format!("{}/{}", image.registry(), image.repository());
    while let Some((parent, _)) = path.rsplit_once('/') {
        keys.push(path.clone());
        path = parent.to_owned();
    }
    keys.push(path);
    if image.registry() == "docker.io" {
        keys.extend(["index.docker.io", "registry-1.docker.io"].map(str::to_owned));
    }
    keys
}

/// Docker writes hosts in several ways: `host`, `https://host`, `https://host/v1/`.
fn lookup<'a, T>(entries: &'a BTreeMap<String, T>, wanted: &str) -> Option<&'a T> {
    entries.get(wanted).or_else(|| {
        let same = |key: &str| bare(key) == wanted;
        entries.iter().find(|(key, _)| same(key)).map(|(_, value)| value)
    })
}

fn bare(key: &str) -> &str {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let key = key.trim_end_matches('/');
    key.strip_suffix("/v1").or_else(|| key.strip_suffix("/v2")).unwrap_or(key)
}

/// The name by which credential helpers know the registry.
fn server(image: &ImageRef) -> String {
    match image.registry() {
        "docker.io" => "https://index.docker.io/v1/".to_owned(),
        host => host.to_owned(),
    }
}
