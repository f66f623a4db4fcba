//! The exit codes: a promise to pipelines, documented in `docs/exit-codes.md` (a test compares).
//!
//! When several apply, the first of this order wins: usage, target, gate or policy, what a policy
//! cannot judge, missing advisories, incomplete.

use std::process::ExitCode as ProcessCode;

/// What the run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ExitCode {
    Done = 0,
    GateReached = 1,
    Usage = 2,
    PolicyUnknown = 3,
    TargetNotFound = 10,
    NotAnImage = 11,
    Unauthorized = 12,
    Network = 13,
    Damaged = 14,
    Unsupported = 15,
    AdvisoriesMissing = 20,
    Incomplete = 21,
    Output = 30,
    Failed = 31,
    TimeLimit = 124,
    Interrupted = 130,
}

impl ExitCode {
    /// Every code, and when a run ends with it.
    pub(crate) const ALL: [(Self, &'static str); 16] = [
        (Self::Done, "done; nothing the gate or the policy stops at"),
        (
            Self::GateReached,
            "`--fail-on` was reached, the policy denies, a check of `db verify`, `db vercmp`, \
             `policy test`, `rules suite` or `rules test` failed, `respond` may not touch its target, or \
             `gate oci-hook` refuses a container",
        ),
        (
            Self::Usage,
            "wrong usage: unknown option, malformed target, contradicting options, mistakes in a \
             policy or in rules",
        ),
        (
            Self::PolicyUnknown,
            "the policy cannot judge: a fact that one of its rules needs is not known",
        ),
        (
            Self::TargetNotFound,
            "no such file, image, tag, container, process, response or platform",
        ),
        (Self::NotAnImage, "the target exists and is not an image"),
        (Self::Unauthorized, "the source wants credentials or refused those it was given"),
        (Self::Network, "a registry, daemon or mirror could not be reached or broke off"),
        (
            Self::Damaged,
            "manifest, configuration, bundle, feed, list or recording is damaged or not what its \
             digest says",
        ),
        (
            Self::Unsupported,
            "a kind of image, or of bill of materials, that is known and not supported (Windows, \
             encrypted layers, SPDX 3)",
        ),
        (Self::AdvisoriesMissing, "done, but advisories that the target needs are missing"),
        (Self::Incomplete, "done, but something could not be read: see the problems in the report"),
        (Self::Output, "the report could not be written"),
        (Self::Failed, "a local operation failed (permission, full disk)"),
        (Self::TimeLimit, "`--timeout` passed"),
        (Self::Interrupted, "interrupted (Ctrl-C)"),
    ];
}

impl ExitCode {
    /// That of a file which the user named and nobody could read.
    pub(crate) fn of_file(error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::NotFound => Self::TargetNotFound,
            // It is there and is none of what it was named as.
            ErrorKind::InvalidData | ErrorKind::IsADirectory | ErrorKind::NotADirectory => {
                Self::Usage
            }
            _ => Self::Failed,
        }
    }
}

/// The table for `lazaret --help`.
pub(crate) fn help() -> String {
    let lines = ExitCode::ALL.map(|(code, meaning)| format!("  {:>3}  {meaning}", code as u8));
    format!("Exit codes:\n{}", lines.join("\n"))
}

impl From<ExitCode> for ProcessCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page is written by hand for people; the table in it is the one above.
    #[test]
    fn the_documented_table_is_this_one() {
        let page = include_str!("../../../docs/exit-codes.md");
        let documented: Vec<&str> = page
            .lines()
            .filter(|line| line.starts_with("| ") && !line.starts_with("| code"))
            .collect();
        let ours: Vec<String> = ExitCode::ALL
            .iter()
            .map(|(code, meaning)| format!("| {} | {meaning} |", *code as u8))
            .collect();
        assert_eq!(documented, ours);
    }
}
