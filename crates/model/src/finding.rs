//! One vulnerability on one package, with the evidence for it.

use serde::{Deserialize, Serialize};

use crate::{Cvss, Package, Severity, Status};

/// How the verdict on a package was reached: enough for a reader to repeat it by hand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Evidence {
    /// The segment's source: `debian-tracker`, `alpine-secdb`.
    pub source: String,
    /// The segment's stream: `debian-12`.
    pub stream: String,
    /// The notices that say so, if the publisher names any.
    pub notices: Vec<String>,
    /// The package name that the advisory speaks of, and whether it is a source package.
    pub advisory_package: String,
    /// The comparison that was made, in the words of its version scheme:
    /// `1.1.1n-0 < 1.1.1w-0 (debian, source openssl)`, or `no fixed version`.
    pub compared: String,
}

/// What another source says of the severity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Opinion {
    pub source: String,
    pub severity: Severity,
}

/// One vulnerability on one package.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub id: String,
    pub aliases: Vec<String>,
    pub package: Package,
    pub status: Status,
    pub fixed_version: Option<String>,
    /// Chosen: the distribution's rating if it gives one, else the best of the others.
    pub severity: Severity,
    /// Who gave the chosen severity; empty when it is unknown.
    pub severity_source: String,
    /// All ratings, the chosen one included, sorted by source.
    pub opinions: Vec<Opinion>,
    pub cvss: Vec<Cvss>,
    /// The EPSS probability of exploitation in the next 30 days and its percentile, 0 to 1.
    pub epss: Option<(f64, f64)>,
    /// The date CISA added it to the known exploited vulnerabilities (`YYYY-MM-DD`).
    pub kev: Option<String>,
    pub cwes: Vec<String>,
    pub title: String,
    pub description: String,
    pub references: Vec<String>,
    pub published: Option<String>,
    pub modified: Option<String>,
    pub evidence: Vec<Evidence>,
}

impl Finding {
    /// Name and installed version of what [`fixed_version`](Self::fixed_version) is a version of: the package,
    /// or its source where the publisher speaks of that and the package [counts
    /// apart](Package::counts_apart) from it.
    pub fn upgraded(&self) -> (&str, &str) {
        let package = &self.package;
        let is_source = |said: &str| said.strip_prefix("source ") == Some(package.source_name());
        let by_source = self.evidence.iter().any(|one| is_source(&one.advisory_package));
        match by_source && package.counts_apart() {
            true => (package.source_name(), package.source_version()),
            false => (&package.name, &package.version),
        }
    }
}
