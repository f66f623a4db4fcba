//! Which results a user cares about.

use model::{Finding, Malware, Misconfiguration, Secret, Severity};

/// What a result must be to be reported and judged. The default keeps every one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The severities kept; empty keeps all. `Unknown` is a severity like the others: who leaves
    /// it out does not see what nobody rated.
    pub severities: Vec<Severity>,
    /// Keeps only findings that an upgrade would fix.
    pub ignore_unfixed: bool,
}

impl Filter {
    pub fn keeps(&self, finding: &Finding) -> bool {
        self.keeps_severity(finding.severity) && self.keeps_apart_from_severity(finding)
    }

    /// A secret that a package publishes to everybody is none of the image's.
    pub fn keeps_secret(&self, secret: &Secret) -> bool {
        self.keeps_severity(secret.severity) && secret.owner.is_none()
    }

    pub fn keeps_malware(&self, malware: &Malware) -> bool {
        self.keeps_severity(malware.severity)
    }

    pub fn keeps_misconfiguration(&self, misconfiguration: &Misconfiguration) -> bool {
        self.keeps_severity(misconfiguration.severity)
    }

    /// Of what only a severity is known.
    pub fn keeps_severity(&self, severity: Severity) -> bool {
        self.severities.is_empty() || self.severities.contains(&severity)
    }

    /// Whether it would be kept if it had one of the severities asked for.
    pub(crate) fn keeps_apart_from_severity(&self, finding: &Finding) -> bool {
        !self.ignore_unfixed || finding.fixed_version.is_some()
    }
}
