//! `pom.xml` of a project: the dependencies it declares with exact versions.
//!
//! Versions from a parent in another file are unknown here, and a range says nothing of what was
//! chosen: neither is guessed.

use model::{PackageKind, ProblemKind};

use super::pom::Pom;
use crate::lock::{LOCK_BYTES_MAX, Listing};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `maven-pom`.
pub(crate) struct MavenPom;

impl Analyzer for MavenPom {
    fn name(&self) -> &'static str {
        "maven-pom"
    }

    fn version(&self) -> u32 {
        3
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "pom.xml" }] }
    }

    fn max_bytes(&self) -> u64 {
        LOCK_BYTES_MAX
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        // That of something built: what it needs stands beside it and speaks for itself.
        if file.path.contains("META-INF/maven/") {
            return;
        }
        let (pom, error) = Pom::parse(&file.text());
        let mut listing = Listing::new(facts);
        let mut open = 0_usize;
        for dependency in pom.dependencies {
            let coordinates = &dependency.coordinates;
            match exact(&coordinates.version).filter(|_| coordinates.is_complete()) {
                Some(version) => {
                    let name = coordinates.name();
                    let mut installed = Installed::declared(PackageKind::Maven, &name, version);
                    installed.package.development = Some(dependency.is_of_tests());
                    let kind = Some(dependency.kind).filter(|kind| kind != "jar");
                    let told =
                        [("classifier", dependency.classifier), ("type", kind.unwrap_or_default())];
                    let told = told.into_iter().filter(|(_, value)| !value.is_empty());
                    let told = told.map(|(key, value)| (key.to_owned(), value));
                    installed.package.variant.extend(told);
                    listing.add(installed);
                }
                None => open = open.saturating_add(1),
            }
        }
        if open > 0 {
            let message = format!(
                "dependencies not looked at: {open}; what version they have is said elsewhere (by a \
                 parent), or left open"
            );
            facts.problem(ProblemKind::Notice, message);
        }
        if let Some(error) = error {
            facts.problem(ProblemKind::Damaged, format!("not a pom.xml: {error}"));
        }
    }
}

/// The version that a requirement allows alone: `1.0` (which Maven takes unless something nearer
/// says otherwise) and `[1.0]`.
fn exact(requirement: &str) -> Option<&str> {
    let bracketed = requirement.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let version = bracketed.unwrap_or(requirement).trim();
    let is_range = version.is_empty() || version.contains([',', '[', '(', ']', ')']);
    (!is_range && !matches!(version, "LATEST" | "RELEASE")).then_some(version)
}
