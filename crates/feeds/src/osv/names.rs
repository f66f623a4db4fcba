//! Which vulnerabilities a record is about, and under which names: see the head of `osv.rs`.

use super::record::{AffectedPackage, Record};
use crate::text::Text;
use crate::{language, stream};

/// What a record is about.
pub(super) struct Names {
    /// The vulnerabilities.
    pub(super) ids: Vec<String>,
    /// Other names of the one vulnerability.
    pub(super) aliases: Vec<String>,
    /// The record itself.
    pub(super) notice: String,
}

impl Record<'_> {
    pub(super) fn names(&self) -> Names {
        // Ubuntu's notices name their vulnerabilities by its records on them: `UBUNTU-CVE-2022-45939`.
        let name = |text: &Text<'_>| cve_in_name(text).unwrap_or(text).to_owned();
        let texts = |list: &Option<Vec<Text<'_>>>| -> Vec<String> {
            list.iter().flatten().map(name).collect()
        };
        let mut others = texts(&self.upstream);
        others.extend(texts(&self.aliases));
        let of_language = self.affected().any(AffectedPackage::is_of_a_language);
        if !of_language && !others.iter().any(|name| stream::is_cve(name)) {
            others.extend(texts(&self.related));
        }
        let mut ids = match cve_in_name(&self.id) {
            Some(cve) => vec![cve.to_owned()],
            None => others.iter().filter(|name| stream::is_cve(name)).cloned().collect(),
        };
        if is_malicious(&self.id) {
            others.sort();
            others.dedup();
            let id = self.id.to_string();
            return Names { ids: vec![id.clone()], aliases: others, notice: id };
        }
        // Chainguard has a record for each component: what several are about is told by its other names.
        if ids.is_empty() && (of_language || self.id.starts_with("CGA-")) {
            let (id, aliases) = language::names(others, &self.id);
            return Names { ids: vec![id], aliases, notice: self.id.to_string() };
        }
        if ids.is_empty() && !is_bug_fix(&self.id) {
            ids.push(self.id.to_string());
        }
        ids.sort();
        ids.dedup();
        others.extend(of_language.then(|| self.id.to_string()));
        // Which of several CVEs another name stands for is not said; the record's own all of them have.
        others.retain(|name| !ids.contains(name) && (ids.len() == 1 || *name == *self.id));
        others.retain(|name| of_language || name.starts_with("GHSA-"));
        others.sort();
        others.dedup();
        Names { ids, aliases: others, notice: self.id.to_string() }
    }
}

/// Whether a record tells of a package that was made to do harm, and of no vulnerability
/// (github.com/ossf/malicious-packages).
pub(super) fn is_malicious(id: &str) -> bool {
    id.starts_with("MAL-")
}

/// The CVE that a record is named after, as the name says.
fn cve_in_name(id: &str) -> Option<&str> {
    let at = id.find("CVE-")?;
    id.get(at..).filter(|cve| stream::is_cve(cve))
}

/// Whether a notice without a CVE is about no vulnerability: `ALBA`, `RHEA`, `SUSE-RU` and the like.
fn is_bug_fix(id: &str) -> bool {
    let kind = id.split('-').next().unwrap_or_default();
    let red_hat = kind.len() == 4 && (kind.ends_with("BA") || kind.ends_with("EA"));
    red_hat || id.contains("-RU-") || id.contains("-FU-")
}
