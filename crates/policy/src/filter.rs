//! Which findings a user cares about.

use model::{Finding, Secret, Severity};

/// What a finding must be to be reported and judged. The default keeps every finding.
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
        let rated = self.severities.is_empty() || self.severities.contains(&finding.severity);
        rated && self.keeps_apart_from_severity(finding)
    }

    /// A secret that a package publishes to everybody is none of the image's.
    pub fn keeps_secret(&self, secret: &Secret) -> bool {
        let rated = self.severities.is_empty() || self.severities.contains(&secret.severity);
        rated && secret.owner.is_none()
    }

    /// Whether it would be kept if it had one of the severities asked for.
    pub(crate) fn keeps_apart_from_severity(&self, finding: &Finding) -> bool {
        !self.ignore_unfixed || finding.fixed_version.is_some()
    }
}
