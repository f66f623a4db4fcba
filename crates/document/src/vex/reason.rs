//! Why a finding is silenced, in the few words that all VEX formats share.

use model::{Silenced, SilencedBy, VexStatus};

/// A justification as OpenVEX and CSAF name it; CycloneDX has words of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Justification {
    name: &'static str,
    cyclonedx: &'static str,
}

/// OpenVEX spec 0.2.0, "Status Justifications", and CycloneDX 1.6, `impactAnalysisJustification`.
const JUSTIFICATIONS: [Justification; 5] = [
    Justification { name: "component_not_present", cyclonedx: "code_not_present" },
    Justification { name: "vulnerable_code_not_present", cyclonedx: "code_not_present" },
    Justification { name: "vulnerable_code_not_in_execute_path", cyclonedx: "code_not_reachable" },
    Justification {
        name: "vulnerable_code_cannot_be_controlled_by_adversary",
        cyclonedx: "requires_environment",
    },
    Justification {
        name: "inline_mitigations_already_exist",
        cyclonedx: "protected_by_mitigating_control",
    },
];

impl Justification {
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        JUSTIFICATIONS.into_iter().find(|it| it.name == name)
    }

    /// What a justification of CycloneDX comes to.
    pub(super) fn of_cyclonedx(name: &str) -> Option<Self> {
        Self::of_name(match name {
            "code_not_present" => "vulnerable_code_not_present",
            "code_not_reachable" => "vulnerable_code_not_in_execute_path",
            _ if name.starts_with("requires_") => {
                "vulnerable_code_cannot_be_controlled_by_adversary"
            }
            _ if name.starts_with("protected_") => "inline_mitigations_already_exist",
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        self.name
    }

    pub(crate) fn cyclonedx(self) -> &'static str {
        self.cyclonedx
    }
}

/// A reason taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    /// A VEX document says that this build holds the fix.
    pub(crate) is_fixed: bool,
    /// The user does not want to see it, and does not say that it is not there.
    pub(crate) is_accepted: bool,
    pub(crate) justification: Option<Justification>,
    /// What is said besides; empty if nothing is.
    pub(crate) statement: String,
}

impl Reason {
    /// Reasons of VEX documents begin with the word `fixed` or a justification, where they have
    /// one: `fixed: in our build`.
    pub(crate) fn of(silenced: &Silenced) -> Self {
        let reason = silenced.reason.as_str();
        let (word, rest) = reason.split_once(": ").unwrap_or((reason, ""));
        let justification = Justification::of_name(word);
        let is_fixed = silenced.by == SilencedBy::Vex && word == "fixed";
        let has_word = is_fixed || justification.is_some();
        let statement = if has_word { rest } else { reason };
        let is_accepted = silenced.by == SilencedBy::Exception && justification.is_none();
        Self { is_fixed, is_accepted, justification, statement: statement.to_owned() }
    }

    /// What others are to be told of the vulnerability.
    pub(crate) fn status(&self) -> VexStatus {
        match (self.is_fixed, self.is_accepted) {
            (true, _) => VexStatus::Fixed,
            (false, true) => VexStatus::Affected,
            (false, false) => VexStatus::NotAffected,
        }
    }
}
