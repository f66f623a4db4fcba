//! A Java archive: jar, war, ear and their like, with the archives inside it to a depth.
//!
//! Each `pom.properties` in it is an artifact: one of them, or else the manifest and the file name,
//! says what the archive itself is; the others were merged into it ("shaded"). Only the directory
//! of the archive and the few files concerned are read. The archive's own package carries its
//! SHA-1, by which indexes of Maven repositories know it.

mod identity;

use std::collections::BTreeMap;

use model::{Basis, PackageKind, ProblemKind};
use sha1::{Digest, Sha1};

use self::identity::Evidence;
use super::coordinates::Coordinates;
use super::manifest::Manifest;
use super::pom::Pom;
use super::{file_name, pom_properties};
use crate::zipped::{Archive, Budget, Refusal};
use crate::{Analyzer, File, FileFacts, Installed, Select};

/// Archives inside archives: ear, war, jar and what that embeds make four.
const DEPTH_MAX: usize = 8;

/// A pom or manifest that is read; the largest are about 1 MB.
const METADATA_BYTES_MAX: u64 = 4 << 20;

/// One archive inside another; libraries with native code for all platforms reach 300 MB.
const NESTED_BYTES_MAX: u64 = 512 << 20;

/// What of an archive's own kind is opened inside it.
const EXTENSIONS: &[&str] =
    &["jar", "war", "ear", "par", "sar", "nar", "hpi", "jpi", "kar", "lpkg"];

const MANIFEST: &str = "META-INF/MANIFEST.MF";
const MAVEN: &str = "META-INF/maven/";

/// The analyzer `java-archive`.
pub(crate) struct JavaArchive;

impl Analyzer for JavaArchive {
    fn name(&self) -> &'static str {
        "java-archive"
    }

    fn version(&self) -> u32 {
        4
    }

    fn selects(&self) -> &'static [Select] {
        const {
            &[
                Select::Anywhere { directory: "*", name: "*.jar" },
                Select::Anywhere { directory: "*", name: "*.war" },
                Select::Anywhere { directory: "*", name: "*.ear" },
                Select::Anywhere { directory: "*", name: "*.par" },
                Select::Anywhere { directory: "*", name: "*.sar" },
                Select::Anywhere { directory: "*", name: "*.nar" },
                Select::Anywhere { directory: "*", name: "*.hpi" },
                Select::Anywhere { directory: "*", name: "*.jpi" },
                Select::Anywhere { directory: "*", name: "*.kar" },
                Select::Anywhere { directory: "*", name: "*.lpkg" },
                // As Windows' tools write them; Java does not care.
                Select::Anywhere { directory: "*", name: "*.JAR" },
                Select::Anywhere { directory: "*", name: "*.WAR" },
                Select::Anywhere { directory: "*", name: "*.EAR" },
                Select::Anywhere { directory: "*", name: "*.War" },
            ]
        }
    }

    fn max_bytes(&self) -> u64 {
        // Applications that bring all their libraries have up to 1 GB.
        2 << 30
    }

    fn reads_in_place(&self) -> bool {
        true
    }

    fn analyze(&self, file: &File<'_>, facts: &mut FileFacts) {
        // Packages hold empty files in place of jars that are only needed to build them.
        if !file.bytes.is_empty() {
            let reader = Reader { facts, budget: Budget::new(file.scratch) };
            reader.read(file);
        }
    }
}

struct Reader<'f> {
    facts: &'f mut FileFacts,
    budget: Budget,
}

/// An archive and where it stands.
struct Place<'p> {
    /// The path in the image, or in the archive around it.
    path: &'p str,
    /// Where in the file: empty for the file itself.
    within: &'p str,
    depth: usize,
}

impl Reader<'_> {
    fn read(mut self, file: &File<'_>) {
        self.archive(&Place { path: file.path, within: "", depth: 0 }, file.bytes);
    }

    fn archive(&mut self, place: &Place<'_>, bytes: &[u8]) {
        let mut archive = match Archive::open(bytes, &mut self.budget) {
            Ok(archive) => archive,
            Err(refusal) => return self.refuse(place.within, refusal),
        };
        self.artifacts(place, &mut archive);
        for (number, name) in archive.names(is_archive) {
            let within = joined(place.within, &name);
            if place.depth >= DEPTH_MAX {
                let message = format!("archives nest deeper than {DEPTH_MAX}");
                return self.refuse(&within, (ProblemKind::LimitReached, message));
            }
            match archive.read(number, NESTED_BYTES_MAX, &mut self.budget) {
                Ok(content) => {
                    let depth = place.depth.saturating_add(1);
                    self.archive(&Place { path: &name, within: &within, depth }, &content);
                }
                Err(refusal) => self.refuse(&within, refusal),
            }
        }
    }

    /// What the archive is, and what was merged into it.
    fn artifacts(&mut self, place: &Place<'_>, archive: &mut Archive<'_>) {
        let poms = self.poms(place, archive);
        let manifest = self.manifest(place, archive);
        let hash = sha1(archive.bytes());
        let found: Vec<&Coordinates> = poms.iter().map(|(coordinates, _)| coordinates).collect();
        let evidence = Evidence { path: place.path, manifest: &manifest, poms: &found };
        let own = evidence.own_pom();
        if own.is_none() {
            let (coordinates, basis) = evidence.guess();
            let mut installed = package(&coordinates, place);
            installed.package.basis = basis;
            installed.package.license = licensed(&manifest);
            installed.package.hashes = vec![hash.clone()];
            installed.package.variant = variant(place, &coordinates);
            self.facts.package(installed);
        }
        for (coordinates, pom) in &poms {
            let mut installed = package(coordinates, place);
            if let Some(pom) = pom {
                installed.package.license = pom.licenses.join(" OR ");
                installed.package.dependencies = needed(pom);
            }
            if own == Some(coordinates) {
                installed.package.hashes = vec![hash.clone()];
                installed.package.variant = variant(place, coordinates);
                if installed.package.license.is_empty() {
                    installed.package.license = licensed(&manifest);
                }
            }
            self.facts.package(installed);
        }
    }

    /// The artifacts that Maven noted in the archive, sorted, each with its pom.xml if that is
    /// there too.
    fn poms(
        &mut self,
        place: &Place<'_>,
        archive: &mut Archive<'_>,
    ) -> Vec<(Coordinates, Option<Pom>)> {
        // By folder: an archive may hold ten thousands of both.
        let mut properties: BTreeMap<String, Vec<Coordinates>> = BTreeMap::new();
        let mut projects = Vec::new();
        for (number, name) in archive.names(|name| name.starts_with(MAVEN)) {
            let Some((folder, file)) = name.rsplit_once('/') else { continue };
            if !matches!(file, "pom.properties" | "pom.xml") {
                continue;
            }
            let content = match archive.read(number, METADATA_BYTES_MAX, &mut self.budget) {
                Ok(content) => content,
                Err(refusal) => {
                    self.refuse(&joined(place.within, &name), refusal);
                    continue;
                }
            };
            let text = String::from_utf8_lossy(&content);
            match file {
                "pom.xml" => projects.push((folder.to_owned(), Pom::parse(&text).0)),
                _ => {
                    if let Some(noted) = pom_properties::parse(&text) {
                        properties.entry(folder.to_owned()).or_default().push(noted);
                    }
                }
            }
        }
        let mut found: Vec<(Coordinates, Option<Pom>)> = Vec::new();
        for (folder, pom) in projects {
            let noted = properties.get_mut(&folder).and_then(Vec::pop);
            let coordinates = noted.unwrap_or_else(|| pom.own.clone());
            if coordinates.is_complete() {
                found.push((coordinates, Some(pom)));
            }
        }
        found.extend(properties.into_values().flatten().map(|coordinates| (coordinates, None)));
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        found.dedup_by(|(a, _), (b, _)| a == b);
        found
    }

    fn manifest(&mut self, place: &Place<'_>, archive: &mut Archive<'_>) -> Manifest {
        let entry = archive.names(|name| name.eq_ignore_ascii_case(MANIFEST)).into_iter().next();
        let Some((number, name)) = entry else { return Manifest::default() };
        match archive.read(number, METADATA_BYTES_MAX, &mut self.budget) {
            Ok(content) => Manifest::parse(&content),
            Err(refusal) => {
                self.refuse(&joined(place.within, &name), refusal);
                Manifest::default()
            }
        }
    }

    fn refuse(&mut self, within: &str, (kind, message): Refusal) {
        let message = match within {
            "" => message,
            within => format!("`{within}`: {message}"),
        };
        self.facts.problem(kind, message);
    }
}

fn package(coordinates: &Coordinates, place: &Place<'_>) -> Installed {
    let name = coordinates.name();
    let mut installed = Installed::new(PackageKind::Maven, &name, &coordinates.version);
    installed.package.basis = Basis::Record;
    place.within.clone_into(&mut installed.within);
    installed
}

/// What tells the archive from others of the same artifact.
fn variant(place: &Place<'_>, own: &Coordinates) -> BTreeMap<String, String> {
    let name = place.path.rsplit('/').next().unwrap_or_default();
    file_name::variant(name, &own.artifact, &own.version)
}

/// What a bundle says of its licence, without the address of the text behind it.
fn licensed(manifest: &Manifest) -> String {
    let stated = manifest.get("bundle-license");
    stated.split(';').next().unwrap_or_default().trim_matches(['"', ' ']).to_owned()
}

/// What the artifact needs where it runs: names, or `name@version` where the pom says which.
fn needed(pom: &Pom) -> Vec<String> {
    let needed = pom.dependencies.iter().filter(|dependency| dependency.is_needed());
    let mut names: Vec<String> = needed
        .map(|dependency| &dependency.coordinates)
        .filter(|coordinates| !coordinates.group.is_empty() && !coordinates.artifact.is_empty())
        .map(|coordinates| match coordinates.version.as_str() {
            "" => coordinates.name(),
            version => format!("{}@{version}", coordinates.name()),
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn is_archive(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// As Java writes it: `WEB-INF/lib/a.jar!/lib/b.jar`.
fn joined(within: &str, name: &str) -> String {
    if within.is_empty() { name.to_owned() } else { format!("{within}!/{name}") }
}

fn sha1(bytes: &[u8]) -> String {
    Sha1::digest(bytes).iter().fold("sha1:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}
