//! What Chainguard decided on a vulnerable component that has no fix: its records say so beside the range.

use model::Status;

use super::record::AffectedPackage;

/// What holds of the versions that no fix ends. Of several components the one that is affected most surely
/// speaks; what is not said, or said in another word, is affected.
pub(super) fn unfixed(affected: &AffectedPackage<'_>) -> Status {
    let components = affected.ecosystem_specific.components.as_array().into_iter().flatten();
    let decided = components.filter_map(|it| it.get("latest_event_status")?.as_str());
    decided.map(status).min().unwrap_or(Status::Affected)
}

fn status(word: &str) -> Status {
    match word {
        "fix_not_planned" => Status::WillNotFix,
        "detection" => Status::UnderInvestigation,
        "analysis_not_planned" => Status::Undetermined,
        // `true_positive_determination`, and `pending_upstream_fix`: others have to mend it first.
        _ => Status::Affected,
    }
}
