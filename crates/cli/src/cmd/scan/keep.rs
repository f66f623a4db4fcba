//! `--keep-verdict DIR`: what the policy said of an image, for the start gate.

use std::path::Path;

use document::Report;
use gate::{Day, Judged, Verdicts};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::ArtifactKind;

use crate::cmd::ending::outcome;
use crate::cmd::global::Global;
use crate::error::UserError;
use crate::exit_code::ExitCode;

pub(super) fn keep(
    folder: &Path,
    report: &Report,
    policy: Option<u128>,
    global: &Global,
) -> Result<(), UserError> {
    let (Some(verdict), artifact) = (&report.verdict, &report.artifact) else { return Ok(()) };
    // A bill says itself of which image it is.
    let is_image = artifact.kind != ArtifactKind::Sbom;
    let digests = [&artifact.digest, &artifact.manifest_digest].into_iter().flatten();
    let digests: Vec<_> = digests.filter(|_| is_image).collect();
    if digests.is_empty() {
        let message = format!("no verdict is kept: `{}` is no image by its bytes", artifact.name);
        return Err(UserError::new(ExitCode::Usage, message)
            .hint(Some("a gate knows images by their digest; scan the image itself")));
    }
    let is_whole = outcome(report) == ExitCode::Done;
    let mut judged = Judged::new(verdict, &artifact.name, is_whole, global.today);
    judged.data_of = report.data.iter().filter_map(|source| day(&source.built_at)).min().map(Day);
    judged.policy_version = policy.map(|version| format!("{version:032x}")).unwrap_or_default();
    Verdicts::at(folder).keep(&judged, digests).map_err(|error| {
        let message = format!("cannot keep the verdict in `{}`: {error}", folder.display());
        UserError::new(ExitCode::Output, message)
    })
}

/// The day of a moment, in UTC.
fn day(moment: &str) -> Option<Date> {
    let moment: Timestamp = moment.parse().ok()?;
    Some(moment.to_zoned(TimeZone::UTC).date())
}
