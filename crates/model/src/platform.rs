//! The platform an image is built for, in OCI's words (`linux/arm64/v8`).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Operating system, architecture and variant as Go's `GOOS`/`GOARCH` name them
/// (OCI image index spec, "platform").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Platform {
    pub os: String,
    pub architecture: String,
    pub variant: Option<String>,
}

/// Why a text is not a platform.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a platform (want OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT)")]
pub struct PlatformError(String);

impl Platform {
    /// The Linux platform of the machine this program was built for.
    pub fn host() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" => "ppc64le",
            other => other,
        };
        Self { os: "linux".to_owned(), architecture: architecture.to_owned(), variant: None }
    }

    /// The same in the words that runtimes compare: other names of an architecture and the variants
    /// that go without saying are made one (containerd's `platforms.Normalize`).
    #[must_use]
    pub fn normal(&self) -> Self {
        let (os, architecture) =
            (self.os.to_ascii_lowercase(), self.architecture.to_ascii_lowercase());
        let variant = self.variant.as_deref().unwrap_or_default().to_ascii_lowercase();
        let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
            ("i386", _) => ("386", ""),
            ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
            ("x86_64" | "x86-64", variant) => ("amd64", variant),
            ("aarch64" | "arm64", "8" | "v8") => ("arm64", ""),
            ("aarch64", variant) => ("arm64", variant),
            ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
            ("armel", _) | ("arm", "6") => ("arm", "v6"),
            ("arm", "5") => ("arm", "v5"),
            ("arm", "8") => ("arm", "v8"),
            (architecture, variant) => (architecture, variant),
        };
        let variant = (!variant.is_empty()).then(|| variant.to_owned());
        Self { os, architecture: architecture.to_owned(), variant }
    }

    /// Whether an image for `self` may stand in where `wanted` was asked for. A variant that the image
    /// leaves out is not a difference, nor is one that nobody asked for, and a machine runs what is for
    /// the earlier variants of its architecture.
    pub fn satisfies(&self, wanted: &Self) -> bool {
        let (mine, wanted) = (self.normal(), wanted.normal());
        let is_fit = || match (mine.level(), wanted.level()) {
            (Some(mine), Some(wanted)) => mine <= wanted,
            _ => mine.variant.is_none() || mine.variant == wanted.variant,
        };
        let is_open = self.variant.is_none() || wanted.variant.is_none();
        mine.os == wanted.os && mine.architecture == wanted.architecture && (is_open || is_fit())
    }

    /// How well an image for `self` serves `wanted`, which it satisfies: what is for the same machine
    /// best, then the latest variant that the machine runs.
    pub fn fitness(&self, wanted: &Self) -> u32 {
        let (mine, wanted) = (self.normal(), wanted.normal());
        match (mine.level(), wanted.level()) {
            _ if mine == wanted => u32::MAX,
            (Some(mine), Some(wanted)) if mine <= wanted => mine,
            _ => 0,
        }
    }

    /// The variant's place among those of architectures where later ones run what is for earlier ones.
    fn level(&self) -> Option<u32> {
        match (self.architecture.as_str(), self.variant.as_deref()) {
            ("amd64", None) => Some(1),
            ("amd64" | "arm", Some(variant)) => variant.strip_prefix('v')?.parse().ok(),
            _ => None,
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        let parts: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match parts.as_slice() {
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some((*variant).to_owned())),
            _ => return Err(PlatformError(text.to_owned())),
        };
        if parts.iter().any(|part| part.is_empty()) {
            return Err(PlatformError(text.to_owned()));
        }
        let (os, architecture) = ((*os).to_owned(), (*architecture).to_owned());
        Ok(Self { os, architecture, variant }.normal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unnamed_variant_matches_any() {
        let platform = |text: &str| text.parse::<Platform>().unwrap();
        assert!(platform("linux/arm64/v8").satisfies(&platform("linux/arm64")));
        assert!(!platform("linux/arm/v7").satisfies(&platform("linux/arm/v6")));
        assert!("linux".parse::<Platform>().is_err());
        assert!("linux//v7".parse::<Platform>().is_err());
        assert_eq!(platform("linux/arm/v7").to_string(), "linux/arm/v7");
    }

    #[test]
    fn platforms_are_asked_for_in_any_words() {
        let cases = [
            ("linux/arm", "linux/arm/v7"),
            ("linux/arm/7", "linux/arm/v7"),
            ("linux/armhf", "linux/arm/v7"),
            ("linux/armel", "linux/arm/v6"),
            ("linux/arm/v6", "linux/arm/v6"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm64/v9", "linux/arm64/v9"),
            ("Linux/x86_64", "linux/amd64"),
            ("linux/amd64/v1", "linux/amd64"),
            ("linux/amd64/v3", "linux/amd64/v3"),
            ("linux/i386", "linux/386"),
            ("linux/riscv64", "linux/riscv64"),
        ];
        for (asked, normal) in cases {
            assert_eq!(asked.parse::<Platform>().unwrap().to_string(), normal);
        }
    }

    #[test]
    fn a_machine_runs_what_is_for_earlier_ones() {
        let offered = |text: &str| {
            let parts: Vec<&str> = text.split('/').collect();
            let part = |at: usize| parts.get(at).map(|it| (*it).to_owned());
            Platform { os: part(0).unwrap(), architecture: part(1).unwrap(), variant: part(2) }
        };
        let cases = [
            ("linux/arm/v6", "linux/arm", true),
            ("linux/arm/v5", "linux/arm/v7", true),
            ("linux/arm/v6", "linux/arm/v5", false),
            ("linux/arm/v8", "linux/arm", false),
            // Indexes that say v6 lead to configurations that say nothing.
            ("linux/arm", "linux/arm/v6", true),
            ("linux/amd64/v2", "linux/amd64/v3", true),
            ("linux/amd64/v3", "linux/amd64/v2", false),
            ("linux/amd64/v3", "linux/amd64", true),
            ("linux/arm64/v8", "linux/aarch64", true),
            ("linux/arm64", "linux/arm", false),
            ("windows/amd64", "linux/amd64", false),
        ];
        for (image, wanted, is_fit) in cases {
            assert_eq!(offered(image).satisfies(&wanted.parse().unwrap()), is_fit, "{image}");
        }
        let wanted: Platform = "linux/arm".parse().unwrap();
        let fitness = |image: &str| offered(image).fitness(&wanted);
        assert!(fitness("linux/arm") == fitness("linux/arm/v7"));
        assert!(fitness("linux/arm/v7") > fitness("linux/arm/v6"));
        assert!(fitness("linux/arm/v6") > fitness("linux/arm/v5"));
    }
}
