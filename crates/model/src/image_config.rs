//! What an image says of how it was built and how it is to run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The part of an image configuration that tells something about the image rather than about its
/// blobs (OCI image spec, "Image Configuration").
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// User, uid, `user:group` or `uid:gid`; empty is root.
    pub user: String,
    /// Variables in their order, split at the first `=`.
    pub environment: Vec<(String, String)>,
    pub entrypoint: Vec<String>,
    pub command: Vec<String>,
    pub working_dir: String,
    /// `8080/tcp`, sorted.
    pub exposed_ports: Vec<String>,
    /// Sorted.
    pub volumes: Vec<String>,
    pub labels: BTreeMap<String, String>,
    /// The test of the health check (`CMD`, …); None where the image has none.
    pub healthcheck: Option<Vec<String>>,
    /// Instructions for images that are built upon this one.
    pub on_build: Vec<String>,
    /// Every step of the build, the first first, also those that changed no file.
    pub history: Vec<HistoryStep>,
    /// What else people and builders wrote into it, by the names of the fields: the shell, authors
    /// and comments. Only looked into for secrets.
    #[serde(default)]
    pub remarks: Vec<(String, String)>,
}

/// One step of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryStep {
    /// The command as the builder recorded it.
    pub created_by: String,
    /// The layer that it made; None where it changed no file.
    pub layer: Option<u32>,
}
