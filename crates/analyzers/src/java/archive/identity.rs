//! Which artifact an archive is, by what stands in it and how it is called.

use model::Basis;

use crate::java::coordinates::Coordinates;
use crate::java::manifest::Manifest;
use crate::java::{file_name, groups};

/// What there is to go by.
pub(super) struct Evidence<'e> {
    /// Where the archive stands.
    pub(super) path: &'e str,
    pub(super) manifest: &'e Manifest,
    /// The artifacts noted in it, its own and merged ones.
    pub(super) poms: &'e [&'e Coordinates],
}

/// Vendor ids that stand for a company or foundation and not for a group.
const VENDORS: &[&str] = &["com.ibm", "com.oracle", "com.sun", "org.apache", "org.glassfish"];

impl<'e> Evidence<'e> {
    /// The one that is the archive's own: it is called like the file, or like the manifest says,
    /// or it is the only one and its version is that of the archive.
    pub(super) fn own_pom(&self) -> Option<&'e Coordinates> {
        let (artifact, _) = self.file();
        let is_called =
            |name: &str| self.poms.iter().copied().find(|pom| alike(&pom.artifact, name));
        let claims = [
            self.stem(),
            artifact,
            self.manifest.get("implementation-title"),
            self.manifest.get("bundle-name"),
            self.manifest.get("specification-title"),
        ];
        let named = claims.into_iter().filter(|name| !name.is_empty()).find_map(is_called);
        named.or_else(|| self.by_symbolic_name()).or_else(|| match self.poms {
            [only] if self.agrees(only) => Some(only),
            _ => self.renumbered(),
        })
    }

    /// The one of this version that is called like the file but for digits, which distributions add
    /// to names: `maven3-artifact.jar`.
    fn renumbered(&self) -> Option<&'e Coordinates> {
        let letters = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
        let stem = letters(self.stem());
        let mut fitting = self
            .poms
            .iter()
            .copied()
            .filter(|pom| self.agrees(pom) && alike(&letters(&pom.artifact), &stem));
        fitting.next().filter(|_| fitting.next().is_none())
    }

    /// What the manifest and the file name give, and what the answer rests on.
    pub(super) fn guess(&self) -> (Coordinates, Basis) {
        let (mut artifact, version) = self.file();
        let mut version = version.to_owned();
        let title = self.manifest.get("implementation-title");
        let stated = first_word(self.manifest.get("implementation-version"));
        // Where the build names the artifact, its version is meant; a file may be renamed.
        if is_artifact(title) && !stated.is_empty() {
            (artifact, version) = (title, stated.to_owned());
        }
        for other in ["implementation-version", "bundle-version", "specification-version"] {
            if version.is_empty() {
                first_word(self.manifest.get(other)).clone_into(&mut version);
            }
        }
        // Tomcat's own build leaves that out of most names, `catalina.jar`.
        let artifact = if title == "Apache Tomcat" && !artifact.starts_with("tomcat-") {
            format!("tomcat-{artifact}")
        } else {
            artifact.to_owned()
        };
        let (group, basis) = self.group(&artifact);
        (Coordinates { group, artifact, version }, basis)
    }

    /// The group of an artifact: by its place in a Maven repository, by what the manifest says, or
    /// because there is only one.
    fn group(&self, artifact: &str) -> (String, Basis) {
        if let Some(group) = self.repository_group() {
            return (group, Basis::FileName);
        }
        if let Some(group) = groups::group_of(artifact) {
            return (group.to_owned(), Basis::FileName);
        }
        if let Some(group) = bundled(self.manifest.symbolic_name(), artifact) {
            return (group, Basis::Record);
        }
        let vendor = self.manifest.get("implementation-vendor-id");
        let is_group = vendor.contains('.') && is_artifact(vendor) && !VENDORS.contains(&vendor);
        let group = if is_group || vendor == artifact { vendor } else { "" };
        (group.to_owned(), Basis::FileName)
    }

    /// `…/repository/org/example/tide/1.0/tide-1.0.jar` stands for the group `org.example`.
    fn repository_group(&self) -> Option<String> {
        let (artifact, version) = self.file();
        let (folder, _) = self.path.rsplit_once('/')?;
        let above = folder.strip_suffix(version)?.strip_suffix('/')?;
        let above = above.strip_suffix(artifact)?.strip_suffix('/')?;
        let roots = ["repository/", "maven-repo/", "maven2/"];
        let group = roots.into_iter().find_map(|root| above.rsplit_once(root))?.1;
        (!version.is_empty() && !group.is_empty()).then(|| group.replace('/', "."))
    }

    fn by_symbolic_name(&self) -> Option<&'e Coordinates> {
        let name = self.manifest.symbolic_name();
        let is_own = |pom: &&Coordinates| {
            bundled(name, &pom.artifact).is_some_and(|group| group == pom.group)
        };
        self.poms.iter().copied().find(is_own)
    }

    /// Whether nothing else is said than that this is the archive's own.
    fn agrees(&self, pom: &Coordinates) -> bool {
        let said = [
            self.file().1,
            first_word(self.manifest.get("implementation-version")),
            first_word(self.manifest.get("bundle-version")),
        ];
        let mut said = said.into_iter().filter(|version| !version.is_empty()).peekable();
        said.peek().is_none() || said.any(|version| version == pom.version)
    }

    /// The file name without its extension.
    fn stem(&self) -> &'e str {
        let name = self.path.rsplit_once('/').map_or(self.path, |(_, name)| name);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    }

    fn file(&self) -> (&'e str, &'e str) {
        file_name::split(self.stem())
    }
}

/// The group of a bundle by its symbolic name, if that was made by the rules of the Maven bundle
/// plugin: `group.artifact`, without what the artifact repeats of the group; the group alone where
/// the artifact is its last part.
fn bundled(symbolic_name: &str, artifact: &str) -> Option<String> {
    if artifact.is_empty() {
        return None;
    }
    if let Some(group) = symbolic_name.strip_suffix(artifact).and_then(|g| g.strip_suffix('.')) {
        // `com.google.guava` and `guava`: the last part of a group is not cut off again.
        let is_group = group.contains('.');
        return Some(if is_group { group } else { symbolic_name }.to_owned());
    }
    let repeats = |at: usize| {
        let (group, rest) = (symbolic_name.get(..at)?, symbolic_name.get(at.saturating_add(1)..)?);
        let last = group.rsplit('.').next()?;
        let rest_of_artifact = artifact.strip_prefix(last)?.strip_prefix(['-', '.'])?;
        (alike(rest_of_artifact, rest)).then(|| group.to_owned())
    };
    symbolic_name.match_indices('.').find_map(|(at, _)| repeats(at))
}

/// `error_prone_annotations`, `error-prone-annotations` and `Error Prone Annotations` are one name.
fn alike(a: &str, b: &str) -> bool {
    let letters = |text: &str| -> Vec<char> {
        let kept = text.chars().filter(|c| !matches!(c, '-' | '_' | '.' | ' '));
        kept.flat_map(char::to_lowercase).collect()
    };
    a == b || letters(a) == letters(b)
}

/// Whether the text could be the name of an artifact or group, and not a sentence.
fn is_artifact(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    text.contains(|c: char| c.is_ascii_lowercase()) && text.chars().all(fits)
}

/// The version in `1.2.3 build 7`; empty if it does not begin with a digit.
fn first_word(text: &str) -> &str {
    let word = text.split([' ', ',', '(']).next().unwrap_or_default();
    if word.starts_with(|c: char| c.is_ascii_digit()) { word } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_read_out_of_symbolic_names() {
        for (name, artifact, group) in [
            ("org.apache.httpcomponents.httpclient", "httpclient", "org.apache.httpcomponents"),
            ("org.apache.maven.core", "maven-core", "org.apache.maven"),
            ("org.apache.commons.lang3", "commons-lang3", "org.apache.commons"),
            ("org.apache.logging.log4j.api", "log4j-api", "org.apache.logging.log4j"),
            ("org.example.tide", "buoy", ""),
            ("", "buoy", ""),
        ] {
            assert_eq!(bundled(name, artifact).unwrap_or_default(), group, "{name}");
        }
    }
}
