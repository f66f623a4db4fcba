//! A credential that lies where anybody who has the image can read it.

use serde::{Deserialize, Serialize};

use crate::{Location, Severity};

/// What kind of place a secret was found in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SecretPlace {
    File,
    /// A variable of the image's configuration.
    Environment,
    Label,
    /// A command of the image's history, with the build arguments it was given.
    History,
    /// Any other field of the configuration: a command that a container runs, an instruction for
    /// images built upon it, a remark.
    Configuration,
}

impl SecretPlace {
    pub const ALL: [Self; 5] =
        [Self::File, Self::Environment, Self::Label, Self::History, Self::Configuration];

    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Environment => "environment",
            Self::Label => "label",
            Self::History => "history",
            Self::Configuration => "configuration",
        }
    }
}

/// One secret. The secret itself is nowhere in here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Secret {
    /// Of `content/secrets`: `aws-access-key-id`.
    pub kind: String,
    pub title: String,
    pub severity: Severity,
    pub place: SecretPlace,
    /// The file; or the name of the variable, label or field; or empty for a command of the history.
    pub location: Location,
    /// The line of the file or the step of the history, from 1; 0 for variables and labels.
    pub line: u32,
    /// What a reader may see of it: `AKIA… (20 characters)`.
    pub excerpt: String,
    /// A layer above removes or replaces the file: it is still in the image.
    pub removed: bool,
    /// The package that publishes this very file to everybody, if one owns it.
    pub owner: Option<String>,
}
