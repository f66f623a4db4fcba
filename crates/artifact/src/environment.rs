//! The surroundings that registries and daemons are found through: a handful of environment
//! variables and the directories they point into.
//!
//! `cli` takes them from the process once ([`Environment::of_process`]); everybody else reads this
//! copy, so a test can have its own. It must never hold more than [`VARIABLES`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Every variable that has a meaning to this crate.
pub const VARIABLES: [&str; 24] = [
    "ALL_PROXY",
    "CONTAINERD_NAMESPACE",
    "CONTAINERD_ROOT",
    "CONTAINERS_REGISTRIES_CONF",
    "CONTAINER_HOST",
    "DOCKER_CERT_PATH",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "DOCKER_TLS_VERIFY",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "PATH",
    "REGISTRY_AUTH_FILE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// A copy of the variables, and where the system keeps its configuration.
#[derive(Clone, Debug)]
pub struct Environment {
    variables: BTreeMap<&'static str, String>,
    system: PathBuf,
    /// `/run`; None in tests, which must not meet what a machine has there.
    run: Option<PathBuf>,
}

/// No variable is set; system configuration is in `/etc`.
impl Default for Environment {
    fn default() -> Self {
        Self { variables: BTreeMap::new(), system: PathBuf::from("/etc"), run: None }
    }
}

impl Environment {
    /// Copies the variables of this process. One that is empty or not UTF-8 counts as not set.
    pub fn of_process() -> Self {
        let variables = VARIABLES
            .into_iter()
            .filter_map(|name| Some((name, std::env::var(name).ok().filter(|v| !v.is_empty())?)))
            .collect();
        Self { variables, run: Some(PathBuf::from("/run")), ..Self::default() }
    }

    /// The same with one of [`VARIABLES`] set; other names have no effect.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        if let Some(name) = VARIABLES.into_iter().find(|known| *known == name) {
            self.variables.insert(name, value.into());
        }
        self
    }

    /// The same with another directory in place of `/etc`.
    #[must_use]
    pub fn with_system(self, directory: impl Into<PathBuf>) -> Self {
        Self { system: directory.into(), ..self }
    }

    /// The same with another directory in place of `/run`.
    #[must_use]
    pub fn with_run(self, directory: impl Into<PathBuf>) -> Self {
        Self { run: Some(directory.into()), ..self }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from)
    }

    /// `/etc`, for all but tests.
    pub(crate) fn system(&self) -> &Path {
        &self.system
    }

    /// `$DOCKER_CONFIG`, else `~/.docker`.
    pub(crate) fn docker_config(&self) -> Option<PathBuf> {
        self.path("DOCKER_CONFIG").or_else(|| Some(self.path("HOME")?.join(".docker")))
    }

    /// `$XDG_RUNTIME_DIR/containers`, else `/run/containers/UID`: where `podman login` keeps what ends with
    /// the session.
    pub(crate) fn containers_session(&self) -> Option<PathBuf> {
        if let Some(session) = self.path("XDG_RUNTIME_DIR") {
            return Some(session.join("containers"));
        }
        let user = rustix::process::getuid().as_raw().to_string();
        Some(self.run.as_ref()?.join("containers").join(user))
    }

    /// `$XDG_CONFIG_HOME/containers`, else `~/.config/containers`: where Podman and its kin keep
    /// what is the user's own.
    pub(crate) fn containers_config(&self) -> Option<PathBuf> {
        let config =
            self.path("XDG_CONFIG_HOME").or_else(|| Some(self.path("HOME")?.join(".config")))?;
        Some(config.join("containers"))
    }
}
