//! The operating system distribution that an image is built on.

use serde::{Deserialize, Serialize};

/// What `os-release` (or an older release file) says, reduced to the terms that advisories use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Os {
    /// Our name of the distribution whose advisories apply: `debian`, `ubuntu`, `alpine`,
    /// `wolfi`, `chainguard`, `rhel`, `centos`, `almalinux`, `rocky`, `oracle`, `amazon`,
    /// `sles`, `opensuse-leap`, `opensuse-tumbleweed`, `fedora`, `photon`, `azurelinux`,
    /// `mariner`, `openeuler`, `anolis`, `opencloudos`, `tencentos`; else the `ID` itself.
    pub family: String,
    /// `VERSION_ID`, refined where the distribution's own file says more (`12`, `3.20.3`,
    /// `9.3`); empty where there is none (Wolfi, Debian sid).
    pub version: String,
    /// `VERSION_CODENAME`, where given (`bookworm`).
    pub codename: Option<String>,
    /// `PRETTY_NAME`, for people.
    pub pretty_name: Option<String>,
    /// `ID` as the image says it, when it differs from `family` (a derivative).
    pub derived_id: Option<String>,
}

/// Whether the distribution release is still supported at the time of the scan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Eol {
    /// Support ended on this date (`YYYY-MM-DD`).
    Ended(String),
    /// Support ends on this date.
    Ends(String),
    /// We hold no date for this release.
    Unknown,
}
