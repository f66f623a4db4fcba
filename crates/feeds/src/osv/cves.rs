//! Which of a notice's vulnerabilities each of its packages has: Ubuntu's notices say so in `cves_map`.
//!
//! A notice may be about several packages with a vulnerability each (USN-7027-1: emacs and org-mode). Without
//! the map all of them are taken to be in all packages, as publishers mean it who have no such map.

use std::collections::BTreeMap;

use model::Severity;

use super::record::{AffectedPackage, Vector};

/// As `type` of a severity: the score is Ubuntu's priority.
const UBUNTU: &str = "Ubuntu";

/// The vulnerabilities that a package has by its map, with Ubuntu's priority there; None without a map.
pub(super) fn of(affected: &AffectedPackage<'_>) -> Option<BTreeMap<String, Severity>> {
    let cves = affected.database_specific.cves_map.get("cves")?.as_array()?;
    let text = |value: &serde_json::Value, key: &str| Some(value.get(key)?.as_str()?.to_owned());
    let priority = |cve: &serde_json::Value| {
        let all = cve.get("severity").and_then(serde_json::Value::as_array).into_iter().flatten();
        let of_ubuntu = all.filter(|one| text(one, "type").is_some_and(|it| it == UBUNTU));
        let words = of_ubuntu.filter_map(|one| text(one, "score"));
        words.map(|word| Severity::from_publisher(&word)).max().unwrap_or_default()
    };
    let named = cves.iter().filter_map(|cve| Some((text(cve, "id")?, priority(cve))));
    Some(named.collect()).filter(|map: &BTreeMap<_, _>| !map.is_empty())
}

/// Ubuntu's priority among what a record gives for severities.
pub(super) fn priority<'r>(severities: &'r [Vector<'_>]) -> Option<&'r str> {
    severities.iter().find(|one| *one.r#type == *UBUNTU).map(|one| &*one.score)
}
