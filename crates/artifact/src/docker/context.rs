//! Where Docker's daemon is: `DOCKER_HOST`, else the context that `DOCKER_CONTEXT` or
//! `~/.docker/config.json` names, else the usual socket, as Docker's own command decides.
//!
//! It must never open a connection.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use model::Algorithm;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::digest::digest_of;
use crate::error::OpenErrorKind;
use crate::{Environment, OpenError};

/// Login files and descriptions of contexts are a few KiB.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// A daemon's address, and how a connection to it is secured.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) address: String,
    /// The directory with `ca.pem`, `cert.pem` and `key.pem`; None for plain connections.
    pub(super) certificates: Option<PathBuf>,
}

/// The daemon that the environment leads to.
pub(super) fn endpoint(environment: &Environment) -> Result<Endpoint, OpenError> {
    if let Some(address) = environment.get("DOCKER_HOST") {
        let certificates = environment.get("DOCKER_TLS_VERIFY").map(|_| {
            let named = environment.path("DOCKER_CERT_PATH");
            named.or_else(|| environment.docker_config()).unwrap_or_default()
        });
        return Ok(Endpoint { address: address.to_owned(), certificates });
    }
    let config = environment.docker_config();
    match (context(environment, config.as_deref()), config) {
        (Some(name), Some(config)) => described(&name, &config.join("contexts")),
        _ => Ok(usual(environment)),
    }
}

/// The name of the context that is chosen, unless it is the one that stands for none.
fn context(environment: &Environment, config: Option<&Path>) -> Option<String> {
    #[derive(Deserialize)]
    struct Config {
        #[serde(default, rename = "currentContext")]
        current_context: String,
    }
    let chosen = environment.get("DOCKER_CONTEXT").map(str::to_owned);
    let current = || Some(read::<Config>(&config?.join("config.json"))?.current_context);
    chosen.or_else(current).filter(|name| !name.is_empty() && name != "default")
}

/// What is stored of a context, under the digest of its name.
fn described(name: &str, contexts: &Path) -> Result<Endpoint, OpenError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Meta {
        endpoints: Endpoints,
    }
    #[derive(Deserialize)]
    struct Endpoints {
        docker: Described,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Described {
        host: String,
    }
    let id = digest_of(Algorithm::Sha256, name.as_bytes());
    let meta: Option<Meta> = read(&contexts.join("meta").join(id.hex()).join("meta.json"));
    let Some(Meta { endpoints: Endpoints { docker: Described { host } } }) = meta else {
        let message = format!("Docker cannot be reached: its context `{name}` is not there");
        return Err(OpenError::new(OpenErrorKind::Network, message)
            .hint("`docker context ls` lists those that are"));
    };
    let certificates = contexts.join("tls").join(id.hex()).join("docker");
    let certificates = certificates.is_dir().then_some(certificates);
    Ok(Endpoint { address: host, certificates })
}

/// The system's daemon, or else the user's own.
fn usual(environment: &Environment) -> Endpoint {
    let usual = PathBuf::from("/var/run/docker.sock");
    let rootless = environment.path("XDG_RUNTIME_DIR").map(|dir| dir.join("docker.sock"));
    let path = rootless.filter(|path| !usual.exists() && path.exists()).unwrap_or(usual);
    Endpoint { address: format!("unix://{}", path.display()), certificates: None }
}

/// A JSON document, if it is there and sound.
fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of `far`.
    fn id() -> String {
        digest_of(Algorithm::Sha256, b"far").hex().to_owned()
    }

    #[test]
    fn the_environment_comes_before_contexts_and_they_before_the_usual_socket() {
        let home = tempfile::tempdir().expect("a directory");
        let config = home.path().join(".docker");
        let meta = config.join("contexts/meta").join(id());
        std::fs::create_dir_all(&meta).expect("a directory");
        let text = r#"{"Name":"far","Endpoints":{"docker":{"Host":"tcp://far.example:2376"}}}"#;
        std::fs::write(meta.join("meta.json"), text).expect("a file");
        let environment = Environment::default().with("HOME", home.path().display().to_string());
        let address = |environment: &Environment| match endpoint(environment) {
            Ok(Endpoint { address, certificates }) => {
                format!("{address} {}", certificates.is_some())
            }
            Err(error) => error.to_string(),
        };
        let usual = "unix:///var/run/docker.sock false";
        assert_eq!(address(&environment), usual);
        assert_eq!(address(&environment.clone().with("DOCKER_CONTEXT", "default")), usual);
        let far = "tcp://far.example:2376";
        let chosen = environment.clone().with("DOCKER_CONTEXT", "far");
        assert_eq!(address(&chosen), format!("{far} false"));
        let host = chosen.clone().with("DOCKER_HOST", "unix:///x");
        assert_eq!(address(&host), "unix:///x false");
        assert_eq!(address(&host.with("DOCKER_TLS_VERIFY", "1")), "unix:///x true");
        let lost = environment.clone().with("DOCKER_CONTEXT", "../far");
        assert!(address(&lost).contains("context `../far` is not there"));

        std::fs::write(config.join("config.json"), r#"{"currentContext":"far"}"#).expect("a file");
        std::fs::create_dir_all(config.join("contexts/tls").join(id()).join("docker"))
            .expect("a directory");
        assert_eq!(address(&environment), format!("{far} true"));
        let away = environment.with("DOCKER_CONTEXT", "default");
        assert_eq!(address(&away), usual);
    }
}
