//! Everything that was found inside an artifact, before anyone holds advisories against it.

use serde::{Deserialize, Serialize};

use crate::{Malware, Misconfiguration, Os, Package, Problem, Secret};

/// The facts an SBOM is written from and the matcher works on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// None where no release file was found or none could be read.
    pub os: Option<Os>,
    /// Sorted by kind, name, version, architecture, path.
    pub packages: Vec<Package>,
    /// Repository names or CPEs that the image says its packages came from: Red Hat content
    /// sets, Alpine's repository lines. Sorted.
    pub repositories: Vec<String>,
    /// Sorted by kind; those in files that a layer above removes included.
    pub secrets: Vec<Secret>,
    /// Sorted by rule; that in files that a layer above removes included.
    pub malware: Vec<Malware>,
    /// Sorted by check.
    pub misconfigurations: Vec<Misconfiguration>,
    pub problems: Vec<Problem>,
}
