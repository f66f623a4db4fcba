//! An erratum as most publishers of the rpm world announce it: one notice, the CVEs it is about,
//! and the builds that fix them all.
//!
//! A notice without a CVE is reported under its own id, with its own texts; texts of one that has
//! CVEs are about all of them together and are left out. It must never decide which notices are
//! about security; the feeds do.

use std::collections::BTreeMap;

use model::{Details, Severity};

use crate::Sink;
use crate::statements::{Place, Statements};

/// How many statements one notice may become, CVEs times builds. The largest of Red Hat's fix some
/// 600 CVEs in some 100 packages each.
const STATEMENTS_LIMIT: usize = 1 << 19;

/// One erratum.
#[derive(Debug, Default)]
pub(crate) struct Notice {
    /// The publisher's name of it: `ELSA-2023-12342`.
    pub(crate) id: String,
    /// Sorted, each once.
    pub(crate) cves: Vec<String>,
    pub(crate) severity: Severity,
    /// Of single CVEs, where they are rated apart from the notice.
    pub(crate) ratings: BTreeMap<String, Severity>,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) references: Vec<String>,
    /// RFC 3339, UTC.
    pub(crate) published: Option<String>,
    /// When it was last changed (RFC 3339, UTC).
    pub(crate) updated: Option<String>,
    pub(crate) fixes: Vec<Fix>,
}

/// A build that a notice announces.
#[derive(Clone, Debug)]
pub(crate) struct Fix {
    pub(crate) place: Place,
    /// The first version of the line that the fix is for, where lines of one name exist side by
    /// side; None from the beginning.
    pub(crate) introduced: Option<String>,
    pub(crate) version: String,
    pub(crate) architecture: String,
}

impl Fix {
    pub(crate) fn new(place: Place, version: String, architecture: &str) -> Self {
        Self { place, introduced: None, version, architecture: architecture.to_owned() }
    }
}

impl Notice {
    /// Says of every vulnerability that these builds fix it.
    pub(crate) fn put(self, sink: &mut Sink) {
        sink.covers(&self.id);
        let statements = self.statements(self.severity);
        if statements.is_empty() {
            return sink.passed_over("notices that fix no packages");
        }
        for stream in statements.streams() {
            self.updated.iter().for_each(|when| sink.modified(stream, when));
            if self.cves.is_empty() {
                sink.details(stream, self.details());
            }
        }
        if self.cves.is_empty() {
            return statements.put(&self.id, sink);
        }
        let within_limit = STATEMENTS_LIMIT / self.fixes.len().max(1);
        for cve in self.cves.iter().take(within_limit) {
            let severity = self.ratings.get(cve).copied().unwrap_or(self.severity);
            self.statements(severity).put(cve, sink);
        }
        if self.cves.len() > within_limit {
            let record = format!("{} CVEs of {}", self.cves.len() - within_limit, self.id);
            sink.damaged(
                &record,
                format!("the notice means more than {STATEMENTS_LIMIT} statements"),
            );
        }
    }

    fn statements(&self, severity: Severity) -> Statements {
        let mut statements = Statements::default();
        for fix in &self.fixes {
            let introduced = fix.introduced.clone();
            let build = (fix.version.clone(), fix.architecture.as_str());
            statements.fixed_since(fix.place.clone(), introduced, build, &self.id, severity);
        }
        statements
    }

    fn details(&self) -> Details {
        Details {
            id: self.id.clone(),
            title: self.title.clone(),
            description: self.description.clone(),
            severity: self.severity,
            references: self.references.clone(),
            published: self.published.clone(),
            modified: self.updated.clone(),
            ..Details::default()
        }
    }
}

/// A notice's rating. `None` means that nobody rated it, unlike a CVSS score of 0.
pub(crate) fn rating(word: &str) -> Severity {
    match word.trim() {
        "None" | "none" => Severity::Unknown,
        word => Severity::from_publisher(word),
    }
}
