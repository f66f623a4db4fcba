//! What an environment of conda was asked for: `environment.yml` (docs.conda.io, "Managing
//! environments"), as `conda env create` reads it and `conda env export` writes it.
//!
//! ```text
//! dependencies:
//!   - conda-forge::rope=1.2.0=py311_0
//!   - pip:
//!       - knot==2.0.0
//! ```
//!
//! Only what names one version is a package; what was installed stands in `conda-meta`.

use model::PackageKind;
use serde::Deserialize;

use super::requirement::Requirement;
use crate::lock::{self, LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `conda-environment`.
pub(crate) struct CondaEnvironment;

#[derive(Deserialize)]
struct Environment {
    #[serde(default)]
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Dependency {
    Conda(String),
    Pip {
        #[serde(default)]
        pip: Vec<String>,
    },
}

impl Analyzer for CondaEnvironment {
    fn name(&self) -> &'static str {
        "conda-environment"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Anywhere { directory: "*", name: "environment.yml" },
                Select::Anywhere { directory: "*", name: "environment.yaml" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        let text = file.text();
        // Other programs have files of this name.
        if !text.lines().any(|line| line.starts_with("dependencies:")) {
            return;
        }
        let environments = lock::yaml::<Environment>(&text, facts);
        let mut listing = Listing::new(facts);
        for dependency in environments.into_iter().flat_map(|it| it.dependencies) {
            match dependency {
                Dependency::Conda(spec) => {
                    if let Some((channel, name, version)) = exact(&spec) {
                        let mut installed = Installed::declared(PackageKind::Conda, name, version);
                        channel.clone_into(&mut installed.package.vendor);
                        listing.add(installed);
                    }
                }
                Dependency::Pip { pip } => {
                    let requirements = pip.iter().filter_map(|text| Requirement::of(text));
                    for requirement in requirements {
                        let Some(version) = requirement.pin else { continue };
                        let name = &requirement.name;
                        listing.add(Installed::declared(PackageKind::Pypi, name, version));
                    }
                }
            }
        }
    }
}

/// Channel (empty if none is named), name and version of a match specification, if that names one
/// version: `rope=1.2.0=build`, `rope==1.2.0`, `rope 1.2.0 build`. One `=` without a build behind
/// the version stands for all that begin so.
fn exact(spec: &str) -> Option<(&str, &str, &str)> {
    let spec = spec.split('#').next()?.trim();
    let (channel, spec) = spec.rsplit_once("::").unwrap_or(("", spec));
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let (name, rest) = spec.split_at_checked(spec.find(|c| !is_name(c))?)?;
    let version = if let Some(version) = rest.trim_start().strip_prefix("==") {
        version.trim()
    } else {
        // With a build, whatever separates them.
        let rest = rest.trim_start().trim_start_matches('=');
        rest.split_once(['=', ' ']).filter(|(_, build)| !build.trim().is_empty())?.0
    };
    let is_exact =
        version.starts_with(|c: char| c.is_ascii_digit()) && version.chars().all(is_version);
    (is_exact && !name.is_empty()).then_some((channel, name, version))
}

/// Operators, wildcards and lists name more than one version.
fn is_version(character: char) -> bool {
    character.is_ascii_alphanumeric() || "._+!-".contains(character)
}

#[cfg(test)]
mod tests {
    use super::exact;

    #[test]
    fn only_one_version_is_exact() {
        for (spec, expected) in [
            ("rope=1.2.0=py311_0", Some(("", "rope", "1.2.0"))),
            ("conda-forge::rope=1.2.0=0", Some(("conda-forge", "rope", "1.2.0"))),
            ("rope==1.2.0", Some(("", "rope", "1.2.0"))),
            ("rope ==1.2.0", Some(("", "rope", "1.2.0"))),
            ("rope 1.2.0 0", Some(("", "rope", "1.2.0"))),
            ("rope=1.2", None),
            ("rope=1.2.*=0", None),
            ("rope>=1.2", None),
            ("rope>=1.2,<2", None),
            ("rope", None),
            ("=1.0=0", None),
            ("rope=", None),
            ("", None),
        ] {
            assert_eq!(exact(spec), expected, "{spec}");
        }
    }
}
