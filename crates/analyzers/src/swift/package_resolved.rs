//! The lock file of Swift's package manager, `Package.resolved`, versions 1 to 3.
//!
//! Packages have no registry as a rule, so the address of the repository is the name, without
//! scheme and `.git`: `github.com/owner/repository`.

use model::{PackageKind, ProblemKind};
use serde::Deserialize;

use crate::lock::{self, LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `package-resolved`.
pub(crate) struct PackageResolved;

/// The newest version that is known.
const VERSION_MAX: u64 = 3;

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    version: u64,
    #[serde(default)]
    pins: Vec<Pin>,
    /// Version 1 has them one level down.
    #[serde(default)]
    object: Object,
}

#[derive(Default, Deserialize)]
struct Object {
    #[serde(default)]
    pins: Vec<Pin>,
}

#[derive(Deserialize)]
struct Pin {
    /// The name in a registry.
    #[serde(default)]
    identity: String,
    #[serde(default)]
    kind: String,
    #[serde(alias = "repositoryURL", default)]
    location: String,
    #[serde(default)]
    state: State,
}

#[derive(Default, Deserialize)]
struct State {
    /// None where a branch or a commit is asked for.
    #[serde(default)]
    version: Option<String>,
}

impl Analyzer for PackageResolved {
    fn name(&self) -> &'static str {
        "package-resolved"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Anywhere { directory: "*", name: "Package.resolved" },
                Select::Anywhere { directory: "*", name: ".package.resolved" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let Some(lock) = lock::json::<Lock>(file.bytes, facts) else { return };
        if lock.version > VERSION_MAX {
            let message = format!("version {} of the format is not known", lock.version);
            facts.problem(ProblemKind::Unsupported, message);
        }
        let mut listing = Listing::new(facts);
        for pin in lock.pins.into_iter().chain(lock.object.pins) {
            let name = match pin.kind.as_str() {
                "registry" => Some(pin.identity),
                "localSourceControl" => None,
                _ => repository(&pin.location),
            };
            let version = pin.state.version.unwrap_or_default();
            if let Some(name) = name {
                listing.add(Installed::declared(PackageKind::Swift, &name, &version));
            }
        }
    }
}

/// Host and path of an address, `https://host/path.git` or `git@host:path.git`; None for a folder
/// of the machine.
fn repository(location: &str) -> Option<String> {
    let (host, path) = match location.split_once("://") {
        Some(("file", _)) => return None,
        Some((_, rest)) => rest.split_once('/')?,
        None => location.split_once(':')?,
    };
    let host = host.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    (!host.is_empty() && !path.is_empty()).then(|| format!("{host}/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_repository_has_one_name() {
        for location in [
            "https://github.com/apple/swift-nio.git",
            "https://github.com/apple/swift-nio/",
            "http://user:secret@GitHub.com:443/apple/swift-nio",
            "ssh://git@github.com:22/apple/swift-nio.git",
            "git@github.com:apple/swift-nio.git",
        ] {
            assert_eq!(repository(location).as_deref(), Some("github.com/apple/swift-nio"));
        }
        for location in ["", "/srv/swift-nio", "../swift-nio", "file:///srv/x", "https://", "a:"] {
            assert_eq!(repository(location), None, "{location}");
        }
    }
}
