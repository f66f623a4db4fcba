//! What a policy comes to, with the reasons.

use serde::{Deserialize, Serialize};

use crate::Severity;

/// What is to be done, from the mildest to the gravest.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Decision {
    #[default]
    Allow,
    /// May go on; somebody should know.
    Warn,
    /// Cannot be judged: a fact that a rule needs is not known.
    Unknown,
    Deny,
}

impl Decision {
    pub const ALL: [Self; 4] = [Self::Allow, Self::Warn, Self::Unknown, Self::Deny];

    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Unknown => "unknown",
            Self::Deny => "deny",
        }
    }
}

/// The judgement of a policy on one target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The gravest of the reasons' decisions; `Allow` without any.
    pub decision: Decision,
    /// The policy, as its file names itself or is named.
    pub policy: String,
    /// The gravest first, within that in the order of the rules.
    pub reasons: Vec<Reason>,
    /// What else the reader should know: exceptions that count no more.
    pub notes: Vec<String>,
}

/// One rule that had something to say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The rule's identifier.
    pub rule: String,
    /// What the rule is called; its identifier where it has no title.
    pub title: String,
    pub decision: Decision,
    /// Why the rule exists, in the words of the policy; empty if it does not say.
    pub because: String,
    /// The date up to which the rule only warns (`YYYY-MM-DD`); it denies from then on.
    pub observed_until: Option<String>,
    /// What the rule looks at: `finding`, `secret`, `image` …
    pub on: String,
    /// What it holds of, in the order of the report; empty where nothing could be judged.
    pub hits: Vec<Hit>,
    /// Why it could not be judged; empty where it could.
    pub unknown: Vec<String>,
    /// What would turn it: upgrades, files to remove, settings to change.
    pub remedies: Vec<String>,
}

/// One thing that a rule holds of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hit {
    /// `CVE-2023-0286`, the kind of a secret, the rule of malware, a check, a package.
    pub id: String,
    /// Where: `openssl 3.0.2`, a path; empty for the image as a whole.
    pub place: String,
    /// None where the thing has none.
    pub severity: Option<Severity>,
}

/// Something other than a vulnerability that an exception of the policy covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Excepted {
    /// `secret`, `malware`, `misconfiguration`.
    pub kind: String,
    pub id: String,
    pub place: String,
    pub severity: Severity,
    /// The policy or ignore file, as the user named it.
    pub source: String,
    pub reason: String,
    /// Who answers for it; empty if nobody is named.
    pub owner: String,
    /// The date after which it counts no more (`YYYY-MM-DD`).
    pub expires: Option<String>,
}
