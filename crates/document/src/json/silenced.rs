//! A silenced finding as the JSON report shows it: what it was, and who says not to report it.

use model::Silenced;
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct SilencedJson<'a> {
    id: &'a str,
    package: &'a str,
    version: &'a str,
    path: &'a str,
    severity: &'static str,
    by: &'static str,
    source: &'a str,
    reason: &'a str,
    owner: &'a str,
    expires: Option<&'a str>,
}

impl<'a> SilencedJson<'a> {
    pub(super) fn of(silenced: &'a Silenced) -> Self {
        let Silenced { finding, by, source, reason, owner, expires } = silenced;
        Self {
            id: &finding.id,
            package: &finding.package.name,
            version: &finding.package.version,
            path: &finding.package.location.path,
            severity: finding.severity.name(),
            by: by.name(),
            source,
            reason,
            owner,
            expires: expires.as_deref(),
        }
    }
}
