//! The report: everything a scan knows, ready to be written down.

use std::collections::BTreeMap;

use model::{
    Artifact, Base, Eol, Excepted, Finding, Inventory, Problem, ProblemKind, Severity, Silenced,
    Verdict,
};

/// A segment of advisories that the scan used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataSource {
    /// `debian-tracker`
    pub source: String,
    /// `debian-12`
    pub stream: String,
    /// When the segment was built (RFC 3339).
    pub built_at: String,
    /// When the publisher last changed the data (RFC 3339), if it says.
    pub modified: Option<String>,
    pub license: String,
}

/// One upgrade and what it would fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// The name to upgrade: the source package where one upgrade moves several binaries.
    pub package: String,
    /// The installed packages that it moves, sorted.
    pub moves: Vec<String>,
    /// The lowest version in which all fixable vulnerabilities of the package are fixed.
    pub to: String,
    /// The vulnerabilities that this fixes, sorted.
    pub fixes: Vec<String>,
}

/// All that is known of an artifact after a scan, or after an inventory alone.
#[derive(Clone, Debug)]
pub struct Report {
    pub artifact: Artifact,
    /// What the artifact was built on, if that is known.
    pub base: Option<Base>,
    /// Its problems are part of `problems`; the field inside is not read.
    pub inventory: Inventory,
    pub eol: Eol,
    pub findings: Vec<Finding>,
    /// Findings that somebody says not to report, in the order of findings.
    pub silenced: Vec<Silenced>,
    /// Secrets, malware and misconfigurations that an exception covers, in this order.
    pub excepted: Vec<Excepted>,
    /// How many findings of each severity the user did not want to see.
    pub left_out: BTreeMap<Severity, usize>,
    /// The same of secrets, malware and misconfigurations, whatever their severity.
    pub secrets_left_out: usize,
    pub malware_left_out: usize,
    pub misconfigurations_left_out: usize,
    pub upgrades: Vec<Upgrade>,
    /// Sorted.
    pub problems: Vec<Problem>,
    pub data: Vec<DataSource>,
    /// The names of the checks that ran (`vuln`).
    pub checks: Vec<String>,
    /// What the user's policy comes to; None without one.
    pub verdict: Option<Verdict>,
    /// When the document is made (RFC 3339): the caller's clock or `SOURCE_DATE_EPOCH`.
    pub now: String,
}

impl Report {
    /// Of what is inside; nothing was looked for yet.
    pub fn of(artifact: Artifact, inventory: Inventory, eol: Eol, now: String) -> Self {
        Self {
            artifact,
            base: None,
            inventory,
            eol,
            findings: Vec::new(),
            silenced: Vec::new(),
            excepted: Vec::new(),
            left_out: BTreeMap::new(),
            secrets_left_out: 0,
            malware_left_out: 0,
            misconfigurations_left_out: 0,
            upgrades: Vec::new(),
            problems: Vec::new(),
            data: Vec::new(),
            checks: Vec::new(),
            verdict: None,
            now,
        }
    }

    /// Whether something may be missing from the findings.
    pub fn is_incomplete(&self) -> bool {
        self.problems.iter().any(|problem| problem.kind.makes_incomplete())
    }

    /// How many things somebody says not to report.
    pub(crate) fn told_apart(&self) -> usize {
        self.silenced.len() + self.excepted.len()
    }

    /// Whether a part of the target could not be read.
    pub(crate) fn is_partial(&self) -> bool {
        let unread = [ProblemKind::Damaged, ProblemKind::LimitReached, ProblemKind::Unreadable];
        self.problems.iter().any(|problem| unread.contains(&problem.kind))
    }

    /// How many findings have each severity, the worst first.
    pub fn by_severity(&self) -> [(Severity, usize); 6] {
        Severity::ALL.map(|severity| {
            (severity, self.findings.iter().filter(|f| f.severity == severity).count())
        })
    }

    /// How many findings a published version fixes.
    pub fn fixable(&self) -> usize {
        self.findings.iter().filter(|finding| finding.fixed_version.is_some()).count()
    }
}
