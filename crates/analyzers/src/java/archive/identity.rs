//! Which artifact an archive is, by what stands in it and how it is called.

use model::Basis;

use crate::java::coordinates::Coordinates;
use crate::java::manifest::Manifest;
use crate::java::{file_name, groups};

mod prefixed;
mod scala;

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
        let title = self.manifest.get("implementation-title");
        if let Some(whole) = whole(title) {
            return (whole, Basis::Record);
        }
        let (mut artifact, version) = self.file();
        let mut version = version.to_owned();
        let prefixed = self.prefixed();
        let stated = stated(self.manifest.get("implementation-version"));
        // Where the build names the artifact, its version is meant; a file may be renamed.
        if prefixed.is_none() && is_artifact(title) && !stated.is_empty() {
            stated.clone_into(&mut version);
            // sbt's title lacks what it adds to the artifact: the version of Scala.
            if scala::without(artifact) != title {
                artifact = title;
            }
        }
        for other in ["implementation-version", "bundle-version", "specification-version"] {
            if version.is_empty() {
                self.stated(other).clone_into(&mut version);
            }
        }
        if let Some((group, artifact)) = prefixed {
            let (group, artifact) = (group.to_owned(), artifact.to_owned());
            return (Coordinates { group, artifact, version }, Basis::FileName);
        }
        // Tomcat's own build leaves that out of most names, `catalina.jar`.
        let artifact = if title == "Apache Tomcat" && !artifact.starts_with("tomcat-") {
            format!("tomcat-{artifact}")
        } else {
            artifact.to_owned()
        };
        let (group, basis) = self.group(&artifact, &version);
        (Coordinates { group, artifact, version }, basis)
    }

    /// Group and artifact of a file that is called by both.
    fn prefixed(&self) -> Option<(&'e str, &'e str)> {
        let (name, version) = self.file();
        let title = self.manifest.get("implementation-title");
        // What names itself so is called so: `org.apache.felix.framework`.
        let is_whole = [title, self.manifest.symbolic_name()].contains(&name);
        let vendor = if is_whole { "" } else { self.vendor() };
        prefixed::split(name, |group, artifact| {
            group == vendor
                || !title.is_empty() && [artifact, scala::without(artifact)].contains(&title)
                || groups::group_of(artifact, version) == Some(group)
        })
    }

    /// The group of an artifact: by its place in a Maven repository, by what the manifest says, or
    /// because there is only one.
    fn group(&self, artifact: &str, version: &str) -> (String, Basis) {
        if let Some(group) = self.repository_group() {
            return (group, Basis::FileName);
        }
        if let Some(group) = groups::group_of(artifact, version) {
            return (group.to_owned(), Basis::FileName);
        }
        let (vendor, symbolic_name) = (self.vendor(), self.manifest.symbolic_name());
        if let Some(group) = bundled(symbolic_name, artifact) {
            // `org.hibernate.validator` is the group and the name of the bundle.
            let is_closer = vendor.starts_with(&group) && symbolic_name.starts_with(vendor);
            return (if is_closer { vendor.to_owned() } else { group }, Basis::Record);
        }
        let is_both = self.manifest.get("implementation-vendor-id") == artifact;
        (if is_both { artifact } else { vendor }.to_owned(), Basis::FileName)
    }

    /// The group that the build states; empty if it states none.
    fn vendor(&self) -> &'e str {
        let vendor = self.manifest.get("implementation-vendor-id");
        let is_group = vendor.contains('.') && is_artifact(vendor) && !VENDORS.contains(&vendor);
        if is_group { vendor } else { "" }
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
        let said =
            [self.file().1, self.stated("implementation-version"), self.stated("bundle-version")];
        let mut said = said.into_iter().filter(|version| !version.is_empty()).peekable();
        said.peek().is_none() || said.any(|version| version == pom.version)
    }

    /// The version that an attribute of the manifest states.
    fn stated(&self, attribute: &str) -> &'e str {
        stated(self.manifest.get(attribute))
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
    // An artifact that is called as the bundle is tells no group.
    if artifact.is_empty() || artifact == symbolic_name {
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

/// The artifact in `com.netflix.zuul#zuul-core;1.3.0`, as plugins of Gradle title what they build.
fn whole(title: &str) -> Option<Coordinates> {
    let (group, rest) = title.split_once('#')?;
    let (artifact, version) = rest.split_once(';')?;
    let is_told = is_artifact(group) && is_artifact(artifact) && first_word(version) == version;
    let told = [group, artifact, version].map(str::to_owned);
    let [group, artifact, version] = told;
    (is_told && !version.is_empty()).then_some(Coordinates { group, artifact, version })
}

/// The version that a text states: `1.4.0` also in `1.4.0-release-329 (1.4.0)`, where Kotlin has
/// the number of the build before what it published.
fn stated(text: &str) -> &str {
    let word = first_word(text);
    let published = text.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    let published = published.map_or("", |(inner, _)| first_word(inner));
    let build = word.strip_prefix(published).filter(|_| !published.is_empty());
    if build.is_some_and(|build| build.starts_with('-')) { published } else { word }
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
            ("org.apache.felix.framework", "org.apache.felix.framework", ""),
            ("", "buoy", ""),
        ] {
            assert_eq!(bundled(name, artifact).unwrap_or_default(), group, "{name}");
        }
    }

    #[test]
    fn versions_are_what_was_published() {
        for (text, version) in [
            ("1.2.3 build 7", "1.2.3"),
            ("1.4.0-release-329 (1.4.0)", "1.4.0"),
            ("1.9.22-release-704(1.9.22)", "1.9.22"),
            ("1.4.0 (1.4)", "1.4.0"),
            ("1.4.0-b1 (2020)", "1.4.0-b1"),
            ("2.0 (", "2.0"),
            ("unknown (1.0)", ""),
            ("", ""),
        ] {
            assert_eq!(stated(text), version, "{text}");
        }
    }
}
