//! Packages that were made to do harm: records named `MAL-…` tell of them in the same streams as
//! vulnerabilities are told of, and are malware.

use model::{Malware, MalwareEngine, Package, Severity};

use crate::vulnerability::Vulnerability;

/// How such records are named (github.com/ossf/malicious-packages).
const PREFIX: &str = "MAL-";

/// The package as malware, if one of the statements is such a record.
pub(crate) fn malicious(package: &Package, vulnerability: &Vulnerability<'_>) -> Option<Malware> {
    let records = vulnerability.said.iter().map(|one| one.advisory.id.as_str());
    let record = records.filter(|id| id.starts_with(PREFIX)).min()?;
    let Package { kind, name, version, location, owner, .. } = package;
    Some(Malware {
        rule: record.to_owned(),
        family: "malicious-package".to_owned(),
        title: format!("malicious package {} {name} {version}", kind.name()),
        severity: Severity::Critical,
        engine: MalwareEngine::Advisory,
        location: location.clone(),
        offset: None,
        sha256: String::new(),
        removed: false,
        owner: owner.clone(),
        intact: None,
    })
}
