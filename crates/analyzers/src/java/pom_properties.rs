//! `META-INF/maven/<group>/<artifact>/pom.properties`: the coordinates as Maven itself writes them
//! into what it builds. In an archive `archive.rs` reads it; unpacked applications have it as a
//! file.

use model::PackageKind;

use super::coordinates::Coordinates;
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// The analyzer `maven-properties`.
pub(crate) struct PomProperties;

impl Analyzer for PomProperties {
    fn name(&self) -> &'static str {
        "maven-properties"
    }

    fn version(&self) -> u32 {
        1
    }

    fn selects(&self) -> &'static [Select] {
        const { &[Select::Anywhere { directory: "*", name: "pom.properties" }] }
    }

    fn max_bytes(&self) -> u64 {
        // Three lines and a comment; whatever is larger is something else of that name.
        1 << 20
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        if !file.path.contains("META-INF/maven/") {
            return;
        }
        if let Some(found) = parse(&file.text()) {
            facts.package(Installed::new(PackageKind::Maven, &found.name(), &found.version));
        }
    }
}

/// The coordinates, if all three are there (java.util.Properties, "key=value" lines).
pub(super) fn parse(text: &str) -> Option<Coordinates> {
    let mut coordinates = Coordinates::default();
    for line in text.lines() {
        let Some((key, value)) = line.split_once(['=', ':']) else { continue };
        let field = match key.trim() {
            "groupId" => &mut coordinates.group,
            "artifactId" => &mut coordinates.artifact,
            "version" => &mut coordinates.version,
            _ => continue,
        };
        value.trim().clone_into(field);
    }
    let is_filled = |text: &String| !text.contains("${");
    let Coordinates { group, artifact, version } = &coordinates;
    let filled = [group, artifact, version].into_iter().all(is_filled);
    (coordinates.is_complete() && filled).then_some(coordinates)
}
