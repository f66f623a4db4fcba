//! How a run ends: the exit code of a report, of two, and of none.
//!
//! Gate and policy have their say first, then what is missing. `docs/exit-codes.md` is the table.

use artifact::{OpenErrorKind, ReadError, Stop};
use document::Report;
use model::{ArtifactKind, Decision, ProblemKind};
use scan::ScanError;

use crate::error::UserError;
use crate::exit_code::ExitCode;
use crate::interrupt::stopped;
use crate::output;

/// The exit code, and on stderr what the gate has to say about it.
pub(crate) fn ending(report: &Report, gate: &policy::GateVerdict) -> ExitCode {
    let decision = report.verdict.as_ref().map_or(Decision::Allow, |verdict| verdict.decision);
    match gate_ending(report, gate) {
        _ if decision == Decision::Deny => ExitCode::GateReached,
        code if code != ExitCode::GateReached && decision == Decision::Unknown => {
            ExitCode::PolicyUnknown
        }
        code => code,
    }
}

/// The same as far as no policy has a say.
fn gate_ending(report: &Report, gate: &policy::GateVerdict) -> ExitCode {
    for policy::GateReason { severity, count, example: (id, package) } in &gate.reasons {
        output::note(&format!("gate: {count} {severity}, such as {id} in {package}"));
    }
    let unlooked = has(report, ProblemKind::MetadataMissing);
    if gate.unrated > 0 {
        let why =
            if unlooked { "because metadata is missing" } else { "because nobody rated them" };
        output::note(&format!("gate: {} could not be judged, {why}", gate.unrated));
    }
    match outcome(report) {
        _ if !gate.passes() => ExitCode::GateReached,
        // The gate cannot have judged what nobody could look up.
        ExitCode::Done | ExitCode::Incomplete if gate.unrated > 0 && unlooked => {
            ExitCode::AdvisoriesMissing
        }
        code => code,
    }
}

/// The exit code of a run that has a report, the gate apart.
pub(crate) fn outcome(report: &Report) -> ExitCode {
    if has(report, ProblemKind::AdvisoriesMissing) {
        ExitCode::AdvisoriesMissing
    } else if report.is_incomplete() {
        ExitCode::Incomplete
    } else {
        ExitCode::Done
    }
}

fn has(report: &Report, kind: ProblemKind) -> bool {
    report.problems.iter().any(|problem| problem.kind == kind)
}

/// Gate and policy judge the later side; as for what is missing, the graver of the two counts.
pub(crate) fn graver(after: ExitCode, before: ExitCode) -> ExitCode {
    match (after, before) {
        (ExitCode::GateReached | ExitCode::PolicyUnknown, _) => after,
        (ExitCode::AdvisoriesMissing, _) | (_, ExitCode::AdvisoriesMissing) => {
            ExitCode::AdvisoriesMissing
        }
        (ExitCode::Done, code) | (code, _) => code,
    }
}

/// The exit code of a run that has no report.
pub(crate) fn scan_error(error: ScanError, target: &str, stop: &Stop) -> UserError {
    let told = |error: &artifact::OpenError| error.hint_text().map(str::to_owned);
    let (kind, hint) = match &error {
        ScanError::Open(error) => {
            let kind = error.kind();
            (kind, told(error).or_else(|| searched(kind, target)))
        }
        // It was found, and broke off later.
        ScanError::Read(ReadError::Source(error)) => (error.kind(), told(error)),
        ScanError::Read(ReadError::Interrupted(_)) => (OpenErrorKind::Interrupted, None),
    };
    let code = match kind {
        OpenErrorKind::Usage => ExitCode::Usage,
        OpenErrorKind::NotFound => ExitCode::TargetNotFound,
        OpenErrorKind::NotAnImage => ExitCode::NotAnImage,
        OpenErrorKind::Unauthorized => ExitCode::Unauthorized,
        OpenErrorKind::Network => ExitCode::Network,
        OpenErrorKind::Damaged => ExitCode::Damaged,
        OpenErrorKind::Unsupported => ExitCode::Unsupported,
        OpenErrorKind::Interrupted => stopped(stop),
    };
    UserError::from_chain(code, &error).hint(hint)
}

/// A bare name is looked for in several places, and the error speaks of the last of them.
fn searched(kind: OpenErrorKind, target: &str) -> Option<String> {
    use OpenErrorKind::{Network, NotFound, Unauthorized};
    let prefix = target.split_once(':').map(|(prefix, _)| prefix);
    let has_prefix = ArtifactKind::ALL.iter().any(|kind| prefix == Some(kind.name()));
    if has_prefix
        || artifact::looks_like_path(target)
        || artifact::is_path(target)
        || !matches!(kind, Network | NotFound | Unauthorized)
    {
        return None;
    }
    Some(format!(
        "there is no file `{target}`, and neither Docker, containerd nor Podman here gave such an \
         image, so its registry was next"
    ))
}
