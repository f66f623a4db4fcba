//! A setting that makes an attack easier than it has to be.

use serde::{Deserialize, Serialize};

use crate::{Location, Severity};

/// What kind of thing is set wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ConfigPlace {
    /// The configuration of the image.
    Image,
    /// A step of the image's build.
    History,
    /// A file or directory of the image: its mode, its owner, its content.
    FileSystem,
    Dockerfile,
    Compose,
    Kubernetes,
    Helm,
}

impl ConfigPlace {
    pub const ALL: [Self; 7] = [
        Self::Image,
        Self::History,
        Self::FileSystem,
        Self::Dockerfile,
        Self::Compose,
        Self::Kubernetes,
        Self::Helm,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::History => "history",
            Self::FileSystem => "file_system",
            Self::Dockerfile => "dockerfile",
            Self::Compose => "compose",
            Self::Kubernetes => "kubernetes",
            Self::Helm => "helm",
        }
    }
}

/// One check that one thing did not pass.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Misconfiguration {
    /// Of `content/checks`, or the user's own: `image-root-user`.
    pub check: String,
    pub title: String,
    pub severity: Severity,
    /// What it makes possible: one sentence.
    pub why: String,
    /// What to do about it: one sentence.
    pub remediation: String,
    /// Where benchmarks ask for the same: `CIS Docker 1.6.0 4.1`.
    pub benchmarks: Vec<String>,
    pub place: ConfigPlace,
    /// The file; an empty path for the image's own configuration and history.
    pub location: Location,
    /// The line of the file or the step of the history, from 1; 0 where there is none.
    pub line: u32,
    /// What in the file is meant: `Deployment shop/web, container nginx`; empty for all of it.
    pub resource: String,
    /// What was seen, shortened and without secrets: `USER root`.
    pub evidence: String,
}
