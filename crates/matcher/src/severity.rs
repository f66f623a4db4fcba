//! Which of several ratings of a vulnerability is reported, and all of them as opinions.
//!
//! The distribution's own rating counts first, because it knows how the package was built; then
//! what the publishers say of the vulnerability at large; then the best CVSS score. Thresholds
//! belong to `policy`.

use std::collections::BTreeMap;

use model::{Cvss, Details, Finding, Opinion, Severity};

/// The scorer that is taken where several scored a vulnerability: it scores all of them, by one
/// method.
const PREFERRED_SCORER: &str = "nvd";

/// Chooses a severity where the finding has none yet, and adds everyone's opinion. Details come
/// with the source they are from.
pub(crate) fn choose(finding: &mut Finding, details: &[(String, Details)]) {
    if finding.severity == Severity::Unknown {
        let rated = rated_by_publisher(finding, details).or_else(|| best_score(details));
        if let Some((source, severity)) = rated.or_else(|| rated_by_anyone(details)) {
            finding.severity = severity;
            finding.severity_source = source;
        }
    }
    add_opinions(finding, details);
}

/// The rating, apart from any package, of a publisher whose statement decided.
fn rated_by_publisher(
    finding: &Finding,
    details: &[(String, Details)],
) -> Option<(String, Severity)> {
    let decided = |source: &str| finding.evidence.iter().any(|one| one.source == source);
    rated_by_anyone(details.iter().filter(|(source, _)| decided(source)))
}

fn rated_by_anyone<'a>(
    details: impl IntoIterator<Item = &'a (String, Details)>,
) -> Option<(String, Severity)> {
    details
        .into_iter()
        .find(|(_, details)| details.severity != Severity::Unknown)
        .map(|(source, details)| (source.clone(), details.severity))
}

/// A current CVSS version before version 2; then the preferred scorer; then the newest version;
/// then the highest score.
fn best_score(details: &[(String, Details)]) -> Option<(String, Severity)> {
    let rank = |cvss: &Cvss| {
        (cvss.version != "2.0", cvss.source == PREFERRED_SCORER, cvss.version.clone())
    };
    details
        .iter()
        .flat_map(|(_, details)| &details.cvss)
        .max_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.score.total_cmp(&b.score)))
        .map(|cvss| (cvss.source.clone(), cvss.severity()))
}

/// One opinion a source: what it says outright, else what its score means.
fn add_opinions(finding: &mut Finding, details: &[(String, Details)]) {
    let mut opinions: BTreeMap<String, Severity> =
        finding.opinions.drain(..).map(|one| (one.source, one.severity)).collect();
    for (source, details) in details {
        if details.severity != Severity::Unknown {
            opinions.entry(source.clone()).or_insert(details.severity);
        }
    }
    for (_, details) in details {
        let mut scores: Vec<&Cvss> = details.cvss.iter().collect();
        scores.sort_by(|a, b| b.version.cmp(&a.version));
        for cvss in scores {
            opinions.entry(cvss.source.clone()).or_insert_with(|| cvss.severity());
        }
    }
    let opinion = |(source, severity)| Opinion { source, severity };
    finding.opinions = opinions.into_iter().map(opinion).collect();
}
