//! What a policy judges: the result of a scan, before anything was filtered out of it.

use std::cell::Cell;

use jiff::civil::Date;
use model::{
    Artifact, Base, Eol, Finding, ImageRef, Inventory, Malware, Misconfiguration, Package, Problem,
    ProblemKind, Secret,
};
use serde::Deserialize;

use crate::expression::VERDICT_STEPS_MAX;
use crate::glob::Glob;
use crate::license::Licenses;

/// The result of a scan as it came.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub artifact: &'a Artifact,
    pub inventory: &'a Inventory,
    pub eol: &'a Eol,
    pub findings: &'a [Finding],
    pub problems: &'a [Problem],
    /// The checks that ran: `vuln`, `secret`, `malware`, `config`.
    pub checks: &'a [String],
    /// The image that it was built on, where that is known.
    pub base: Option<&'a Base>,
}

impl Facts<'_> {
    fn has(&self, check: &str) -> bool {
        self.checks.iter().any(|ran| ran == check)
    }

    /// Whether records of this stream could not be looked up.
    pub(crate) fn lacks(&self, stream: &str) -> bool {
        let missing = self.problems.iter().filter(|it| it.kind == ProblemKind::MetadataMissing);
        missing.flat_map(|it| it.subject.split(", ")).any(|it| it == stream)
    }

    /// Why things of this kind could be there without having been found.
    pub(crate) fn unseen(&self, on: On) -> Vec<String> {
        let missing = on.checks().iter().filter(|check| !self.has(check));
        let mut unseen: Vec<String> =
            missing.map(|check| format!("the check `{check}` did not run")).collect();
        let hides = |problem: &&Problem| on.is_hidden_by(problem.kind);
        let count = self.problems.iter().filter(hides).count();
        if let Some(problem) = self.problems.iter().find(hides) {
            let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
            unseen.push(format!("the result is incomplete: {problem}{more}"));
        }
        unseen
    }
}

/// What a rule looks at, one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum On {
    Image,
    Package,
    Finding,
    Secret,
    Malware,
    Misconfiguration,
    Problem,
}

impl On {
    pub(crate) const ALL: [Self; 7] = [
        Self::Image,
        Self::Package,
        Self::Finding,
        Self::Secret,
        Self::Malware,
        Self::Misconfiguration,
        Self::Problem,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Package => "package",
            Self::Finding => "finding",
            Self::Secret => "secret",
            Self::Malware => "malware",
            Self::Misconfiguration => "misconfiguration",
            Self::Problem => "problem",
        }
    }

    /// What conditions call it: CEL keeps the word `package` for itself.
    pub(crate) fn called(self) -> &'static str {
        if self == Self::Package { "pkg" } else { self.name() }
    }

    /// The checks that find such things, where they have to be asked for.
    fn checks(self) -> &'static [&'static str] {
        match self {
            Self::Finding => &["vuln"],
            Self::Secret => &["secret"],
            // Malicious packages are found by advisories, as vulnerable ones are.
            Self::Malware => &["malware", "vuln"],
            Self::Misconfiguration => &["config"],
            Self::Image | Self::Package | Self::Problem => &[],
        }
    }

    /// Whether such things may be missing because of a problem.
    fn is_hidden_by(self, kind: ProblemKind) -> bool {
        match self {
            Self::Image | Self::Problem => false,
            Self::Finding | Self::Malware => kind.makes_incomplete(),
            Self::Package | Self::Secret | Self::Misconfiguration => {
                kind.makes_incomplete() && kind != ProblemKind::AdvisoriesMissing
            }
        }
    }
}

/// One thing that a rule looks at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject<'a> {
    Image,
    Package(&'a Package),
    Finding(&'a Finding),
    Secret(&'a Secret),
    Malware(&'a Malware),
    Misconfiguration(&'a Misconfiguration),
    Problem(&'a Problem),
}

/// Facts with what is worked out of them once, for all rules.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) facts: Facts<'a>,
    pub(crate) today: Date,
    pub(crate) licenses: &'a Licenses,
    /// The image's names in their parts; none where it is not known what it is called.
    names: Vec<ImageRef>,
    /// What rules may still cost, all together.
    pub(crate) steps_left: Cell<usize>,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(facts: Facts<'a>, licenses: &'a Licenses, today: Date) -> Self {
        let names = facts.artifact.names();
        let steps_left = Cell::new(VERDICT_STEPS_MAX);
        Self { facts, today, licenses, names, steps_left }
    }

    /// The image's name, the first of several.
    pub(crate) fn reference(&self) -> Option<&ImageRef> {
        self.names.first()
    }

    /// Whether one of the patterns means this image: as it was asked for, as an archive calls it,
    /// or by its name in full. A path is no name, however much it looks like one. None where nobody
    /// said what the image is called.
    pub(crate) fn is_named(&self, patterns: &[Glob]) -> Option<bool> {
        let artifact = self.facts.artifact;
        let in_full: Vec<String> = self.names.iter().map(ToString::to_string).collect();
        let all = artifact.name_asked_for().into_iter().chain(&artifact.references).chain(&in_full);
        let is_named = all.into_iter().any(|name| patterns.iter().any(|it| it.matches(name)));
        (is_named || !in_full.is_empty() || !artifact.kind.is_image()).then_some(is_named)
    }

    /// Whether a layer belongs to the base image; None where either is not known.
    pub(crate) fn in_base(&self, layer: Option<u32>) -> Option<bool> {
        layer?;
        Some(self.facts.base?.holds(layer))
    }
}

/// The user that programs run as; None where no configuration says anything.
pub(crate) fn user(artifact: &Artifact) -> Option<&str> {
    artifact.config.as_ref().map(|config| match config.user.as_str() {
        "" => "root",
        user => user,
    })
}

/// Whether that user is root.
pub(crate) fn is_root(user: &str) -> bool {
    let name = user.split(':').next().unwrap_or_default();
    name == "root" || (!name.is_empty() && name.bytes().all(|byte| byte == b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_has_several_names() {
        for (user, root) in [
            ("root", true),
            ("0", true),
            ("0:0", true),
            ("root:app", true),
            ("app", false),
            ("10", false),
        ] {
            assert_eq!(is_root(user), root, "{user}");
        }
    }
}
