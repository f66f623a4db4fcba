//! What a policy judges: the result of a scan, before anything was filtered out of it.

use jiff::civil::Date;
use model::{
    Artifact, Eol, Finding, ImageRef, Inventory, Malware, Misconfiguration, Package, Problem,
    ProblemKind, Secret,
};
use serde::Deserialize;

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
}

impl Facts<'_> {
    fn has(&self, check: &str) -> bool {
        self.checks.iter().any(|ran| ran == check)
    }

    /// Why things of this kind could be there without having been found.
    pub(crate) fn unseen(&self, on: On) -> Vec<String> {
        let mut unseen = Vec::new();
        if let Some(check) = on.check().filter(|check| !self.has(check)) {
            unseen.push(format!("the check `{check}` did not run"));
        }
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

    /// The check that finds such things, where one has to be asked for.
    fn check(self) -> Option<&'static str> {
        match self {
            Self::Finding => Some("vuln"),
            Self::Secret => Some("secret"),
            Self::Malware => Some("malware"),
            Self::Misconfiguration => Some("config"),
            Self::Image | Self::Package | Self::Problem => None,
        }
    }

    /// Whether such things may be missing because of a problem.
    fn is_hidden_by(self, kind: ProblemKind) -> bool {
        match self {
            Self::Image | Self::Problem => false,
            Self::Finding => kind.makes_incomplete(),
            Self::Package | Self::Secret | Self::Malware | Self::Misconfiguration => {
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
    /// The name in its parts; None where it is no image name (a path).
    pub(crate) reference: Option<ImageRef>,
    /// Its registry, repository and tag as texts.
    pub(crate) full_name: Option<String>,
    /// The lowest layer that is not the base's; None where that cannot be told.
    pub(crate) base_layers: Option<u32>,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(facts: Facts<'a>, licenses: &'a Licenses, today: Date) -> Self {
        let names_image = facts.artifact.kind.has_layers();
        let reference: Option<ImageRef> =
            names_image.then(|| facts.artifact.name.parse().ok()).flatten();
        let full_name = reference.as_ref().map(ToString::to_string);
        let base_layers = base_layers(facts.artifact);
        Self { facts, today, licenses, reference, full_name, base_layers }
    }

    /// Whether a pattern of image names means this image: as it was named, or in full.
    pub(crate) fn is_named(&self, pattern: &crate::glob::Glob) -> bool {
        pattern.matches(&self.facts.artifact.name)
            || self.full_name.as_deref().is_some_and(|name| pattern.matches(name))
    }

    /// Whether a layer belongs to the base image.
    pub(crate) fn in_base(&self, layer: Option<u32>) -> Option<bool> {
        Some(layer? < self.base_layers?)
    }
}

/// How many of the layers are the base image's: those below the last command or entry point that
/// another step of the build follows with a layer of its own. Images do not say it; a base without
/// a command of its own cannot be told apart.
fn base_layers(artifact: &Artifact) -> Option<u32> {
    let history = &artifact.config.as_ref()?.history;
    let sets_command = |text: &str| {
        let text = text.trim_start_matches("/bin/sh -c #(nop)").trim_start();
        text.starts_with("CMD ") || text.starts_with("ENTRYPOINT ")
    };
    let last_layer = history.iter().rposition(|step| step.layer.is_some())?;
    let end = history
        .iter()
        .take(last_layer)
        .rposition(|step| step.layer.is_none() && sets_command(&step.created_by))?;
    history.iter().skip(end).find_map(|step| step.layer)
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
    use model::{HistoryStep, ImageConfig};

    use super::*;
    use crate::case::artifact;

    #[test]
    fn the_base_ends_where_its_command_stands() {
        // steps: `L` makes a layer, `C` sets the command, `-` neither
        let table = [
            ("LC-LL", Some(1)),
            ("LLC", None),
            ("LL", None),
            ("LCLCL", Some(2)),
            ("LCL-C", Some(1)),
            ("", None),
        ];
        for (steps, want) in table {
            let mut layers = 0..;
            let history = steps.chars().map(|step| HistoryStep {
                created_by: if step == 'C' { "CMD [\"sh\"]" } else { "RUN true" }.to_owned(),
                layer: (step == 'L').then(|| layers.next()).flatten(),
            });
            let config = ImageConfig { history: history.collect(), ..ImageConfig::default() };
            let artifact = Artifact { config: Some(config), ..artifact("shop:1") };
            assert_eq!(base_layers(&artifact), want, "{steps}");
        }
    }

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
