//! `--checks`: what to look for, and what of it a kind of target has.

use clap::{Args, ValueEnum};
use model::{ArtifactKind, Problem, ProblemKind};

/// Everything there is unless the user chose.
#[derive(Debug, Default, Args)]
pub(crate) struct ChecksArguments {
    /// Checks to run [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_enum)]
    checks: Vec<Check>,
}

/// The checks that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Check {
    /// Known vulnerabilities of packages
    Vuln,
    /// Credentials in files, removed ones included
    Secret,
    /// Trojans, webshells, miners and other files that are there to do harm
    Malware,
    /// Settings that make attacks easier, in the image and in the files that build and run it
    Config,
}

impl Check {
    /// As reports name it.
    fn name(self) -> &'static str {
        match self {
            Self::Vuln => "vuln",
            Self::Secret => "secret",
            Self::Malware => "malware",
            Self::Config => "config",
        }
    }
}

impl ChecksArguments {
    /// What to look for; everything there is unless the user chose.
    pub(crate) fn settle(&self) -> scan::Checks {
        let wanted = |check: Check| self.checks.is_empty() || self.checks.contains(&check);
        scan::Checks {
            vulnerabilities: wanted(Check::Vuln),
            secrets: wanted(Check::Secret),
            malware: wanted(Check::Malware),
            misconfigurations: wanted(Check::Config),
        }
    }

    /// What of it can be looked for: a bill of materials holds no files.
    fn checks_of(&self, kind: ArtifactKind) -> scan::Checks {
        let checks = self.settle();
        match kind {
            ArtifactKind::Sbom => {
                scan::Checks { vulnerabilities: checks.vulnerabilities, ..scan::Checks::default() }
            }
            _ => checks,
        }
    }

    /// The names of the checks that are made of such an artifact, as reports have them.
    pub(crate) fn names(&self, kind: ArtifactKind) -> Vec<String> {
        let checks = self.checks_of(kind);
        let ran = [
            (Check::Vuln, checks.vulnerabilities),
            (Check::Secret, checks.secrets),
            (Check::Malware, checks.malware),
            (Check::Config, checks.misconfigurations),
        ];
        ran.into_iter().filter(|(_, ran)| *ran).map(|(check, _)| check.name().to_owned()).collect()
    }

    /// The names of those that the user asked for; none if he left it at all there are.
    pub(crate) fn asked_for(&self) -> impl Iterator<Item = &'static str> {
        self.checks.iter().map(|check| check.name())
    }

    /// That something was asked for by name that cannot be looked for.
    pub(crate) fn impossible(&self, kind: ArtifactKind) -> Option<Problem> {
        let is_possible = self.checks.iter().all(|check| *check == Check::Vuln);
        if is_possible || kind != ArtifactKind::Sbom {
            return None;
        }
        let message = "a bill of materials holds no files, so only vulnerabilities were looked for";
        Some(Problem::new(ProblemKind::Unsupported, "checks", message))
    }
}
